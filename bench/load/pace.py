"""An open loop: requests are due at even moments, whether the ones before them were answered or not.

A request that finds every connection busy waits, and the wait is part of its latency, which is counted from the moment it was due.
"""

import asyncio
from collections import deque
from time import perf_counter
from typing import Protocol

from bench.load import http1, http2
from bench.load.http2 import Call
from bench.load.tally import Tally


class Idle(Protocol):
    """Who can take a request now."""

    def go(self, due: float) -> None:
        """Sends one that was due then."""


class Pace:
    """Hands requests out as they fall due: so many per second. The loop never sleeps meanwhile: its timers are coarser than the pace."""

    def __init__(self, rate: float) -> None:
        self._step = 1 / rate
        self._idle: deque[Idle] = deque()
        self._due = perf_counter()
        self._loop = asyncio.get_running_loop()
        self._turn()

    def wait(self, who: Idle) -> None:
        """Puts a connection that has nothing to do at the end of the queue."""
        self._idle.append(who)

    def _turn(self) -> None:
        now, idle = perf_counter(), self._idle
        while idle and self._due <= now:
            idle.popleft().go(self._due)
            self._due += self._step
        self._loop.call_soon(self._turn)


class ByHttp(http1.Connection):
    """A connection over HTTP/1.1 that sends what is due."""

    def __init__(self, tally: Tally[bytes], pace: Pace) -> None:
        super().__init__(tally)
        self._pace = pace

    def _send(self) -> None:
        self._pace.wait(self)

    def go(self, due: float) -> None:
        """Sends one that was due then."""
        super()._send()
        self._sent = due


class ByGrpc(http2.Connection):
    """A connection over HTTP/2: each of its streams takes what is due. The first calls, which open it, are sent at once."""

    def __init__(self, tally: Tally[Call], path: str, streams: int, pace: Pace) -> None:
        super().__init__(tally, path, streams)
        self._pace = pace

    def _ended(self, stream: int, flags: int, block: bytes) -> None:
        super()._ended(stream, flags, block)
        self._waiting -= 1
        self._pace.wait(self)

    def go(self, due: float) -> None:
        """Sends one that was due then."""
        stream = self._next_stream
        self._transport.write(self._call(self._rest))
        self._sent[stream] = due
