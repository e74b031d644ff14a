"""Server streams under way: how many there may be, and what ends one.

A stream is no call in flight: it mostly waits. So it is counted apart. It ends when its generator does, when its caller goes (then the
generator is closed at once), when its token is over, and with the server. A generator that knows of the server's end says its last
word first; one that does not is ended.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from google.protobuf.message import Message

from gamehall_server.kit.errors import Exhausted, Unavailable

# How often a stream looks whether its token is still good.
RECHECK_SECONDS = 5.0


class Streams:
    """Every stream of the deployment."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = 0
        self._ending = False
        self._nobody_left = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def open(self) -> int:
        """Streams under way."""
        return self._open

    def enter(self) -> None:
        """One more. Raises Exhausted where there are too many, Unavailable where the server is about to end."""
        if self._ending:
            raise Unavailable("The server is shutting down.")
        if self._open >= self._most:
            raise Exhausted(retry_after=1)
        self._open += 1

    def leave(self) -> None:
        """One less."""
        self._open -= 1
        if self._ending and not self._open:
            self._nobody_left.set()

    async def end(self, seconds: float) -> None:
        """Lets no stream begin; gives those under way so many seconds to end by themselves, and ends the rest."""
        self._ending = True
        if self._open:
            try:
                await asyncio.wait_for(self._nobody_left.wait(), seconds)
            except TimeoutError:
                self._ended.set()

    async def follow(
        self, messages: AsyncGenerator[Message, None], allowed: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[Message, None]:
        """The messages as they come. `allowed` is asked from time to time and raises the Fault that ends the stream."""
        loop = asyncio.get_running_loop()
        ended = loop.create_task(self._ended.wait())
        look_at = loop.time() + RECHECK_SECONDS
        try:
            async with aclosing(steps(messages, ended, RECHECK_SECONDS)) as found:
                async for message in found:
                    if loop.time() >= look_at:
                        await allowed()
                        look_at = loop.time() + RECHECK_SECONDS
                    if message is not None:
                        yield message
            if ended.done():
                raise Unavailable("The server is shutting down.")
        finally:
            ended.cancel()


async def steps(
    messages: AsyncGenerator[Message, None], stop: "asyncio.Future[Any]", seconds: float
) -> AsyncGenerator[Message | None, None]:
    """The messages as they come, and None whenever none came for so many seconds. Ends when they do or `stop` is done, and closes them."""
    step: asyncio.Task[Message] | None = None
    try:
        while True:
            step = step or asyncio.ensure_future(anext(messages))
            await asyncio.wait({step, stop}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if stop.done():
                return
            if not step.done():
                yield None
                continue
            done, step = step, None
            try:
                message = done.result()
            except StopAsyncIteration:
                return
            yield message
    finally:
        if step is not None:
            step.cancel()
            await asyncio.wait({step})
        await messages.aclose()
