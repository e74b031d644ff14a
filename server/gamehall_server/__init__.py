"""Gamehall's server: the kit, the modules, and what puts them together."""

__version__ = "0.1.0"
