"""A loop that claims work, tries it, and settles how the tries ended, turn by turn: what dispatchers of every kind have in common.

A turn waits for a moment, or until as many tries have ended as still go on: a commit that settles many costs as much as one that settles
one.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from gamehall_server.kit.errors import Fault

log = logging.getLogger("gamehall.dispatch")
# How long the first end of a try waits for others.
GATHER_SECONDS = 0.005
T = TypeVar("T")
E = TypeVar("E")


class Turns(ABC, Generic[T, E]):
    """The loop of one process: of work T, whose tries end as E. `look_seconds` is how long it waits, having found nothing, unless woken."""

    def __init__(self, name: str, look_seconds: float) -> None:
        self.name = name
        self.woken = asyncio.Event()
        self.tries: dict[asyncio.Task[E], T] = {}
        # Ends that the database did not take yet.
        self.ended: list[E] = []
        self._look_seconds = look_seconds
        self._gathering = False
        self._stopping = False
        # A claim under way: whoever breaks off the loop in the middle of one must know what it claimed.
        self._claiming: asyncio.Task[Sequence[T]] | None = None

    @abstractmethod
    async def claim(self) -> Sequence[T]:
        """Settles, and gives more work, which nobody else has from now on for as long as a lease lasts."""

    @abstractmethod
    async def attempt(self, work: T) -> E:
        """How a try ended. Raises nothing."""

    @abstractmethod
    async def settle(self) -> None:
        """Writes what is in `ended`, and takes it from there. Raises what the database raises."""

    @abstractmethod
    async def release(self, broken: Sequence[T]) -> None:
        """Lets anybody have work whose tries were broken off. Raises what the database raises."""

    def stop(self) -> None:
        """Begins nothing more."""
        self._stopping = True
        self.woken.set()

    async def run(self) -> None:
        """Until it is stopped and nothing is under way."""
        try:
            while not (self._stopping and not self.tries):
                await self._turn()
        finally:
            await self._leave()

    async def _turn(self) -> None:
        self.woken.clear()
        try:
            if self._stopping:
                await self.settle()
            else:
                self._claiming = asyncio.create_task(self.claim())
                for work in await asyncio.shield(self._claiming):
                    self._try(work)
                self._claiming = None
        except Fault as fault:
            log.warning("%s waits for the database: %s", self.name, fault.message)
        except Exception:
            log.exception("bug in the dispatcher of %s", self.name)
        # Whatever wakes it: a stop, an end of tries, news; or the next look.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._look_seconds):
                await self.woken.wait()

    def _try(self, work: T) -> None:
        task = asyncio.create_task(self.attempt(work))
        self.tries[task] = work
        task.add_done_callback(self._tried)

    def _tried(self, task: asyncio.Task[E]) -> None:
        del self.tries[task]
        if task.cancelled():
            return
        self.ended.append(task.result())
        if self._stopping or len(self.ended) >= len(self.tries):
            self.woken.set()
        elif not self._gathering:
            self._gathering = True
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self._gathered)

    def _gathered(self) -> None:
        self._gathering = False
        self.woken.set()

    async def _leave(self) -> None:
        """At the end: what was tried is settled, what was broken off is anybody's again at once."""
        claimed = [] if self._claiming is None else await asyncio.gather(self._claiming, return_exceptions=True)
        tries = dict(self.tries)
        for task in tries:
            task.cancel()
        ended = await asyncio.gather(*tries, return_exceptions=True)
        broken = [work for work, each in zip(tries.values(), ended, strict=True) if isinstance(each, BaseException)]
        broken += [work for found in claimed if not isinstance(found, BaseException) for work in found]
        try:
            await self.settle()
            await self.release(broken)
        except Fault as fault:
            log.warning("%s could not settle at its end; leases will run out: %s", self.name, fault.message)
