"""Currencies: the table that amounts of money are told in."""

from gamehall_server.modules.currencies.tables import show

__all__ = ["show"]
