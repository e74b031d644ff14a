"""Several writes in one round trip: as one statement, WITH a AS (INSERT …), b AS (INSERT …) SELECT 1, or as one that is carried out with
many rows of values, one after the other.
"""

import re
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Insert

from gamehall_server.kit.storage.query import Query

_NUMBERED = re.compile(r"\$(\d+)")
# Beyond this a statement is long to plan, and there would be one for every number of rows.
MOST_TOGETHER = 16
# What a table has as its `info` where the database numbers the rows as they are written and somebody reads them in that order. The parts of
# a WITH are carried out in no order that anybody promises.
IN_ORDER = {"in order": True}
# Shapes kept. There are few in a running server: one or two for each method that writes.
_MOST_SHAPES = 1000

# Writes and their values, in the order of the plan's names.
Deferred = list[tuple[Query[Any], Sequence[Any]]]
Shape = tuple[Query[Any], ...]


class Batch(NamedTuple):
    """A statement, and the values of each time that it is carried out."""

    sql: str
    values: list[Sequence[Any]]


class _Part(NamedTuple):
    sql: str
    # How many writes it does, and whether by being carried out so often.
    number: int
    repeated: bool


class Batches:
    """Which deferred writes go together. Remembers each shape it has met."""

    def __init__(self) -> None:
        self._known: dict[Shape, list[_Part]] = {}

    def of(self, deferred: Deferred) -> list[Batch]:
        """Statements that do the same as these writes, one after the other."""
        shape = tuple(query for query, _ in deferred)
        parts = self._known.get(shape)
        if parts is None:
            if len(self._known) >= _MOST_SHAPES:
                self._known.clear()
            parts = self._known[shape] = _combined(shape)
        statements, at = [], 0
        for sql, number, repeated in parts:
            each = [own for _, own in deferred[at : at + number]]
            statements.append(Batch(sql, each if repeated else [list(chain.from_iterable(each))]))
            at += number
        return statements


def _combined(shape: Shape) -> list[_Part]:
    """The statements of a shape."""
    parts: list[list[Query[Any]]] = []
    for query in shape:
        if parts and len(parts[-1]) < MOST_TOGETHER and _fits(query, parts[-1]):
            parts[-1].append(query)
        else:
            parts.append([query])
    found: list[_Part] = []
    for part in parts:
        sql = _sql(part)
        if len(part) == 1 and found and found[-1].sql == sql:
            found[-1] = _Part(sql, found[-1].number + 1, True)
        else:
            found.append(_Part(sql, len(part), False))
    return found


def _fits(query: Query[Any], part: list[Query[Any]]) -> bool:
    """Whether a write may be done in the statement of some others that come before it."""
    if _stacked([*part, query]):
        return True
    return (len(part) == 1 or not _stacked(part)) and all(_together(query, other) for other in part)


def _sql(part: list[Query[Any]]) -> str:
    if len(part) == 1:
        return part[0].postgres.sql
    if _stacked(part):
        before, values = part[0].postgres.sql.split(" VALUES ")
        step = len(part[0].postgres.names)
        return f"{before} VALUES {', '.join(_renumbered(values, number * step) for number in range(len(part)))}"
    shift, pieces = 0, []
    for number, query in enumerate(part):
        pieces.append(f"w{number} AS ({_renumbered(query.postgres.sql, shift)})")
        shift += len(query.postgres.names)
    return f"WITH {', '.join(pieces)} SELECT 1"


def _renumbered(sql: str, shift: int) -> str:
    return _NUMBERED.sub(lambda found: f"${int(found[1]) + shift}", sql)


def _stacked(part: list[Query[Any]]) -> bool:
    """Whether these are rows of one table whose order the database keeps: they go in as the rows of one INSERT, one after the other."""
    first = part[0]
    return all(query is first for query in part) and _plain_insert(first) and _in_order(first) and _alone(first)


def _together(one: Query[Any], other: Query[Any]) -> bool:
    """Whether two writes do the same in either order, each without seeing the other: that is how PostgreSQL runs them."""
    if not (_alone(one) and _alone(other)):
        return False
    if one.statement.table is not other.statement.table:  # type: ignore[attr-defined]
        return True
    return _plain_insert(one) and _plain_insert(other) and not _in_order(one)


def _in_order(query: Query[Any]) -> bool:
    """Whether the database numbers the rows of the table as they are written, and their order counts."""
    return bool(query.statement.table.info.get("in order"))  # type: ignore[attr-defined]


def _alone(query: Query[Any]) -> bool:
    """Whether a write reads nothing but the rows it changes, and has no quoted text in which a $1 would not be a parameter."""
    sql = query.postgres.sql
    return query.postgres.writes and "SELECT" not in sql and "'" not in sql and "RETURNING" not in sql and " FROM (" not in sql


def _plain_insert(query: Query[Any]) -> bool:
    # One that does nothing about a conflict does the same in either order: the row is there.
    return isinstance(query.statement, Insert) and "ON CONFLICT" not in query.postgres.sql.removesuffix("ON CONFLICT DO NOTHING")
