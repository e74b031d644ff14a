"""Connections to PostgreSQL: a free list without a reset query, and what the driver's errors mean."""

import asyncio
import json
import logging
from typing import Any

import asyncpg

from gamehall_server.kit.errors import Conflict, Unavailable
from gamehall_server.kit.storage.violations import duplicate, taken_on_postgres

log = logging.getLogger("gamehall.storage")
# Every error of the driver: those the server sent, and those of a connection that is no more.
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
# The server aborted a transaction that has only to be run again. The last: another version's migration changed a table that a prepared
# statement reads; the driver has forgotten the connection's statements.
TRY_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.InvalidCachedStatementError)
# How a connection reads.
ALL_ROWS = asyncpg.Connection.fetch
FIRST_ROW = asyncpg.Connection.fetchrow
STATUS = asyncpg.Connection.execute
_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
_OUT_OF_ORDER = (asyncpg.InsufficientResourcesError, asyncpg.ReadOnlySQLTransactionError, asyncpg.PostgresSystemError)
_SETTINGS = {
    "application_name": "gamehall",
    "jit": "off",
    "lock_timeout": "2s",
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "60s",
}
# After this many seconds unused, a connection's end may have come unnoticed.
_LONG_UNUSED = 0.1


def is_gone(error: BaseException) -> bool:
    """Whether an error says that the connection has ended."""
    return isinstance(error, _GONE) or (isinstance(error, asyncpg.InterfaceError) and "closed" in str(error))


def fault(error: BaseException, columns: dict[str, tuple[str, ...]]) -> BaseException:
    """What a caller is told of a driver's error: a Fault where somebody can act on it, else the error itself."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return duplicate(taken_on_postgres(error.constraint_name, error.detail, columns))
    # What a row refers to was there when the call looked, so another call has just removed it.
    if isinstance(error, (asyncpg.LockNotAvailableError, asyncpg.ForeignKeyViolationError, *TRY_AGAIN)):
        return Conflict(retry_after=1)
    if is_gone(error) or isinstance(error, _OUT_OF_ORDER):
        return Unavailable(retry_after=1)
    return error


class Pool:
    """At most `most` connections. A caller takes one, and gives it back or drops it; beyond `most` callers wait their turn."""

    def __init__(self, url: str, most: int) -> None:
        self._url = url
        self._most = most
        self._places = asyncio.Semaphore(most)
        self._waiting = 0
        self._used = 0
        self._free: list[tuple[Any, float]] = []
        self._loop = asyncio.get_running_loop()

    async def take(self) -> Any:
        """A connection for the caller alone. Raises Unavailable when the server cannot be reached."""
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        self._used += 1
        try:
            if self._free and self._loop.time() - self._free[-1][1] > _LONG_UNUSED:
                # Lets the loop read what the server may have said meanwhile, such as goodbye. Nothing is taken yet: the caller may be
                # cancelled here, and what it held would be lost.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            while self._free:
                connection, _ = self._free.pop()
                if not connection.is_closed():
                    return connection
            return await self._connect()
        except BaseException:
            self._leave()
            raise

    def give(self, connection: Any) -> None:
        """Takes a connection back that has no open transaction."""
        if not connection.is_closed():
            self._free.append((connection, self._loop.time()))
        self._leave()

    def drop(self, connection: Any) -> None:
        """Takes a connection back that is in an unknown state, and ends it."""
        connection.terminate()
        self._leave()

    def _leave(self) -> None:
        self._used -= 1
        self._places.release()

    def gauges(self) -> dict[str, tuple[str, float]]:
        """Connections and callers, now."""
        return {
            "database_connections_used": ("Connections that a call holds.", self._used),
            "database_connections_idle": ("Open connections that none holds.", len(self._free)),
            "database_connections_max": ("Connections there may be.", self._most),
            "database_connections_waiting": ("Calls that wait for a connection.", self._waiting),
        }

    def forget(self) -> None:
        """Ends the unused connections: one of their kind was found dead."""
        while self._free:
            self._free.pop()[0].terminate()

    async def close(self) -> None:
        """Waits for the connections in use, then ends all."""
        for _ in range(self._most):
            await self._places.acquire()
        while self._free:
            connection, _ = self._free.pop()
            try:
                await connection.close(timeout=2)
            except DRIVER_ERRORS:
                connection.terminate()

    async def _connect(self) -> Any:
        connection = None
        try:
            connection = await asyncpg.connect(
                self._url, timeout=5, statement_cache_size=2000, max_cached_statement_lifetime=0, server_settings=_SETTINGS
            )
            for kind in ("json", "jsonb"):
                await connection.set_type_codec(kind, encoder=str, decoder=json.loads, schema="pg_catalog")
        except BaseException as error:
            if connection is not None:
                connection.terminate()
            if not isinstance(error, DRIVER_ERRORS):
                raise
            log.error("no connection to PostgreSQL: %s", error)
            raise Unavailable(retry_after=1) from error
        return connection
