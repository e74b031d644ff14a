"""Lists that find records by their tags."""

from typing import Any

from sqlalchemy import BigInteger, Integer, Table, bindparam, cast, func, not_, select

from gamehall_server.kit.filters import Asked, Filter, words
from gamehall_server.kit.storage import any_of
from gamehall_server.modules.tags.tables import tagged

_t = tagged.table


def tag_filters(kind: str, table: Table) -> dict[str, Filter]:
    """The filters of a list that has all three: one of some tags, all of them, none of them."""
    key = table.primary_key.columns[0]

    def asked(name: str) -> Any:
        return lambda text: (None, {name: words(text, name)})

    return {
        ANY: Filter(ANY, asked(ANY), lambda shape: key.in_(_among(kind, key, ANY))),
        ALL: with_every_tag(kind, table, ALL),
        NONE: Filter(NONE, asked(NONE), lambda shape: not_(key.in_(_among(kind, key, NONE)))),
    }


def with_every_tag(kind: str, table: Table, name: str) -> Filter:
    """The filter of a field that lists the tags which a record has all of."""
    key = table.primary_key.columns[0]
    every = _among(kind, key, name).group_by(_t.c.record).having(func.count() == bindparam(f"{name}__number", type_=BigInteger))

    def ask(text: str) -> Asked:
        wanted = words(text, name)
        return None, {name: wanted, f"{name}__number": len(wanted)}

    return Filter(name, ask, lambda shape: key.in_(every))


def _among(kind: str, key: Any, name: str) -> Any:
    record: Any = cast(_t.c.record, BigInteger) if isinstance(key.type, Integer) else _t.c.record
    return select(record).where(_t.c.kind == kind, any_of(_t.c.tag, name))


ANY, ALL, NONE = "filter_tagset", "filter_tag_intersection", "filter_tag_exclusion"
