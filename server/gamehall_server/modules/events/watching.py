"""Events as they happen, each once, in an order that stays, from a place on that whoever watched before has kept."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.outbox import Outbox
from gamehall_server.kit.storage import Database
from gamehall_server.modules.events import tables

# How often somebody who watches looks for what other processes wrote; this one's commits wake everybody.
LOOK_SECONDS = 0.5
LONGEST_TOKEN = 18


class Watching:
    """What is new, for everybody who watches."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def follow(self, token: str) -> AsyncGenerator[tuple[int, Any], None]:
        """First the place where it begins, with None; then each event's place and row. Raises Invalid for a token that is none, and for one
        after which events were that are no longer kept."""
        woken = asyncio.Event()
        self._outbox.listeners.add(woken.set)
        try:
            place = await self._begin(token)
            yield place, None
            while True:
                woken.clear()
                await self._catch_up()
                rows = await tables.events_after(self._database.reader(), place)
                for row in rows:
                    place = row[6]
                    yield place, row
                if not rows:
                    await _either(woken, LOOK_SECONDS)
        finally:
            self._outbox.listeners.discard(woken.set)

    async def _begin(self, token: str) -> int:
        await self._catch_up()
        head = await tables.head(self._database.reader())
        if not token:
            return head
        place = int(token) if token.isascii() and token.isdecimal() and len(token) <= LONGEST_TOKEN else -1
        if not 0 <= place <= head:
            raise Invalid("no token of this deployment", field="after")
        oldest = await tables.oldest(self._database.reader())
        if place < (head if oldest is None else oldest - 1):
            raise Invalid("events after this token are no longer kept: begin without one", field="after")
        return place

    async def _catch_up(self) -> None:
        """Gives every event that was committed by now its place."""
        while await tables.waits(self._database.reader()):
            await self._database.write(tables.give_places)


async def _either(woken: asyncio.Event, seconds: float) -> None:
    """Until somebody wakes us, or so long."""
    try:
        await asyncio.wait_for(woken.wait(), seconds)
    except TimeoutError:
        return
