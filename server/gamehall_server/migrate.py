"""Migrations: bring a database to the schema of this version.

Alembic is imported only here, when there is something to migrate: `serve` on a current database never pays for it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from gamehall_server.kit.storage import FileClaim, UnsafeDatabase, open_database
from gamehall_server.kit.storage.sqlite_file import sqlite_driver

T = TypeVar("T")
FOLDER = Path(__file__).parent / "migrations"
SQLITE = "sqlite:///"
OLDEST_POSTGRESQL = 14
# deadlock_detected, lock_not_available.
LOCKED = ("40P01", "55P03")
TRIES, PAUSE_SECONDS = 60, 0.5


def newest() -> str:
    """The revision of this version: migrations are numbered files."""
    return max(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


def is_current(url: str) -> bool:
    """Whether the database has this version's schema. Call it before an event loop runs."""
    if url.startswith(SQLITE):
        return _version_of(Path(url.removeprefix(SQLITE))) == newest()
    return on_connection(url, lambda connection: current(connection) == newest())


def _version_of(file: Path) -> str | None:
    """The revision of a SQLite file, asked of the driver: an engine would be the slowest part of a start. None for what is none."""
    if not file.is_file():
        return None
    driver = sqlite_driver()
    with closing(driver.connect(str(file))) as connection:
        try:
            return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
        except (driver.Error, TypeError):
            return None


def migrate(url: str) -> bool:
    """Brings the database to `newest()`; makes it where there is none. Gives whether anything was done.

    Call it before an event loop runs. Raises what the database raises, and DatabaseInUse for a SQLite file that a server has open.
    """
    if is_current(url):
        return False
    if not url.startswith(SQLITE):
        return _beside_others(url)
    # Nobody else may have the file open while its tables change.
    file = Path(url.removeprefix(SQLITE)).resolve()
    file.parent.mkdir(parents=True, exist_ok=True)
    claim = FileClaim(file)
    claim.take()
    try:
        return _to_the_newest(url)
    finally:
        claim.release()


def _to_the_newest(url: str) -> bool:
    done = False
    while on_connection(url, _upgrade):
        done = True
    return done


def _beside_others(url: str) -> bool:
    """Servers of the version before go on meanwhile. A step that waits long for a call of theirs, or in a circle with it, is tried again:
    everybody who comes to its table stands behind it until then."""
    done, tries = False, TRIES
    while True:
        try:
            return _to_the_newest(url) or done
        except Unusable as problem:
            tries -= 1
            if not tries or getattr(getattr(problem.__cause__, "orig", None), "sqlstate", None) not in LOCKED:
                raise
            # Some steps may have been taken.
            done = True
            time.sleep(PAUSE_SECONDS)


class Unusable(Exception):
    """The database cannot be opened, or is none."""


def on_connection(url: str, work: Callable[[Connection], T]) -> T:
    """Runs `work` on one connection, in one transaction. Raises ValueError for a URL of another kind, Unusable, UnsafeDatabase."""
    # Not opened: it judges the URL.
    open_database(url, ())
    try:
        return _on_sqlite(url, work) if url.startswith(SQLITE) else asyncio.run(_on_postgres(url, work))
    except DBAPIError as error:
        raise Unusable(f"{make_url(url).render_as_string()}: {error.orig}") from error


def _on_sqlite(url: str, work: Callable[[Connection], T]) -> T:
    engine = create_engine(url, module=sqlite_driver(), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    with engine.begin() as connection:
        return work(connection)


async def _on_postgres(url: str, work: Callable[[Connection], T]) -> T:
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            _refuse_unsafe((await connection.exec_driver_sql(_SAFETY)).one()._mapping)
            # Two nodes that start together migrate one after the other.
            await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7083202611)")
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


# What PostgreSQL is, and what it promises of a commit to sessions like ours.
_SAFETY = """
    SELECT current_setting('server_version_num') AS version, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes, current_setting('synchronous_commit') AS synchronous_commit
"""


def _refuse_unsafe(told: Mapping[Any, str]) -> None:
    """Raises UnsafeDatabase for a server that nobody mends any more, or that may forget what it committed."""
    version = int(told["version"]) // 10_000
    if version < OLDEST_POSTGRESQL:
        raise UnsafeDatabase(f"PostgreSQL {version} is too old: it takes {OLDEST_POSTGRESQL} or later.")
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if told[name] == "off":
            raise UnsafeDatabase(f"PostgreSQL runs with {name}=off and may forget what it committed: set it to on.")


def _upgrade(connection: Connection) -> bool:
    """Takes a database one migration on, an empty one to the newest; gives whether there was anything to do. Migrations of one transaction
    would hold the locks of all their tables, and stand in a circle with calls that want the same ones in another order."""
    version = current(connection)
    if version == newest():
        return False
    if version is not None and version > newest():
        raise Unusable(
            f"The database has schema {version}, newer than this version's {newest()}: take the newer version, or restore a backup"
        )
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head" if version is None else "+1")
    if connection.dialect.name == "postgresql":
        _order_by_bytes(connection)
    return True


# The texts of a schema that stand in the order of the database's own language. Where that is the order of bytes nothing changes: servers
# of the version before would have to prepare every statement anew, and theirs within transactions would fail once.
_TEXTS = """
    SELECT c.relname, string_agg(format('ALTER %I TYPE %s COLLATE "C"', a.attname, format_type(a.atttypid, a.atttypmod)), ', ')
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0
    AND a.attcollation = '"default"'::regcollation
    AND NOT EXISTS (
        SELECT FROM pg_database d WHERE d.datname = current_database() AND d.datcollate IN ('C', 'POSIX')
        AND coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') = 'c'
    )
    GROUP BY c.relname
"""


def _order_by_bytes(connection: Connection) -> None:
    """Lists sorted by a text are the same on every database, and its index finds their pages. Told by the columns, nothing need be
    said of it in statements and migrations."""
    from sqlmodel import SQLModel

    for table, changes in connection.exec_driver_sql(_TEXTS).all():
        if table in SQLModel.metadata.tables:
            connection.exec_driver_sql(f'ALTER TABLE "{table}" {changes}')


def current(connection: Connection) -> str | None:
    """The revision of the database; None for an empty one."""
    with connection.begin_nested() as probe:
        try:
            return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        except DBAPIError:
            probe.rollback()
            return None
