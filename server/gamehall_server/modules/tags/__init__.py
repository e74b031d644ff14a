"""Tags: words that group records of every kind."""

from gamehall_server.modules.tags.part import Tagged
from gamehall_server.modules.tags.search import tag_filters, with_every_tag

__all__ = ["Tagged", "tag_filters", "with_every_tag"]
