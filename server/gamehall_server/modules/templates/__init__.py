"""Templates of records, and what records keep by them: a module whose records have properties names `Templated` among their parts."""

from gamehall_server.modules.templates.families import FAMILIES
from gamehall_server.modules.templates.part import Templated, detaching, taken_from
from gamehall_server.modules.templates.search import by_property

__all__ = ["FAMILIES", "Templated", "by_property", "detaching", "taken_from"]
