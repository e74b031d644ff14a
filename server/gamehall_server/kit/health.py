"""Whether the deployment can serve: the one state that every health check is told, by whatever name it asks."""

import asyncio
from collections.abc import AsyncGenerator

from gamehall_server.kit.errors import Unavailable
from gamehall_server.kit.storage import Database

# How often the database is asked while somebody watches.
LOOK_SECONDS = 1.0
# Seconds that the database gets to answer; a paused one may keep a connection waiting for good.
PATIENCE = 2.0


class Health:
    """The database answers, and the server is not about to end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ending = False
        self._changed = asyncio.Event()
        self._watchers = 0
        self._looking: asyncio.Task[None] | None = None
        self.database = True

    @property
    def serving(self) -> bool:
        """As last seen."""
        return self.database and not self._ending

    async def look(self) -> bool:
        """As it is now."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._database.ping()
        except (Unavailable, TimeoutError):
            self._tell(False)
        else:
            self._tell(True)
        return self.serving

    async def watch(self) -> AsyncGenerator[bool, None]:
        """The state at once and at each change. Ends with the server, whose last word is False."""
        self._watchers += 1
        try:
            told: bool | None = None
            await self.look()
            if self._looking is None:
                self._looking = asyncio.create_task(self._keep_looking())
            while True:
                changed = self._changed
                if self.serving is not told:
                    told = self.serving
                    yield told
                elif self._ending:
                    return
                else:
                    await changed.wait()
        finally:
            self._watchers -= 1
            if not self._watchers and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    def end(self) -> None:
        """The server is about to end: everybody who watches hears it."""
        self._ending = True
        self._wake()

    def _tell(self, database: bool) -> None:
        if database is not self.database:
            self.database = database
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()
