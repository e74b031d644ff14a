"""What methods see of the database. Two databases implement it: sqlite.py and postgres.py."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from gamehall_server.kit.storage.query import Query
from gamehall_server.kit.tally import Tally

R = TypeVar("R")
T = TypeVar("T")
# Unbounded reads stop here: what is longer must be read in pages.
MOST_ROWS = 100_000


class Handle(ABC):
    """The database as one call sees it: inside `Database.write` a transaction, from `Database.reader` single reads.

    Inside a transaction a call awaits nothing but this handle. A statement that failed dooms the call: it ends with that fault,
    even if the method caught it, because PostgreSQL would not go on either.
    """

    __slots__ = ()
    # What others remember of the database while it is open, under keys of their own. None inside a transaction: its state may yet go back.
    kept: dict[Any, Any] | None = None
    # Whether each statement is a round trip to a server, so that one for many rows is worth some work.
    far = False

    async def version(self, tables: frozenset[str]) -> Any:
        """What stays equal for as long as the rows of these tables do; None when that cannot be told now."""
        return None

    @abstractmethod
    async def one(self, query: Query[R], /, **parameters: Any) -> R | None:
        """The first row, or None."""

    @abstractmethod
    async def all(self, query: Query[R], /, **parameters: Any) -> list[R]:
        """Every row. For answers that an index and a limit keep short; `scan` is for the others."""

    @abstractmethod
    async def value(self, query: Query[Any], /, **parameters: Any) -> Any:
        """The first column of the first row, or None."""

    async def peek(self, query: Query[Any], /, **parameters: Any) -> Any:
        """As `value`, of what nothing deferred has to do with: that may stay deferred, where writing it costs a round trip."""
        return await self.value(query, **parameters)

    @abstractmethod
    async def scan(self, query: Query[R], /, **parameters: Any) -> list[R]:
        """Every row, read where a long read holds nobody up. Raises Exhausted beyond MOST_ROWS rows."""

    @abstractmethod
    async def run(self, query: Query[Any], /, **parameters: Any) -> int:
        """Writes, and gives the number of rows changed."""

    @abstractmethod
    def later(self, query: Query[Any], /, **parameters: Any) -> None:
        """Writes before the commit, in this order, and before anything else that is run or read. Its faults come then."""

    @abstractmethod
    async def new_id(self, table: str) -> int:
        """A number for a new row: higher than any this process gave for the table, never that of another row, even a deleted one."""

    @property
    def listeners(self) -> Sequence[Callable[[Any], None]]:
        """Those of the database."""
        return ()

    def tell(self, news: Any) -> None:
        """Tells this process's listeners of the database after the commit, and only if it happened, before `write` returns."""
        for listener in self.listeners:
            self.after(partial(listener, news))

    @abstractmethod
    def after(self, callback: Callable[[], None]) -> None:
        """Runs after the commit, and only if it happened, before `write` returns. For what is kept in memory."""


class Database(ABC):
    """One database. It belongs to the event loop in which it was opened."""

    dialect: str
    # How many calls shared each durable commit, where they do.
    groups: Tally | None = None

    def __init__(self) -> None:
        # What hears what is told in transactions (`Handle.tell`). None of them may raise.
        self.listeners: list[Callable[[Any], None]] = []

    def gauges(self) -> dict[str, tuple[str, float]]:
        """What it is doing now: names of metrics, each with what it means and its value."""
        return {}

    @abstractmethod
    async def open(self) -> None:
        """Connects. Raises Unavailable, DatabaseInUse, or UnsafeSQLite."""

    @abstractmethod
    async def close(self) -> None:
        """Ends what is under way, then disconnects."""

    @abstractmethod
    def reader(self) -> Handle:
        """For reads that need no transaction. Each sees what was committed before it."""

    @abstractmethod
    async def write(self, work: Callable[[Handle], Awaitable[T]]) -> T:
        """Runs `work` in one transaction and returns its result when the commit is durable.

        What `work` raises undoes exactly its own writes. It may be run again from the start, when PostgreSQL meets a deadlock or when a
        call beside it failed after it wrote, so it changes nothing but the database. On SQLite it must not wait for anything but its
        handle: RuntimeError, nothing written.
        Raises Duplicate (naming the columns), Conflict (the row stayed locked), Unavailable (perhaps nothing, perhaps everything
        was written, if the database went away during the commit).
        """

    @abstractmethod
    async def ping(self) -> None:
        """Raises Unavailable when the database does not answer."""

    async def scan(self, query: Query[R], /, **parameters: Any) -> list[R]:
        """As `Handle.scan` of a reader."""
        return await self.reader().scan(query, **parameters)


class ReadOnly(Handle):
    """The part of a handle that a reader does not have."""

    __slots__ = ()

    async def run(self, query: Query[Any], /, **parameters: Any) -> int:
        raise RuntimeError("a reader does not write: use Database.write")

    def later(self, query: Query[Any], /, **parameters: Any) -> None:
        raise RuntimeError("a reader does not write: use Database.write")

    async def new_id(self, table: str) -> int:
        raise RuntimeError("a reader does not write: use Database.write")

    def after(self, callback: Callable[[], None]) -> None:
        raise RuntimeError("a reader does not commit: use Database.write")
