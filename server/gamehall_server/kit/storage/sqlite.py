"""SQLite: one writer, a connection for reads on the loop's thread, and one for long reads in a thread of its own."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from sqlalchemy import Table, literal, select

from gamehall_server.kit.errors import Unavailable
from gamehall_server.kit.storage.handle import Database, Handle, ReadOnly
from gamehall_server.kit.storage.query import Parameters, Plan, Query
from gamehall_server.kit.storage.sqlite_file import Driver, FileClaim
from gamehall_server.kit.storage.sqlite_handles import limited
from gamehall_server.kit.storage.sqlite_writer import Writer
from gamehall_server.kit.storage.violations import unique_columns

R = TypeVar("R")
T = TypeVar("T")
# Steps of SQLite's machine, some two million to the hundredth of a second: a read of more is no work for the loop's thread.
LONG = 50_000
_PING = Query(select(literal(1)))


class SQLiteDatabase(Database):
    """A SQLite file and its connections. `driver` is a module to use instead of the pysqlite3 wheel."""

    dialect = "sqlite"

    def __init__(self, path: Path, tables: Iterable[Table], driver: ModuleType | None = None) -> None:
        super().__init__()
        self.path = path
        self._driver = Driver(driver)
        self._columns = unique_columns(tables)
        self._claim = FileClaim(path)
        self._connections: list[Any] = []
        self._thread: ThreadPoolExecutor | None = None
        self._writer: Writer | None = None
        self._reader: Handle | None = None

    async def open(self) -> None:
        self._claim.take()
        try:
            if self.path.exists() and not os.access(self.path, os.W_OK):
                # SQLite would open it for reading alone, and stay with that when the file may be written again.
                raise Unavailable(f"The database {self.path} may not be written.", retry_after=1)
            self._connect()
        except self._driver.Error as error:
            await self.close()
            raise Unavailable(f"The database {self.path} cannot be opened.", retry_after=1) from error
        except BaseException:
            await self.close()
            raise

    def _connect(self) -> None:
        driver = self._driver
        several = driver.safe
        writing = driver.connect(self.path, writer=True, alone=not several)
        self._connections.append(writing)
        self._writer = Writer(driver, writing, self._columns, self.listeners)
        self.groups = self._writer.groups
        if not several:
            self._reader = SharingReader(self, self._writer)
            return
        for _ in range(2):
            self._connections.append(driver.connect(self.path, writer=False))
        _, reading, scanning = self._connections
        self._thread = ThreadPoolExecutor(1, "gamehall-scan")
        self._reader = Reader(self, self._writer, reading, scanning, self._thread)

    async def close(self) -> None:
        writer, self._writer, self._reader = self._writer, None, None
        if writer is not None:
            await writer.close()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.shutdown)
            self._thread = None
        # The writer is the last to go: closing it moves the log into the file.
        while self._connections:
            self._connections.pop().close()
        self._claim.release()

    def reader(self) -> Handle:
        if self._reader is None:
            raise Unavailable("The database is not open.", retry_after=1)
        return self._reader

    async def write(self, work: Callable[[Handle], Awaitable[T]]) -> T:
        if self._writer is None:
            raise Unavailable("The database is not open.", retry_after=1)
        result: T = await self._writer.write(work)
        return result

    async def ping(self) -> None:
        await self.reader().value(_PING)

    def fault(self, plan: Plan, error: Exception) -> Exception:
        """What a caller is told of an error of the driver in a read."""
        if plan.writes:
            return RuntimeError("a reader does not write: use Database.write")
        return self._driver.fault(error, self._columns)

    @property
    def error(self) -> type[Exception]:
        """The driver's class of errors."""
        return self._driver.Error


class Reader(ReadOnly):
    """Reads on a connection of its own, on the loop's thread: an indexed read costs less than handing it to a thread. One that turns out
    to be long is broken off, after a millisecond or two, and read again in the thread of scans."""

    __slots__ = ("_database", "_error", "_execute", "_scanning", "_thread", "_ticks", "_writer", "kept")

    def __init__(self, database: SQLiteDatabase, writer: Writer, reading: Any, scanning: Any, thread: ThreadPoolExecutor) -> None:
        self._database = database
        self._writer = writer
        self._error = database.error
        self._execute = reading.execute
        self._scanning = scanning
        self._thread = thread
        self.kept = {}
        self._ticks = 0
        reading.set_progress_handler(self._tick, LONG)

    def _tick(self) -> bool:
        # A prepared statement goes on counting where its last run ended, so the first tick says nothing of this run.
        self._ticks += 1
        return self._ticks > 1

    async def version(self, tables: frozenset[str]) -> int | None:
        return self._writer.version(tables)

    async def one(self, query: Query[R], /, **parameters: Any) -> R | None:
        plan = query.sqlite
        self._ticks = 0
        try:
            row = self._execute(plan.sql, plan.bind(parameters)).fetchone()
        except self._error as error:
            rows = await self._broken(query, parameters, error)
            return rows[0] if rows else None
        return None if row is None else plan.make(row)

    async def all(self, query: Query[R], /, **parameters: Any) -> list[R]:
        plan = query.sqlite
        self._ticks = 0
        try:
            rows: list[R] = plan.every(self._execute(plan.sql, plan.bind(parameters)).fetchall())
        except self._error as error:
            return await self._broken(query, parameters, error)
        return rows

    async def value(self, query: Query[Any], /, **parameters: Any) -> Any:
        plan = query.sqlite
        self._ticks = 0
        try:
            row = self._execute(plan.sql, plan.bind(parameters)).fetchone()
        except self._error as error:
            row = next(iter(await self._broken(query, parameters, error, plain=True)), None)
        return None if row is None else plan.first(row)

    async def _broken(self, query: Query[Any], parameters: Parameters, error: Exception, plain: bool = False) -> list[Any]:
        """The rows of a read that was broken off for its length; raises what any other error is to the caller."""
        if getattr(error, "sqlite_errorname", "") != "SQLITE_INTERRUPT":
            raise self._database.fault(query.sqlite, error) from error
        return await self._in_thread(query.sqlite, parameters, plain)

    async def scan(self, query: Query[R], /, **parameters: Any) -> list[R]:
        return await self._in_thread(query.sqlite, parameters, False)

    async def _in_thread(self, plan: Plan, parameters: Parameters, plain: bool) -> list[Any]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._scan, plan, parameters, plain)

    def _scan(self, plan: Plan, parameters: Parameters, plain: bool) -> list[Any]:
        try:
            rows = limited(self._scanning.execute(plan.sql, plan.bind(parameters)))
        except self._error as error:
            raise self._database.fault(plan, error) from error
        return rows if plain else plan.every(rows)


class SharingReader(ReadOnly):
    """Reads on the writer's connection, for a SQLite that allows only one: they wait while a group is being committed."""

    __slots__ = ("_database", "_error", "_writer", "kept")

    def __init__(self, database: SQLiteDatabase, writer: Writer) -> None:
        self.kept = {}
        self._database = database
        self._error = database.error
        self._writer = writer

    async def version(self, tables: frozenset[str]) -> int | None:
        return self._writer.version(tables)

    async def _rows(self, query: Query[Any], parameters: Parameters) -> list[Any]:
        await self._writer.settled()
        plan = query.sqlite
        if plan.writes:
            raise RuntimeError("a reader does not write: use Database.write")
        try:
            return limited(self._writer.connection.execute(plan.sql, plan.bind(parameters)))
        except self._error as error:
            raise self._database.fault(plan, error) from error

    async def one(self, query: Query[R], /, **parameters: Any) -> R | None:
        rows = await self._rows(query, parameters)
        return query.sqlite.make(rows[0]) if rows else None

    async def all(self, query: Query[R], /, **parameters: Any) -> list[R]:
        rows: list[R] = query.sqlite.every(await self._rows(query, parameters))
        return rows

    async def value(self, query: Query[Any], /, **parameters: Any) -> Any:
        rows = await self._rows(query, parameters)
        return query.sqlite.first(rows[0]) if rows else None

    async def scan(self, query: Query[R], /, **parameters: Any) -> list[R]:
        return await self.all(query, **parameters)
