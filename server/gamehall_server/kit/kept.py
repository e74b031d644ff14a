"""What is read on every call and written once a week: kept in memory, and never older than a second.

On SQLite one process owns the file, so nothing changes behind its back: what it writes itself it puts here after its commit. On
PostgreSQL other processes write as well: `renew` reads again every second. A call never waits for either.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from gamehall_server.kit.storage import Handle

T = TypeVar("T")
RENEW_SECONDS = 1.0


class Renewed(Protocol):
    """What is in memory, and read again where other processes write."""

    async def renew(self, db: Handle) -> None:
        """Raises what the database raises."""
        ...


class Kept(Generic[T]):
    """A value and how it is read. It has none before the first `renew`, which is part of the start."""

    value: T

    def __init__(self, read: Callable[[Handle], Awaitable[T]]) -> None:
        self._read = read
        self._puts = 0

    def put(self, value: T) -> None:
        """What this process has just committed: for `Handle.after`."""
        self._puts += 1
        self.value = value

    async def renew(self, db: Handle) -> None:
        """Reads the value. Raises what the database raises, and then keeps the old one."""
        puts = self._puts
        value = await self._read(db)
        # What was put meanwhile is newer than what was read.
        if self._puts == puts:
            self.value = value
