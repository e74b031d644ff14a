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
    record: Any = cast(_t.c.record, BigInteger) if isinstance(key.type, Integer) else _t.c.record

    def among(name: str) -> Any:
        return select(record).where(_t.c.kind == kind, any_of(_t.c.tag, name))

    def ask(name: str) -> Any:
        def asked(text: str) -> Asked:
            wanted = words(text, name)
            return None, {name: wanted, f"{name}__number": len(wanted)} if name == ALL else {name: wanted}

        return asked

    every = among(ALL).group_by(_t.c.record).having(func.count() == bindparam(f"{ALL}__number", type_=BigInteger))
    return {
        ANY: Filter(ANY, ask(ANY), lambda shape: key.in_(among(ANY))),
        ALL: Filter(ALL, ask(ALL), lambda shape: key.in_(every)),
        NONE: Filter(NONE, ask(NONE), lambda shape: not_(key.in_(among(NONE)))),
    }


ANY, ALL, NONE = "filter_tagset", "filter_tag_intersection", "filter_tag_exclusion"
