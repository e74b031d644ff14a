"""Unique constraints by name, so that a refused row can say which columns are taken."""

import re
from collections.abc import Iterable

from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint

from gamehall_server.kit.errors import Duplicate, Violation

# SQLite names the columns of a constraint, but only the name of an index on expressions.
_SQLITE_COLUMNS = re.compile(r"UNIQUE constraint failed: (?:index '(?P<index>[^']+)'|(?P<columns>.+))")
# PostgreSQL: Key (context, context_id)=(…) already exists. The words are the server's language, the shape is not.
_POSTGRES_COLUMNS = re.compile(r"\((?P<columns>.*?)\)=\(")


def unique_columns(tables: Iterable[Table]) -> dict[str, tuple[str, ...]]:
    """The columns of every unique constraint and index, by the name PostgreSQL gives it."""
    columns: dict[str, tuple[str, ...]] = {}
    for table in tables:
        for constraint in table.constraints:
            names = tuple(column.name for column in getattr(constraint, "columns", ()))
            if isinstance(constraint, PrimaryKeyConstraint):
                columns[str(constraint.name or f"{table.name}_pkey")] = names
            elif isinstance(constraint, UniqueConstraint):
                columns[str(constraint.name or "_".join((table.name, *names, "key")))] = names
        for index in table.indexes:
            if index.unique and index.name:
                columns[str(index.name)] = tuple(column.name for column in index.columns)
    return columns


def duplicate(columns: Iterable[str]) -> Duplicate:
    """The fault of a row whose values in these columns are taken."""
    return Duplicate(violations=tuple(Violation(column, Duplicate.default_message) for column in columns))


def taken_on_sqlite(message: str, known: dict[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """The columns an IntegrityError speaks of; None when it is about something else than uniqueness."""
    found = _SQLITE_COLUMNS.match(message)
    if found is None:
        return None
    if found["index"]:
        return known.get(found["index"], (found["index"],))
    return tuple(column.rpartition(".")[2] for column in found["columns"].split(", "))


def taken_on_postgres(constraint: str | None, detail: str | None, known: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The columns a UniqueViolationError speaks of."""
    if constraint in known:
        return known[constraint]
    found = _POSTGRES_COLUMNS.search(detail or "")
    return tuple(found["columns"].split(", ")) if found else (constraint or "",)
