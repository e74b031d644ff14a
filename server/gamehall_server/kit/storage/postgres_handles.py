"""Handles on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Text, cast, func, select

from gamehall_server.kit.errors import Exhausted
from gamehall_server.kit.storage.batches import Batch, Deferred
from gamehall_server.kit.storage.handle import MOST_ROWS, Handle, ReadOnly
from gamehall_server.kit.storage.postgres_pool import ALL_ROWS, DRIVER_ERRORS, FIRST_ROW, STATUS, TRY_AGAIN, Pool, fault, is_gone
from gamehall_server.kit.storage.query import Parameters, Plan, Query

if TYPE_CHECKING:
    from gamehall_server.kit.storage.postgres import PostgresDatabase

R = TypeVar("R")
_SNAPSHOT = Query(select(cast(func.pg_current_snapshot(), Text)))
Read = Callable[..., Awaitable[Any]]


class _Reading(Handle):
    """Reads, however the rows are fetched."""

    __slots__ = ()
    far = True

    async def _fetch(self, how: Read, plan: Plan, parameters: Parameters) -> Any:
        raise NotImplementedError

    async def one(self, query: Query[R], /, **parameters: Any) -> R | None:
        plan = query.postgres
        row = await self._fetch(FIRST_ROW, plan, parameters)
        return None if row is None else plan.make(row)

    async def all(self, query: Query[R], /, **parameters: Any) -> list[R]:
        plan = query.postgres
        rows: list[R] = plan.every(await self._fetch(ALL_ROWS, plan, parameters))
        return rows

    async def value(self, query: Query[Any], /, **parameters: Any) -> Any:
        plan = query.postgres
        row = await self._fetch(FIRST_ROW, plan, parameters)
        return None if row is None else plan.first(row)

    async def scan(self, query: Query[R], /, **parameters: Any) -> list[R]:
        rows = await self.all(query, **parameters)
        if len(rows) > MOST_ROWS:
            raise Exhausted(f"The answer has more than {MOST_ROWS} rows.")
        return rows


class Reader(_Reading, ReadOnly):
    """Reads, each on a connection of its own for as long as it takes."""

    __slots__ = ("_database", "kept")

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self.kept = {}

    async def one(self, query: Query[R], /, **parameters: Any) -> R | None:
        if not query.seeks:
            return await super().one(query, **parameters)
        plan = query.postgres
        row = await self._database.together.row(plan, plan.bind(parameters))
        return None if row is None else plan.make(row)

    async def version(self, tables: frozenset[str]) -> Any:
        # Two reads with equal snapshots see the same rows. Any write in the whole database makes another.
        return await self.value(_SNAPSHOT)

    async def _fetch(self, how: Read, plan: Plan, parameters: Parameters) -> Any:
        if plan.writes:
            raise RuntimeError("a reader does not write: use Database.write")
        return await self._database.read(how, plan.sql, plan.bind(parameters))


class WriteHandle(_Reading):
    """One try of a transaction. It begins with the first statement that cannot wait."""

    __slots__ = ("_batches", "_callbacks", "_closed", "_connection", "_database", "_deferred", "_failure", "_open", "_pool", "again")

    def __init__(self, database: PostgresDatabase, pool: Pool) -> None:
        self._database = database
        self._pool = pool
        self._connection: Any = None
        self._open = False
        self._closed = False
        self._failure: BaseException | None = None
        self._deferred: Deferred = []
        self._batches: list[Batch] = []
        self._callbacks: list[Callable[[], None]] = []
        # Whether the server asked for the transaction to be run again.
        self.again = False

    async def run(self, query: Query[Any], /, **parameters: Any) -> int:
        status = await self._fetch(STATUS, query.postgres, parameters)
        return int(status.rpartition(" ")[2])

    def later(self, query: Query[Any], /, **parameters: Any) -> None:
        if self._closed:
            raise RuntimeError("the transaction has ended")
        self._deferred.append((query, query.postgres.bind(parameters)))

    async def peek(self, query: Query[Any], /, **parameters: Any) -> Any:
        deferred, self._deferred = self._deferred, []
        try:
            return await self.value(query, **parameters)
        finally:
            self._deferred = deferred

    async def new_id(self, table: str) -> int:
        return await self._database.number(table, None if self._connection is None else self._read_on_own)

    async def _read_on_own(self, how: Read, sql: str, values: Iterable[Any]) -> Any:
        try:
            return await how(self._connection, sql, *values)
        except DRIVER_ERRORS as error:
            raise self._failed(error) from error

    @property
    def listeners(self) -> Sequence[Callable[[Any], None]]:
        return self._database.listeners

    def after(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    async def _fetch(self, how: Read, plan: Plan, parameters: Parameters) -> Any:
        if self._closed:
            raise RuntimeError("the transaction has ended")
        if self._failure is not None:
            raise self._failure
        values = plan.bind(parameters)
        try:
            if self._connection is None:
                await self._begin()
            if self._deferred:
                self._sort()
                await self._flush(self._connection)
            return await how(self._connection, plan.sql, *values)
        except DRIVER_ERRORS as error:
            raise self._failed(error) from error

    async def _begin(self) -> None:
        self._connection = await self._pool.take()
        try:
            await self._connection.execute("BEGIN")
        except DRIVER_ERRORS as error:
            if not is_gone(error):
                raise
            # Nothing was sent before: a fresh connection may do it all.
            self._pool.drop(self._connection)
            self._connection = None
            self._pool.forget()
            self._connection = await self._pool.take()
            await self._connection.execute("BEGIN")
        self._open = True

    def _sort(self) -> None:
        deferred, self._deferred = self._deferred, []
        self._batches = self._database.batches.of(deferred)

    async def _flush(self, connection: Any) -> None:
        for sql, values in self._batches:
            if len(values) == 1:
                await connection.execute(sql, *values[0])
            else:
                await connection.executemany(sql, values)
        self._batches = []

    def _failed(self, error: BaseException) -> BaseException:
        self.again = self.again or isinstance(error, TRY_AGAIN)
        self._failure = fault(error, self._database.columns)
        return self._failure

    async def ready(self) -> bool:
        """Prepares the end of a transaction whose work is done; False when nothing is left to do."""
        self._closed = True
        if self._failure is not None:
            raise self._failure
        if self._deferred:
            self._sort()
        elif self._connection is None:
            self._call_back()
            # One turn of the loop, in which the callbacks run.
            await asyncio.sleep(0)
            return False
        if self._connection is None:
            try:
                # A single statement is a transaction by itself.
                await (self._begin() if len(self._batches) > 1 else self._take())
            except DRIVER_ERRORS as error:
                raise self._failed(error) from error
        return True

    async def _take(self) -> None:
        self._connection = await self._pool.take()

    def finish(self) -> Coroutine[Any, Any, None]:
        """Commits, or takes the transaction back. From here on the connection is no more the handle's to undo or drop."""
        connection, self._connection = self._connection, None
        return self._finish(connection)

    async def _finish(self, connection: Any) -> None:
        try:
            await self._flush(connection)
            if self._open and await connection.execute("COMMIT") != "COMMIT":
                raise RuntimeError("the transaction had failed before its commit")
        except BaseException as error:
            await self._put_back(connection)
            if isinstance(error, DRIVER_ERRORS):
                raise self._failed(error) from error
            raise
        self._pool.give(connection)
        self._call_back()

    def _call_back(self) -> None:
        # The loop runs them before the caller goes on, and keeps what they raise from the caller.
        for callback in self._callbacks:
            asyncio.get_running_loop().call_soon(callback)

    async def undo(self) -> None:
        """Takes the transaction back and gives the connection away."""
        self._closed = True
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._put_back(connection)

    async def _put_back(self, connection: Any) -> None:
        try:
            if self._open:
                await connection.execute("ROLLBACK")
        except BaseException as error:
            self._pool.drop(connection)
            if not isinstance(error, DRIVER_ERRORS):
                raise
        else:
            self._pool.give(connection)

    def drop(self) -> None:
        """Ends the connection, and with it whatever it was doing."""
        self._closed = True
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.drop(connection)
