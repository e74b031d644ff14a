"""A copy of a SQLite file that goes on being written to: whole, and as of its end.

A connection of its own holds a read transaction for the whole time, so that no checkpoint can start the log anew. SQLite's backup API
copies what that transaction sees, which no writer notices. What was committed meanwhile stands in the log, which is copied last: SQLite
itself then takes it into the copy, as it would after a crash. Why: docs/decisions/0019.
"""

import os
import shutil
from contextlib import closing
from pathlib import Path
from threading import Event

from gamehall_server.kit.clock import Micros, SystemClock
from gamehall_server.kit.storage.sqlite_file import Driver

# 8 MiB at a time: as often it looks whether it shall give up, and lets the disk catch up.
PAGES = 2048
LOG_HEAD = 32


class CopyFailed(Exception):
    """There is no copy; why."""


def copy_sqlite(driver: Driver, source: Path, target: Path, given_up: Event, *, alone: bool) -> Micros:
    """Copies a database to a new file; gives the moment (of the machine's clock) up to which the copy holds every committed change.

    alone: nobody else has the file open. Raises CopyFailed, also once `given_up` is set, and UnsafeSQLite.
    """
    target.touch(0o600)
    try:
        with closing(driver.connect(source, writer=alone, alone=alone)) as reading:
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
            with closing(driver.module.connect(str(target), isolation_level=None)) as copy, target.open("rb") as written:
                # Nobody else knows the copy yet, and one that was not finished is thrown away.
                copy.execute("PRAGMA journal_mode=OFF").fetchall()
                copy.execute("PRAGMA synchronous=OFF")

                def between(*_: object) -> None:
                    _go_on(given_up)
                    # Bit by bit: one large flush at the end would stand before the writer's small ones.
                    os.fsync(written.fileno())

                reading.backup(copy, pages=PAGES, progress=between)
            moment = SystemClock().now()
            _copy_log(_log_of(source), _log_of(target))
        with closing(driver.module.connect(str(target), isolation_level=None)) as copy:
            copy.set_progress_handler(given_up.is_set, 1_000_000)
            copy.execute("PRAGMA journal_mode=DELETE").fetchall()
        check_sqlite(driver, target)
    except driver.Error as error:
        _go_on(given_up)
        raise CopyFailed(f"{source} cannot be copied: {error}") from error
    _go_on(given_up)
    return moment


def check_sqlite(driver: Driver, file: Path) -> str:
    """Reads a whole database; gives its revision. Raises CopyFailed where it is damaged, or none of ours."""
    try:
        with closing(driver.module.connect(str(file), isolation_level=None)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok" or connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise CopyFailed(f"{file} is damaged: {found}")
            return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (driver.Error, TypeError) as error:
        raise CopyFailed(f"{file} is not a whole database of Gamehall: {error}") from error


def _go_on(given_up: Event) -> None:
    if given_up.is_set():
        raise CopyFailed("The copy was given up: the server was told to end.")


def _log_of(file: Path) -> Path:
    return file.with_name(file.name + "-wal")


def _copy_log(log: Path, target: Path) -> None:
    """Copies the log up to its end. A commit that is being written there fails SQLite's checksum and counts for nothing."""
    if not log.exists():
        return
    while True:
        # Unbuffered: the head must be read from the file twice.
        with log.open("rb", buffering=0) as reading, target.open("wb") as writing:
            head = reading.read(LOG_HEAD)
            writing.write(head)
            shutil.copyfileobj(reading, writing, 1 << 20)
            reading.seek(0)
            # It may have been started anew once, if everything before was in the file when the copy began.
            if reading.read(LOG_HEAD) == head:
                return
