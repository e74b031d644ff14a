"""What people write instead of Gamehall, as well as they write it: the same tables, the same answers, the same durability."""
