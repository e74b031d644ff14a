"""Locks by name, for what has no row yet: whoever asks for one waits until the transaction that holds it has ended."""

from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from gamehall_server.kit.storage.handle import Handle
from gamehall_server.kit.storage.query import Query


class _Lock(ColumnElement[str]):
    inherit_cache = False
    type = Text()

    def __init__(self) -> None:
        self.name = bindparam("name", type_=Text())


@compiles(_Lock, "sqlite")
def _on_sqlite(element: _Lock, compiler: SQLCompiler, **options: Any) -> str:
    # There is one writer: nothing to wait for.
    return compiler.process(element.name, **options)


@compiles(_Lock, "postgresql")
def _on_postgres(element: _Lock, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(pg_advisory_xact_lock(hashtextextended({compiler.process(element.name, **options)}, 0)) AS TEXT)"


_lock = Query(select(_Lock()))


async def lock(db: Handle, name: str) -> None:
    """Holds the lock until the transaction of `db` ends. Who looks again afterwards sees what the last holder wrote."""
    await db.one(_lock, name=name)
