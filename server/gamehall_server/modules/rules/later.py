"""What rules have put off, done when its time has come by the deployment's clock."""

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete

from gamehall_server.kit.clock import SECOND, Clock, Micros
from gamehall_server.kit.errors import Fault
from gamehall_server.kit.storage import Database, Handle, Query, lock
from gamehall_server.modules.rules import tables
from gamehall_server.modules.rules.engine import RAN, Engine

log = logging.getLogger("gamehall.rules")
LOOK_SECONDS = 0.5
MOST_TRIES = 10
PAUSE: Micros = 60 * SECOND
_gone = Query(delete(tables.delayed.table).where(tables.delayed.table.c.id == bindparam("id", type_=BigInteger)))


class Later:
    """The loop of one process. Of several, one does what is due at a time."""

    name = "rules, later"

    def __init__(self, database: Database, engine: Engine, clock: Clock) -> None:
        self._database = database
        self._engine = engine
        self._clock = clock
        self._stopping = False
        self.woken = asyncio.Event()

    def stop(self) -> None:
        """Begins nothing more."""
        self._stopping = True
        self.woken.set()

    async def run(self) -> None:
        """Until it is stopped."""
        while not self._stopping:
            self.woken.clear()
            try:
                while not self._stopping and await self._turn():
                    pass
            except Fault as fault:
                log.warning("%s waits for the database: %s", self.name, fault.message)
            except Exception:
                log.exception("bug in %s", self.name)
            if not self._stopping:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.woken.wait(), LOOK_SECONDS)

    async def _turn(self) -> int:
        """Does what is due, each action in a transaction of its own; how many there were."""
        rows = await tables.due(self._database.reader(), self._clock.now())
        for row in rows:
            try:
                await self._database.write(partial(self._do, row))
            except Exception:
                log.exception("%s failed with the action %s of the rule %s", self.name, row.action, row.rule_id)
                await self._database.write(partial(self._fail, row))
        return len(rows)

    async def _do(self, row: Any, db: Handle) -> None:
        await lock(db, f"rules-later:{row.id}")
        if await db.run(_gone, id=row.id):
            status = await self._engine.later(db, row)
            if status != RAN:
                log.warning("the action %s of the rule %s, put off, %s", row.action, row.rule_id, status)

    async def _fail(self, row: Any, db: Handle) -> None:
        if row.tries + 1 >= MOST_TRIES:
            log.error("%s gave up the action %s of the rule %s", self.name, row.action, row.rule_id)
            await db.run(_gone, id=row.id)
        else:
            tables.put_off(db, row.id, self._clock.now() + PAUSE)
