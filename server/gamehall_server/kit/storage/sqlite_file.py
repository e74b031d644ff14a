"""A SQLite file: who owns it, which SQLite opens it, how connections are set up, what its errors mean."""

import fcntl
import os
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from gamehall_server.kit.errors import Unavailable
from gamehall_server.kit.storage.violations import duplicate, taken_on_sqlite

# Older versions can corrupt a WAL file when one connection resets it while another writes (sqlite.org/wal.html).
SAFE_VERSION = (3, 51, 3)
# SQLite's result codes for what a repair of the machine mends; others are bugs in a statement.
_OUT_OF_ORDER = frozenset(
    ("BUSY", "LOCKED", "NOMEM", "READONLY", "INTERRUPT", "IOERR", "CORRUPT", "FULL", "CANTOPEN", "PROTOCOL", "NOTADB", "PERM")
)
_COMMON = (
    "foreign_keys=ON",
    "synchronous=FULL",
    "fullfsync=ON",
    "mmap_size=0",
    "cache_size=-65536",
    "temp_store=MEMORY",
    "busy_timeout=250",
)
# In pages of 4 KiB: the file is checkpointed, in the thread that commits, when the log has 16 MiB.
_WRITER = ("journal_mode=WAL", "wal_autocheckpoint=4000", "journal_size_limit=67108864")
_READER = ("wal_autocheckpoint=0", "query_only=ON")


class DatabaseInUse(RuntimeError):
    """Another process owns the database file."""


class UnsafeDatabase(RuntimeError):
    """This database could lose committed data."""


class UnsafeSQLite(UnsafeDatabase):
    """This SQLite could lose committed data in the way it was asked to be used."""


class FileClaim:
    """The lock that makes one process the owner of a database file. The operating system frees it when the process ends."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._lock: int | None = None

    def take(self) -> None:
        """Raises DatabaseInUse when somebody else has it."""
        path = self._database.with_name(self._database.name + ".lock")
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(lock, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
            raise DatabaseInUse(
                f"The database {self._database} is in use by another process (pid {owner}). A SQLite file belongs to one process: "
                "stop that one first, or use PostgreSQL to run several."
            ) from None
        os.truncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        self._lock = lock

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class Driver:
    """The SQLite to use: that of the pysqlite3 wheel, or the standard library's where the wheel is missing."""

    def __init__(self, module: ModuleType | None = None) -> None:
        self.module: Any = module or sqlite_driver()
        self.version: tuple[int, ...] = tuple(self.module.sqlite_version_info)
        self.Error: type[Exception] = self.module.Error
        # What a statement may raise: a number of more than 64 bits and a text that is not Unicode are refused before SQLite sees them.
        self.refusals: tuple[type[Exception], ...] = (self.Error, OverflowError, ValueError)

    @property
    def safe(self) -> bool:
        """Whether more than one connection may use a file in WAL mode."""
        return self.version >= SAFE_VERSION

    def connect(self, path: Path, *, writer: bool, alone: bool = False) -> Any:
        """A connection in autocommit mode. `alone` says that it is the only one, for writes, reads and checkpoints."""
        if not (self.safe or (writer and alone)):
            text = ".".join(map(str, self.version))
            raise UnsafeSQLite(
                f"SQLite {text} may corrupt a file that several connections use: install pysqlite3 (SQLite 3.51.3 or later)."
            )
        connection = self.module.connect(str(path), isolation_level=None, cached_statements=1024, check_same_thread=False)
        try:
            for pragma in _COMMON + (_WRITER if writer else _READER):
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except self.Error:
            connection.close()
            raise
        return connection

    def fault(self, error: Exception, known: dict[str, tuple[str, ...]]) -> Exception:
        """What a caller is told of a driver's error: a Fault where somebody can act on it, else the error itself."""
        name = str(getattr(error, "sqlite_errorname", "")).removeprefix("SQLITE_")
        if name.startswith("CONSTRAINT"):
            columns = taken_on_sqlite(str(error), known)
            return error if columns is None else duplicate(columns)
        # Extended codes add to the plain one: IOERR_FSYNC.
        return Unavailable(retry_after=1) if name.partition("_")[0] in _OUT_OF_ORDER else error


def sqlite_driver() -> ModuleType:
    """The module of the SQLite to use. The standard library's is loaded where it is that one alone."""
    try:
        return import_module("pysqlite3.dbapi2")
    except ImportError:
        return import_module("sqlite3")
