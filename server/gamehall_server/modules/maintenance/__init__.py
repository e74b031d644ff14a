"""Maintenance: the notice, and the gate that it locks."""

from gamehall_server.modules.maintenance.notice import Notice

__all__ = ["Notice"]
