"""Objects of a game's own."""
