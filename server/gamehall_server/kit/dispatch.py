"""The dispatcher: hands deliveries of the outbox to their consumers, at least once, and those of one key one after the other.

A try is claimed with a lease and a fencing number, so that of several processes one alone has it; a process that dies loses its lease, and
another one takes over. What fails is tried again after a growing, random pause, and given up after the tenth time. Each consumer has a
loop of its own: one that fails or hangs holds up nobody else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import BigInteger, bindparam, delete, select, update

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.outbox import Outbox, deliveries, outbox
from gamehall_server.kit.storage import Database, Handle, Query, any_of
from gamehall_server.kit.turns import Turns

log = logging.getLogger("gamehall.dispatch")
# A try ends well before its lease, so that clocks of several machines may differ by the rest.
LEASE: Micros = 60 * SECOND
LONGEST_TRY = 40.0
MOST_TRIES = 10
FIRST_PAUSE: Micros = 2 * SECOND
LONGEST_PAUSE: Micros = 6 * 3600 * SECOND
# How often each consumer looks for what no wake told of: retries, and what other processes wrote.
LOOK_SECONDS = 1.0
MOST_AT_ONCE = 32


class GiveUp(Exception):
    """Raised by a consumer for an event that no further try can hand on."""


class Delivery(NamedTuple):
    """One event for one consumer. `seq` and `fence` tell the try apart from every other; `body` is the event's fields."""

    seq: int
    fence: int
    type: str
    key: str
    at: Micros
    body: dict[str, Any]


# Runs in the transaction that ends the delivery: what it writes happens exactly once.
Finish = Callable[[Handle], Awaitable[None]]


class Consumer(NamedTuple):
    """Who takes events of some types. `take` runs outside of any transaction and may be called again for the same event."""

    name: str
    types: tuple[str, ...]
    take: Callable[[Delivery], Awaitable[Finish | None]]


class _Ended(NamedTuple):
    delivery: Delivery
    finish: Finish | None
    problem: BaseException | None


_d, _o = deliveries.table, outbox.table
_big = BigInteger
_now, _until = bindparam("now", type_=_big), bindparam("until", type_=_big)
_earlier = _d.alias("earlier")
_first_of_key = ~(
    select(_earlier.c.seq)
    .where(_earlier.c.consumer == _d.c.consumer, _earlier.c.key == _d.c.key, _earlier.c.seq < _d.c.seq, _earlier.c.due.is_not(None))
    .exists()
)
# Read outside of the claim's transaction: what is found here is only worth a look.
_ready = Query(
    select(_d.c.seq)
    .where(_d.c.consumer == bindparam("consumer"), _d.c.due <= _now, _first_of_key)
    .order_by(_d.c.due, _d.c.seq)
    .limit(bindparam("most", type_=_big))
)
# What another process has just locked or claimed is passed over.
_lock = Query(
    select(_d.c.seq, _d.c.fence, _o.c.type, _d.c.key, _o.c.at, _o.c.body)
    .join(_o, _o.c.id == _d.c.event_id)
    .where(any_of(_d.c.seq, "seqs"), _d.c.due <= _now)
    .order_by(_d.c.seq)
    .with_for_update(of=_d, skip_locked=True)
)
_claim = Query(update(_d).where(any_of(_d.c.seq, "seqs")).values(fence=_d.c.fence + 1, due=_until))
_mine = (_d.c.seq == bindparam("this", type_=_big), _d.c.fence == bindparam("my_fence", type_=_big), _d.c.due.is_not(None))
_done = Query(delete(_d).where(*_mine))
_put_back = Query(update(_d).where(*_mine).values(due=_until, problem=bindparam("told")))


class Dispatcher:
    """The loops of one process. `look_seconds` is how long one that found nothing waits unless it is woken."""

    def __init__(
        self, database: Database, kept: Outbox, *, now: Callable[[], Micros] = clock.real_micros, look_seconds: float = LOOK_SECONDS
    ) -> None:
        self._database = database
        self._outbox = kept
        self._now = now
        self._look_seconds = look_seconds
        self._loops: dict[str, Loop] = {}
        self._tasks: list[asyncio.Task[None]] = []
        kept.wake = self.wake

    def register(self, consumer: Consumer) -> None:
        """Adds a consumer. Call it before events that it wants are written."""
        self._outbox.want(consumer.name, consumer.types)
        self._loops[consumer.name] = _Loop(self._database, consumer, self._now, self._look_seconds)

    def add(self, loop: "Loop") -> None:
        """Adds a loop of its own kind, which asks the outbox itself for what it wants."""
        self._loops[loop.name] = loop

    def wake(self) -> None:
        """Makes every loop look at once."""
        for loop in self._loops.values():
            loop.woken.set()

    def start(self) -> None:
        """Begins to hand on."""
        self._tasks = [asyncio.create_task(loop.run()) for loop in self._loops.values()]

    async def stop(self, grace: float) -> None:
        """Claims nothing more, lets tries under way end within so many seconds, and puts back what does not."""
        for loop in self._loops.values():
            loop.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Loop(Protocol):
    """Hands one consumer what it wants until it is stopped; `woken` makes it look."""

    name: str
    woken: asyncio.Event

    def stop(self) -> None:
        """Begins nothing more."""
        ...

    async def run(self) -> None:
        """Until it is stopped and nothing is under way."""
        ...


class _Loop(Turns[Delivery, _Ended]):
    """Hands one consumer what it wants."""

    def __init__(self, database: Database, consumer: Consumer, now: Callable[[], Micros], look_seconds: float) -> None:
        super().__init__(consumer.name, look_seconds)
        self._database = database
        self._consumer = consumer
        self._now = now

    async def claim(self) -> list[Delivery]:
        """Settles, and gives what may be tried now, as many as are free."""
        await self.settle()
        now, free = self._now(), MOST_AT_ONCE - len(self.tries)
        found = await self._database.reader().all(_ready, consumer=self.name, now=now, most=free) if free else []
        if not found:
            return []

        async def claim(db: Handle) -> list[Any]:
            rows = await db.all(_lock, seqs=[row[0] for row in found], now=now)
            if rows:
                await db.run(_claim, seqs=[row[0] for row in rows], until=self._now() + LEASE)
            return rows

        rows = await self._database.write(claim)
        return [Delivery(row[0], row[1] + 1, row[2], row[3], row[4], msgspec.json.decode(row[5])) for row in rows]

    async def attempt(self, work: Delivery) -> _Ended:
        """Gives it to the consumer."""
        try:
            async with asyncio.timeout(LONGEST_TRY):
                return _Ended(work, await self._consumer.take(work), None)
        except Exception as problem:
            log.warning("%s failed with %s %s, try %s: %r", self.name, work.type, work.seq, work.fence, problem)
            return _Ended(work, None, problem)

    async def settle(self) -> None:
        """Writes how tries ended: those that only end together, the others each with what it has to write. What could not be written is
        kept; after the lease another process may have been faster, and then it counts for nothing."""
        together = [each for each in self.ended if each.finish is None]
        if together:

            async def write(db: Handle) -> None:
                for each in together:
                    self._end(db, each)

            await self._database.write(write)
            # Others have ended meanwhile.
            for each in together:
                self.ended.remove(each)
        for each in list(self.ended):
            problem = None if each.finish is None else await self._complete(each.delivery, each.finish)
            self.ended.remove(each)
            if problem is not None:
                self.ended.append(_Ended(each.delivery, None, problem))

    def _end(self, db: Handle, each: _Ended) -> None:
        delivery, problem = each.delivery, each.problem
        mine = {"this": delivery.seq, "my_fence": delivery.fence}
        if problem is None:
            db.later(_done, **mine)
            return
        dead = isinstance(problem, GiveUp) or delivery.fence >= MOST_TRIES
        if dead:
            log.error("%s gave up %s %s after try %s", self.name, delivery.type, delivery.seq, delivery.fence)
        db.later(_put_back, until=None if dead else self._now() + pause(delivery.fence), told=type(problem).__name__, **mine)

    async def _complete(self, delivery: Delivery, finish: Finish) -> Exception | None:
        """Ends a delivery with what its consumer writes; gives why it could not."""

        async def write(db: Handle) -> None:
            # Whoever lost the lease meanwhile writes nothing.
            if await db.run(_done, this=delivery.seq, my_fence=delivery.fence):
                await finish(db)

        try:
            await self._database.write(write)
        except Exception as problem:
            log.warning("%s failed to end %s %s: %r", self.name, delivery.type, delivery.seq, problem)
            return problem
        return None

    async def release(self, broken: Sequence[Delivery]) -> None:
        """Lets anybody have them at once."""

        async def release(db: Handle) -> None:
            for delivery in broken:
                db.later(_put_back, until=self._now(), told=None, this=delivery.seq, my_fence=delivery.fence)

        await self._database.write(release)


def pause(tries: int) -> Micros:
    """A pause that doubles with each try, less a random part, so that those that failed together do not come back together."""
    longest: Micros = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tries - 1))
    return longest // 4 + int(clock.chance() * (longest - longest // 4))
