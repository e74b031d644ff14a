"""Consumers that write to the database alone: they take events in the transaction that ends their delivery, so what they write happens
exactly once, whoever dies when. One process at a time takes those of a consumer, in the order in which they were written, many in one
transaction.

If a batch fails, its events are taken one by one: the one that fails is tried again after a pause, and given up after the tenth time; it
holds up later ones with the same key, and nobody else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import BigInteger, bindparam, delete, func, or_, select, update

from gamehall_server.kit import clock
from gamehall_server.kit.clock import Micros
from gamehall_server.kit.dispatch import LOOK_SECONDS, MOST_TRIES, pause
from gamehall_server.kit.errors import Fault
from gamehall_server.kit.outbox import deliveries, outbox
from gamehall_server.kit.storage import Database, Handle, Query, any_of, lock

log = logging.getLogger("gamehall.within")
MOST_TOGETHER = 100


class Happened(NamedTuple):
    """An event, and what it came from: the request, how many events led to it, and how many it may still lead to."""

    seq: int
    tries: int
    id: int
    name: str
    key: str
    at: Micros
    parameters: dict[str, Any]
    request: str | None
    depth: int
    budget: int


_d, _o = deliveries.table, outbox.table
_big = BigInteger
_mine, _now = _d.c.consumer == bindparam("consumer"), bindparam("now", type_=_big)
# What was put back, first of its key: it holds up later ones. There is little of it, and it is looked for once, not for every event.
_held = select(_d.c.key, func.min(_d.c.seq).label("first")).where(_mine, _d.c.due > _now).group_by(_d.c.key).subquery()
_some = Query(
    select(_d.c.seq, _d.c.fence, _o.c.id, _o.c.type, _d.c.key, _o.c.at, _o.c.body, _o.c.request, _o.c.depth, _o.c.budget)
    .join(_o, _o.c.id == _d.c.event_id)
    .outerjoin(_held, _held.c.key == _d.c.key)
    # The sum keeps databases from the index of `due`, of which they would read and sort all that waits.
    .where(_mine, _d.c.due + 0 <= _now, or_(_held.c.first.is_(None), _d.c.seq < _held.c.first))
    .order_by(_d.c.consumer, _d.c.seq)
    .limit(MOST_TOGETHER)
)
_any = Query(select(_d.c.seq).where(_mine, _d.c.due <= _now).limit(1))
_done = Query(delete(_d).where(any_of(_d.c.seq, "seqs")))
_put_back = Query(
    update(_d)
    .where(_d.c.seq == bindparam("this", type_=_big))
    .values(due=bindparam("until", type_=_big), fence=_d.c.fence + 1, problem=bindparam("told"))
)
Take = Callable[[Handle, list[Happened]], Awaitable[None]]


class Within:
    """The loop of one such consumer. `take` writes in the transaction that it is given."""

    def __init__(
        self,
        database: Database,
        name: str,
        take: Take,
        *,
        now: Callable[[], Micros] = clock.real_micros,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._database = database
        self.name = name
        self._take = take
        self._now = now
        self._look_seconds = look_seconds
        self._stopping = False
        self.woken = asyncio.Event()

    def stop(self) -> None:
        """Takes nothing more."""
        self._stopping = True
        self.woken.set()

    async def run(self) -> None:
        """Until it is stopped."""
        while not self._stopping:
            self.woken.clear()
            taken = await self._turn()
            if taken < MOST_TOGETHER and not self._stopping:
                try:
                    await asyncio.wait_for(self.woken.wait(), self._look_seconds)
                except TimeoutError:
                    continue

    async def _turn(self) -> int:
        found: list[Happened] = []

        async def together(db: Handle) -> None:
            await lock(db, f"within:{self.name}")
            found[:] = await self._read(db)
            if found:
                await self._take(db, found)
                db.later(_done, seqs=[each.seq for each in found])

        try:
            if await self._database.reader().one(_any, consumer=self.name, now=self._now()) is None:
                return 0
            await self._database.write(together)
        except Fault as fault:
            log.warning("%s waits for the database: %s", self.name, fault.message)
            return 0 if not found else await self._one_by_one(found)
        except Exception:
            log.exception("%s takes what it has one by one", self.name)
            return await self._one_by_one(found)
        return len(found)

    async def _read(self, db: Handle) -> list[Happened]:
        found = []
        for row in await db.all(_some, consumer=self.name, now=self._now()):
            seq, tries, id, name, key, at, body, request, depth, budget = row
            found.append(Happened(seq, tries, id, name, key, at, msgspec.json.decode(body), request, depth, budget))
        return found

    async def _one_by_one(self, found: list[Happened]) -> int:
        for each in found:
            try:
                await self._database.write(partial(self._alone, each))
            except Exception as problem:
                log.warning("%s failed with %s %s, try %s: %r", self.name, each.name, each.seq, each.tries + 1, problem)
                await self._fail(each, type(problem).__name__)
        return 0

    async def _alone(self, wanted: Happened, db: Handle) -> None:
        await lock(db, f"within:{self.name}")
        # Held up by an earlier one that has failed meanwhile, or taken by another process: then it is not among them.
        for each in await self._read(db):
            if each.seq == wanted.seq:
                await self._take(db, [each])
                db.later(_done, seqs=[each.seq])

    async def _fail(self, each: Happened, told: str) -> None:
        dead = each.tries + 1 >= MOST_TRIES
        until = None if dead else self._now() + pause(each.tries + 1)
        if dead:
            log.error("%s gave up %s %s", self.name, each.name, each.seq)

        async def put_back(db: Handle) -> None:
            db.later(_put_back, this=each.seq, until=until, told=told)

        try:
            await self._database.write(put_back)
        except Fault as fault:
            log.warning("%s could not put %s back: %s", self.name, each.seq, fault.message)
