"""PostgreSQL: a connection for each read, a transaction for each write, and one round trip for a write that only deferred."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from sqlalchemy import Table, literal, select

from gamehall_server.kit import clock
from gamehall_server.kit.errors import Unavailable
from gamehall_server.kit.storage.batches import Batches
from gamehall_server.kit.storage.handle import Database, Handle
from gamehall_server.kit.storage.postgres_handles import Reader, WriteHandle
from gamehall_server.kit.storage.postgres_pool import DRIVER_ERRORS, FIRST_ROW, Pool, fault, is_gone
from gamehall_server.kit.storage.postgres_together import Together
from gamehall_server.kit.storage.query import Query
from gamehall_server.kit.storage.violations import unique_columns

T = TypeVar("T")
BlockRead = Callable[[Callable[..., Awaitable[Any]], str, Iterable[Any]], Awaitable[Any]]
_PING = Query(select(literal(1)))
_BLOCK = "SELECT nextval($1::text::regclass), (SELECT seqincrement FROM pg_sequence WHERE seqrelid = $1::text::regclass)"
_TRIES = 5
# In seconds: the longest pause before the second try; it doubles with each further one.
_PAUSE = 0.01


class PostgresDatabase(Database):
    """A PostgreSQL database, used by this process through at most `most_connections` connections."""

    dialect = "postgresql"

    def __init__(self, url: str, tables: Iterable[Table], most_connections: int) -> None:
        super().__init__()
        self._url = url
        self._most = most_connections
        self.columns = unique_columns(tables)
        self.batches = Batches()
        self.together = Together(self.read)
        self._pool: Pool | None = None
        self._reader = Reader(self)
        self._ids: dict[str, deque[range]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def gauges(self) -> dict[str, tuple[str, float]]:
        return {} if self._pool is None else self._pool.gauges()

    async def open(self) -> None:
        self._pool = Pool(self._url, self._most)
        try:
            await self.ping()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    @property
    def pool(self) -> Pool:
        """The connections, while the database is open."""
        if self._pool is None:
            raise Unavailable("The database is not open.", retry_after=1)
        return self._pool

    def reader(self) -> Handle:
        return self._reader

    async def ping(self) -> None:
        await self._reader.value(_PING)

    async def write(self, work: Callable[[Handle], Awaitable[T]]) -> T:
        tried = 0
        while True:
            tried += 1
            handle = WriteHandle(self, self.pool)
            try:
                result = await work(handle)
                if await handle.ready():
                    await self._unless_cancelled(handle.finish())
                return result
            except asyncio.CancelledError:
                handle.drop()
                raise
            except BaseException:
                await handle.undo()
                if not handle.again or tried == _TRIES:
                    raise
            chance = int(clock.request_id(), 16) / 16**16
            await asyncio.sleep(_PAUSE * 2**tried * chance)

    async def _unless_cancelled(self, ending: Coroutine[Any, Any, None]) -> None:
        """Waits for the end of a transaction. A caller that goes away meanwhile does not change how it ends."""
        task = asyncio.ensure_future(ending)
        self._ending.add(task)
        task.add_done_callback(self._ended)
        await asyncio.shield(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._ending.discard(task)
        if not task.cancelled():
            # A caller that still waits hears of it; for one that has gone it is no news.
            task.exception()

    async def read(self, how: Callable[..., Awaitable[Any]], sql: str, values: Iterable[Any]) -> Any:
        """One read outside a transaction. A connection that has died is replaced once: reading twice harms nobody."""
        pool = self.pool
        try:
            return await self._read(pool, how, sql, values)
        except DRIVER_ERRORS as error:
            if not is_gone(error):
                raise fault(error, self.columns) from error
        pool.forget()
        try:
            return await self._read(pool, how, sql, values)
        except DRIVER_ERRORS as error:
            raise fault(error, self.columns) from error

    async def _read(self, pool: Pool, how: Callable[..., Awaitable[Any]], sql: str, values: Iterable[Any]) -> Any:
        connection = await pool.take()
        try:
            rows = await how(connection, sql, *values)
        except DRIVER_ERRORS as error:
            (pool.drop if is_gone(error) else pool.give)(connection)
            raise
        except BaseException:
            pool.drop(connection)
            raise
        pool.give(connection)
        return rows

    async def number(self, table: str, read: BlockRead | None = None) -> int:
        """The next number for a row of a table. A transaction that has a connection reads a new block through it (`read`): were it to
        wait for a second one, as many transactions as there are connections would wait for each other."""
        blocks = self._ids.setdefault(table, deque())
        while not blocks:
            # Callers that find none left fetch a block each, and all blocks are used: nobody waits for another.
            first, size = await (read or self.read)(FIRST_ROW, _BLOCK, (f'"{table}_id_seq"',))
            blocks.append(range(first, first + size))
        block = blocks.popleft()
        if len(block) > 1:
            blocks.appendleft(block[1:])
        return block[0]
