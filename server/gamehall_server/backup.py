"""Backups of both databases, made while servers write, and databases made from them.

A backup is one file: of SQLite a database, of PostgreSQL an archive of pg_dump. Restoring makes a new database and never replaces one.
"""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from sqlalchemy import Connection, make_url

from gamehall_server.kit.clock import SECOND, Micros, SystemClock
from gamehall_server.kit.storage import FileClaim
from gamehall_server.kit.storage.sqlite_copy import CopyFailed, check_sqlite, copy_sqlite
from gamehall_server.kit.storage.sqlite_file import Driver
from gamehall_server.migrate import SQLITE, Unusable, current, newest, on_connection

FORMATS = {b"SQLite format 3\0": "SQLite", b"PGDMP": "PostgreSQL"}


def back_up(url: str, target: Path) -> str:
    """Makes a backup of a database that no server of SQLite has open; gives a sentence that says what it holds.

    Raises Unusable, CopyFailed, DatabaseInUse.
    """
    if not url.startswith(SQLITE):
        return _dump(url, target)
    source = Path(url.removeprefix(SQLITE))
    if not source.is_file():
        raise Unusable(f"{source}: there is no such database")
    claim = FileClaim(source)
    claim.take()
    try:
        return _copied(source, target, Event(), alone=True)
    finally:
        claim.release()


async def back_up_open(source: Path, target: Path) -> str:
    """As `back_up`, of a SQLite file that this process writes to meanwhile. The copying is done in a thread."""
    given_up = Event()
    copying = asyncio.ensure_future(asyncio.to_thread(_copied, source, target, given_up, alone=False))
    try:
        return await asyncio.shield(copying)
    except asyncio.CancelledError:
        given_up.set()
        await asyncio.wait([copying])
        copying.exception()
        raise


def restore(url: str, source: Path) -> str:
    """Makes the database of a URL from a backup; gives a sentence. Raises Unusable, CopyFailed, DatabaseInUse; then nothing has changed."""
    try:
        with source.open("rb") as reading:
            head = reading.read(16)
    except OSError as error:
        raise Unusable(f"{source}: {error.strerror}") from None
    kind = next((kind for start, kind in FORMATS.items() if head.startswith(start)), None)
    wanted = "SQLite" if url.startswith(SQLITE) else "PostgreSQL"
    if kind != wanted:
        found = "no backup" if kind is None else f"a backup of {kind}"
        raise Unusable(f"{source} is {found}; the database is to be {wanted}")
    if kind == "SQLite":
        return _restore_sqlite(source, Path(url.removeprefix(SQLITE)))
    return on_connection(url, lambda connection: _restore_postgres(connection, url, source))


@contextmanager
def _new_file(target: Path) -> Iterator[Path]:
    """A path to write to that nobody else can read. What stands there in the end becomes the target, durable and whole."""
    if not target.parent.is_dir():
        raise Unusable(f"{target.parent}: there is no such folder")
    if target.exists():
        raise Unusable(f"{target} is there already, and is not replaced")
    with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
        made = Path(folder) / target.name
        yield made
        made.chmod(0o600)
        with made.open("rb") as written:
            os.fsync(written.fileno())
        made.rename(target)
    entry = os.open(target.parent, os.O_RDONLY)
    os.fsync(entry)
    os.close(entry)


def _copied(source: Path, target: Path, given_up: Event, *, alone: bool) -> str:
    with _new_file(target) as made:
        moment = copy_sqlite(Driver(), source, made, given_up, alone=alone)
    return _held(target, moment)


def _held(target: Path, moment: Micros) -> str:
    told = datetime.fromtimestamp(moment // SECOND, UTC).replace(microsecond=moment % SECOND).isoformat()
    return f"{target} holds every change acknowledged up to {told} ({target.stat().st_size:,} bytes)"


def _restore_sqlite(source: Path, target: Path) -> str:
    target.resolve().parent.mkdir(parents=True, exist_ok=True)
    claim = FileClaim(target)
    claim.take()
    try:
        # The log of another database, left beside, would be taken into this one.
        for leftover in (f"{target.name}-wal", f"{target.name}-shm", f"{target.name}-journal"):
            if target.with_name(leftover).exists():
                raise Unusable(f"{target.with_name(leftover)} is there already, from another database: move it away first")
        if source.with_name(source.name + "-wal").exists():
            raise Unusable(f"{source} is a database in use, with a log beside it: make a backup of it first")
        with _new_file(target) as made:
            shutil.copyfile(source, made)
            _not_newer(check_sqlite(Driver(), made), source)
    finally:
        claim.release()
    return f"{target} is restored from {source}"


def _not_newer(revision: str | None, source: Path) -> None:
    if revision is None or revision > newest():
        raise Unusable(f"{source} was not made by this version of Gamehall or an earlier one (schema {revision}, here {newest()})")


# PostgreSQL, by its own tools.


def _dump(url: str, target: Path) -> str:
    server = on_connection(url, lambda connection: int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000)
    tool = _version("pg_dump")
    if tool < server:
        raise Unusable(f"pg_dump is version {tool} and the server {server}: put a pg_dump of version {server} or later on the PATH")
    moment = SystemClock().now()
    with _new_file(target) as made:
        _run(url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file", str(made), "--dbname")
    return f"{_held(target, moment)}, by pg_dump {tool} from PostgreSQL {server}"


def _restore_postgres(connection: Connection, url: str, source: Path) -> str:
    # The connection holds the lock of migrations: a server that starts meanwhile waits.
    tool = _version("pg_restore")
    if current(connection) is not None:
        raise Unusable("the database has a schema already, and perhaps servers: restore fills an empty database, and never replaces one")
    table = _run(None, "pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(source))
    revision = re.search(r"^(\d{4})$", table, re.MULTILINE)
    _not_newer(revision and revision[1], source)
    _run(url, "pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(source), "--dbname")
    return f"the database is restored from {source}, by pg_restore {tool}"


def _version(tool: str) -> int:
    told = re.search(r"\) (\d+)", _run(None, tool, "--version"))
    if told is None:
        raise Unusable(f"{tool} on the PATH does not tell its version")
    return int(told[1])


def _run(url: str | None, *command: str) -> str:
    """Runs a tool, with the URL as its last argument; gives what it prints. The password travels in the environment, where other users
    cannot see it."""
    environment = {**os.environ}
    if url is not None:
        parsed = make_url(url)
        password = parsed.password or parsed.query.get("password")
        if password is not None:
            environment["PGPASSWORD"] = str(password)
        plain = parsed._replace(password=None).difference_update_query(["password"])
        command = (*command, plain.render_as_string(hide_password=False))
    try:
        # The tool is PostgreSQL's, and its arguments are not read by a shell.
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        raise Unusable(f"{command[0]} is not on the PATH: backups of PostgreSQL are made by its client tools, so install them") from None
    if done.returncode:
        raise Unusable(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


__all__ = ["CopyFailed", "back_up", "back_up_open", "restore"]
