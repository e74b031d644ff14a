"""Whether this node should be given calls."""

import asyncio

from gamehall_server.kit.errors import Unavailable
from gamehall_server.kit.storage import Database

# Seconds that a database gets to answer; a paused one may keep a connection waiting for good.
PATIENCE = 2.0


class Readiness:
    """The database answers, and the node is not about to end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ending = False

    async def look(self) -> bool:
        """As it is now."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._database.ping()
        except (Unavailable, TimeoutError):
            return False
        return not self._ending

    def end(self) -> None:
        """The node is about to end: whoever spreads calls shall give it no more."""
        self._ending = True
