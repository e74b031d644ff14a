"""More callers than a server can serve: each has one call in flight, and what a refused one does next is told."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import uvloop

from bench.load import http1, http2, requests
from bench.load.tally import Tally
from bench.servers import HOST

STREAMS = 8


class Answers(Tally[Any]):
    """What came back to everybody."""

    def __init__(self, prepared: list[Any], wait: float) -> None:
        super().__init__(prepared)
        self.wait = wait
        self.outcomes: Counter[str] = Counter()
        self.refusals: list[float] = []
        self.refused = False

    def fail(self, why: str) -> None:
        """Sorts an answer that was no success."""
        head = why.partition("\r\n\r\n")[0].lower()
        if head.startswith("http/1.1 429"):
            self.refused = True
            why = "429" if "retry-after: " in head else "429 without Retry-After"
        elif why.startswith("grpc-status 8"):
            self.refused = True
            why = "RESOURCE_EXHAUSTED"
        else:
            why = why[:200]
        self.outcomes[why] += 1
        super().fail(why)

    def take_refused(self, sent: float) -> bool:
        """Whether the answer just counted was a refusal; notes how long it took."""
        refused, self.refused = self.refused, False
        if refused:
            self.refusals.append(perf_counter() - sent)
        return refused

    def quantile(self, part: float) -> float:
        """Of the times of successes, in seconds."""
        ordered = sorted(self.latencies) or [math.nan]
        return ordered[int((len(ordered) - 1) * part)]


class ByHttp(http1.Connection):
    """One caller over HTTP/1.1."""

    _tally: Answers

    def _send(self) -> None:
        if self._tally.take_refused(self._sent) and self._tally.wait:
            asyncio.get_running_loop().call_later(self._tally.wait, self._again)
        else:
            super()._send()

    def _again(self) -> None:
        if not self._transport.is_closing():
            super()._send()


class ByGrpc(http2.Connection):
    """Callers that share a connection of gRPC."""

    _tally: Answers

    def _ended(self, stream: int, flags: int, block: bytes) -> None:
        sent = self._sent[stream]
        super()._ended(stream, flags, block)
        if self._tally.take_refused(sent) and self._tally.wait:
            self._waiting -= 1
            asyncio.get_running_loop().call_later(self._tally.wait, self._again)

    def _again(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._call(self._rest))


def load(door: str, port: int, prepared: list[Any], callers: int, seconds: float, least: int, wait: float) -> tuple[Answers, float]:
    """So many callers for so many seconds, and until there are `least` answers of each kind that came at all; a refused one comes back
    after `wait` seconds. Gives what they heard, and the seconds."""
    return uvloop.run(_load(door, port, prepared, callers, seconds, least, wait))


async def _load(door: str, port: int, prepared: list[Any], callers: int, seconds: float, least: int, wait: float) -> tuple[Answers, float]:
    answers, loop = Answers(prepared, wait), asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: answers.fail(f"{context}"))
    make: Callable[[], Any] = partial(ByHttp, answers)
    if door == "grpc":
        make = partial(ByGrpc, answers, requests.PATHS["create"], STREAMS)
    transports = []
    for _ in range(callers if door == "http" else callers // STREAMS):
        transport, _ = await loop.create_connection(make, HOST, port)
        transports.append(transport)
    answers.open()
    began = perf_counter()
    while perf_counter() - began < seconds or len(answers.latencies) + sum(answers.outcomes.values()) < least:  # noqa: ASYNC110  # A stopwatch.
        await asyncio.sleep(0.01)
    took = perf_counter() - began
    answers.stopping = True
    for transport in transports:
        transport.close()
    await asyncio.sleep(0.05)
    return answers, took
