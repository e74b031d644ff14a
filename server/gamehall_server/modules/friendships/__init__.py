"""Friendships of users."""
