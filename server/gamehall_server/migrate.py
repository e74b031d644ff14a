"""Migrations: bring a database to the schema of this version.

Alembic is imported only here, when there is something to migrate: `serve` on a current database never pays for it.
"""

import asyncio
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

FOLDER = Path(__file__).parent / "migrations"
SQLITE = "sqlite:///"


def newest() -> str:
    """The revision of this version: migrations are numbered files."""
    return max(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


def migrate(url: str) -> bool:
    """Brings the database to `newest()`; makes it where there is none. Gives whether anything was done.

    Call it before an event loop runs. Raises what the database raises.
    """
    if url.startswith(SQLITE):
        return _migrate_sqlite(url)
    return asyncio.run(_migrate_postgres(url))


def _migrate_sqlite(url: str) -> bool:
    Path(url.removeprefix(SQLITE)).resolve().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, module=_sqlite_driver(), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    with engine.begin() as connection:
        return _upgrade(connection)


async def _migrate_postgres(url: str) -> bool:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            # Two nodes that start together migrate one after the other.
            await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7083202611)")
            return await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _sqlite_driver() -> Any:
    try:
        return import_module("pysqlite3.dbapi2")
    except ImportError:
        return import_module("sqlite3")


def _upgrade(connection: Connection) -> bool:
    if current(connection) == newest():
        return False
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True


def current(connection: Connection) -> str | None:
    """The revision of the database; None for an empty one."""
    with connection.begin_nested() as probe:
        try:
            return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        except DBAPIError:
            probe.rollback()
            return None
