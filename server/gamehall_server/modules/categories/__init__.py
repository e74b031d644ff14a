"""Categories."""

from gamehall_server.modules.categories.tables import summary

__all__ = ["summary"]
