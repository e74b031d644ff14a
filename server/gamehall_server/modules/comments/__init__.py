"""Comments on any object."""

from gamehall_server.modules.comments.servicer import resource_of

__all__ = ["resource_of"]
