"""Which database a URL means."""

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Table, make_url
from sqlalchemy.exc import ArgumentError

from gamehall_server.kit.storage.handle import Database
from gamehall_server.kit.storage.sqlite import SQLiteDatabase

A_URL = "a database URL is sqlite:///path/to/file or postgresql://user:password@host/name"


def open_database(url: str, tables: Iterable[Table], *, most_connections: int = 8) -> Database:
    """The database at `sqlite:///path` or `postgresql://…`, not connected yet: await `open()` in the loop that will use it.

    tables:           those whose unique constraints a Duplicate shall name by column.
    most_connections: of this process to PostgreSQL.
    Raises ValueError for a URL that is neither.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError(A_URL) from None
    kind = parsed.get_backend_name()
    if kind == "sqlite" and parsed.database and parsed.database != ":memory:":
        return SQLiteDatabase(Path(parsed.database), tables)
    if kind == "postgresql":
        # Its driver is loaded where it is used.
        from gamehall_server.kit.storage.postgres import PostgresDatabase

        return PostgresDatabase(parsed.set(drivername="postgresql").render_as_string(hide_password=False), tables, most_connections)
    raise ValueError(A_URL)
