"""An HTTP/1.1 client that does as little as a client can: writes prepared bytes, reads a status and a length."""

import asyncio
from time import perf_counter
from typing import cast

from bench.load.tally import Tally

LENGTH, CHUNKED, LAST_CHUNK = b"content-length: ", b"transfer-encoding: chunked", b"\r\n0\r\n\r\n"


class Connection(asyncio.Protocol):
    """One kept-alive connection with one request in flight."""

    def __init__(self, tally: Tally[bytes]) -> None:
        self._tally = tally
        self._pending = b""
        self._sent = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not subclasses of asyncio's, whatever mypy would like.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        self._sent = perf_counter()
        self._transport.write(next(self._tally.requests))

    def data_received(self, data: bytes) -> None:
        if self._pending:
            data = self._pending + data
        end = data.find(b"\r\n\r\n")
        if end < 0 or not _whole(data, end):
            self._pending = data
            return
        self._pending = b""
        tally = self._tally
        if data[9:12] == b"200":
            tally.latencies.append(perf_counter() - self._sent)
        else:
            tally.fail(data[:600].decode(errors="replace"))
        if tally.stopping:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._tally.stopping:
            self._tally.fail(f"the connection was lost: {exc}")


def _whole(data: bytes, end: int) -> bool:
    """Whether an answer whose head ends there has arrived."""
    at = data.find(LENGTH, 0, end)
    if at < 0:
        head = data[:end].lower()
        at = head.find(LENGTH)
        if at < 0 and CHUNKED not in head:
            raise ValueError(f"an answer with neither content-length nor chunks: {data[:end]!r}")
    if at < 0:
        # With one request in flight the last chunk is the last thing that comes.
        return data.endswith(LAST_CHUNK)
    return len(data) >= end + 4 + int(data[at + len(LENGTH) : data.index(b"\r\n", at)])
