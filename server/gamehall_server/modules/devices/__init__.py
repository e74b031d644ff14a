"""Devices: what people play on, and signing in with one alone."""

from gamehall_server.modules.devices import tables

__all__ = ["tables"]
