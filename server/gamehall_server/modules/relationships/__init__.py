"""Relationships of users."""
