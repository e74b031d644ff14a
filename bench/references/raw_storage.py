"""The raw reference's SQL on the two drivers. Rows are (comment's six shown columns, user's four)."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import asyncpg
from pysqlite3 import dbapi2 as sqlite

Row = Sequence[Any]

SHOWN = "c.id, c.context, c.context_id, c.content, c.created_date, c.updated_date, u.id, u.username, u.display_name, u.avatar_url"
JOINED = f'SELECT {SHOWN} FROM comment c LEFT JOIN "user" u ON u.id = c.user_id'
GET = f"{JOINED} WHERE c.id = $1"
PAGE = f"{JOINED} WHERE c.context = $1 AND c.context_id = $2 ORDER BY c.created_date, c.id LIMIT $3 OFFSET $4"
COUNT = "SELECT count(*) FROM comment WHERE context = $1 AND context_id = $2"
USER = 'SELECT id, username, display_name, avatar_url FROM "user" WHERE id = $1'
INSERT = "INSERT INTO comment (context, context_id, content, user_id, created_date, updated_date) VALUES ($1, $2, $3, $4, $5, $6)"


# SQLite writes numbered parameters with another sign.
LITE_GET, LITE_PAGE, LITE_COUNT, LITE_USER, LITE_INSERT = (statement.replace("$", "?") for statement in (GET, PAGE, COUNT, USER, INSERT))


class Storage(Protocol):
    """What the application asks of a database."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def get(self, number: int) -> Row | None: ...
    async def user(self, number: int) -> Row | None: ...
    async def page(self, context: str, context_id: str, size: int, offset: int) -> tuple[Sequence[Row], int]: ...
    async def insert(self, values: Row) -> int: ...


class SQLite:
    """One connection to read and one to write, both on the loop's thread. Inserts that arrive together are committed together."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._queue: list[tuple[Row, asyncio.Future[int]]] = []
        self._writing = False

    async def open(self) -> None:
        self._read, self._write = self._connect(), self._connect()
        self._loop = asyncio.get_running_loop()

    def _connect(self) -> Any:
        connection = sqlite.connect(self._path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    async def close(self) -> None:
        self._read.close()
        self._write.close()

    async def get(self, number: int) -> Row | None:
        row: Row | None = self._read.execute(LITE_GET, (number,)).fetchone()
        return row

    async def user(self, number: int) -> Row | None:
        row: Row | None = self._read.execute(LITE_USER, (number,)).fetchone()
        return row

    async def page(self, context: str, context_id: str, size: int, offset: int) -> tuple[Sequence[Row], int]:
        execute = self._read.execute
        return execute(LITE_PAGE, (context, context_id, size, offset)).fetchall(), execute(LITE_COUNT, (context, context_id)).fetchone()[0]

    async def insert(self, values: Row) -> int:
        done: asyncio.Future[int] = self._loop.create_future()
        self._queue.append((values, done))
        if not self._writing:
            self._writing = True
            self._loop.call_soon(self._flush)
        return await done

    def _flush(self) -> None:
        group, self._queue = self._queue, []
        execute = self._write.execute
        execute("BEGIN IMMEDIATE")
        numbers: list[int] = [execute(LITE_INSERT, values).lastrowid for values, _ in group]
        commit = self._loop.run_in_executor(None, execute, "COMMIT")
        commit.add_done_callback(lambda commit: self._committed(commit, group, numbers))

    def _committed(self, commit: asyncio.Future[Any], group: list[tuple[Row, asyncio.Future[int]]], numbers: list[int]) -> None:
        failure = commit.exception()
        for (_, done), number in zip(group, numbers, strict=True):
            if done.cancelled():
                continue
            if failure is None:
                done.set_result(number)
            else:
                done.set_exception(failure)
        self._writing = bool(self._queue)
        if self._writing:
            self._loop.call_soon(self._flush)


class Postgres:
    """Eight connections kept in a list, without a pool's reset query; every statement is prepared by the driver."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free: asyncio.LifoQueue[asyncpg.Connection[Any]] = asyncio.LifoQueue()

    async def open(self) -> None:
        for _ in range(8):
            self._free.put_nowait(await asyncpg.connect(self._url, server_settings={"jit": "off"}))

    async def close(self) -> None:
        while not self._free.empty():
            await self._free.get_nowait().close()

    async def _row(self, statement: str, *values: Any) -> Row | None:
        connection = await self._free.get()
        try:
            row: Row | None = await connection.fetchrow(statement, *values)
            return row
        finally:
            self._free.put_nowait(connection)

    async def get(self, number: int) -> Row | None:
        return await self._row(GET, number)

    async def user(self, number: int) -> Row | None:
        return await self._row(USER, number)

    async def page(self, context: str, context_id: str, size: int, offset: int) -> tuple[Sequence[Row], int]:
        connection = await self._free.get()
        try:
            rows = await connection.fetch(PAGE, context, context_id, size, offset)
            return rows, await connection.fetchval(COUNT, context, context_id)
        finally:
            self._free.put_nowait(connection)

    async def insert(self, values: Row) -> int:
        row = await self._row(f"{INSERT} RETURNING id", *values)
        assert row is not None
        number: int = row[0]
        return number


def open_storage(url: str) -> Storage:
    """The storage of a `sqlite:///path` or `postgresql://…` address, not yet opened."""
    return Postgres(url) if url.startswith("postgresql:") else SQLite(url.removeprefix("sqlite:///"))
