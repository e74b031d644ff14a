"""How often articles were read. Reading writes nothing: views are counted in memory and written together, every few seconds; those of the
last few are lost with a process that is killed."""

import asyncio
import logging
from collections import Counter

from sqlalchemy import BigInteger, bindparam, update

from gamehall_server.kit.errors import Fault
from gamehall_server.kit.storage import Database, Handle, Query, table_of
from gamehall_server.modules.content.tables import ArticleRow

log = logging.getLogger("gamehall.content")
_t = table_of(ArticleRow).table
_seen: Query[tuple[object, ...]] = Query(
    update(_t).where(_t.c.id == bindparam("article")).values(view_count=_t.c.view_count + bindparam("seen", type_=BigInteger))
)


class Views:
    """The views that are not written yet."""

    def __init__(self, database: Database, seconds: float) -> None:
        """They are written every so many seconds."""
        self._database = database
        self._seconds = seconds
        self._waiting: Counter[str] = Counter()

    def note(self, article: str) -> None:
        """Somebody has read an article."""
        self._waiting[article] += 1

    async def run(self) -> None:
        """Writes them from time to time, until it is cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            await self.keep()

    async def keep(self) -> None:
        """Writes them."""
        waiting, self._waiting = self._waiting, Counter()
        if not waiting:
            return

        async def write(db: Handle) -> None:
            for article, seen in sorted(waiting.items()):
                db.later(_seen, article=article, seen=seen)

        written = False
        try:
            await self._database.write(write)
            written = True
        except Fault as fault:
            log.warning("views are written later: %s", fault.message)
        finally:
            # Also where the wait for them was broken off: rather counted twice than lost.
            if not written:
                self._waiting.update(waiting)
