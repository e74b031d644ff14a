"""Which transaction wrote a row: how a process learns what others committed, whatever their clocks say and in whatever order they end.

A row keeps the number of its transaction. Who reads remembers the oldest transaction that was under way, and asks next time for the rows
of that one and of all that began after it: every transaction before it had ended, and was seen. On SQLite, where one process writes, all
of this is 0.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class _Number(ColumnElement[int]):
    inherit_cache = True
    type = BigInteger()
    postgres = ""


class this_transaction(_Number):  # noqa: N801  # It stands in statements, like a function.
    """The number of the transaction that runs the statement."""

    inherit_cache = True
    postgres = "pg_current_xact_id()"


class oldest_under_way(_Number):  # noqa: N801
    """All transactions with a smaller number had ended, and the statement sees what they wrote."""

    inherit_cache = True
    postgres = "pg_snapshot_xmin(pg_current_snapshot())"


@compiles(_Number, "sqlite")
def _on_sqlite(element: _Number, compiler: SQLCompiler, **options: Any) -> str:
    return "0"


@compiles(_Number, "postgresql")
def _on_postgres(element: _Number, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(CAST({element.postgres} AS TEXT) AS BIGINT)"
