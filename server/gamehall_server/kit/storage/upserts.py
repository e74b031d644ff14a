"""An INSERT that finds its row there already. SQLAlchemy has one for each dialect, and both databases have the same words for it; naming
the dialects would load them both everywhere."""

from typing import Any

from sqlalchemy import Insert, Table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class _Upsert(Insert):
    """`by`: the columns of the key; `renewed`: those that a row that is there takes from the new one."""

    inherit_cache = False

    def __init__(self, table: Table, by: tuple[str, ...], renewed: tuple[str, ...]) -> None:
        super().__init__(table)
        self.by, self.renewed = by, renewed


def upsert(table: Table, by: tuple[str, ...] = (), renewed: tuple[str, ...] = ()) -> Insert:
    """An INSERT that changes nothing where a row with the same key is there, or sets these columns of it to what it would have inserted."""
    return _Upsert(table, by, renewed)


@compiles(_Upsert)
def _written(element: _Upsert, compiler: SQLCompiler, **options: Any) -> str:
    quoted = compiler.preparer.quote
    key = f" ({', '.join(map(quoted, element.by))})" if element.by else ""
    sets = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in element.renewed)
    done = f"DO UPDATE SET {sets}" if sets else "DO NOTHING"
    inserted: str = compiler.visit_insert(element, **options)  # type: ignore[no-untyped-call]  # SQLAlchemy left it untyped.
    return f"{inserted} ON CONFLICT{key} {done}"
