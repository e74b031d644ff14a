"""What users think of anything."""
