"""Where files are sent to and read from."""

from gamehall_server.modules.files.place import OwnFiles, Place

__all__ = ["OwnFiles", "Place"]
