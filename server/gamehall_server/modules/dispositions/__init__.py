"""What users think of anything."""

from gamehall_server.modules.dispositions.servicer import keep, resource_of

__all__ = ["keep", "resource_of"]
