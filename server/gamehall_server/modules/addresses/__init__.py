"""Saved addresses of users."""
