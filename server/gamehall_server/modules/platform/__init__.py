"""Health, version, and the sandbox clock."""
