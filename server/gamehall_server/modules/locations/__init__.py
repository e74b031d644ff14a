"""Countries and states."""
