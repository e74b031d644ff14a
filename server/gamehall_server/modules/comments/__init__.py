"""Comments on any object."""
