"""Tags: words that group records of every kind."""

from gamehall_server.modules.tags.part import Tagged
from gamehall_server.modules.tags.search import tag_filters

__all__ = ["Tagged", "tag_filters"]
