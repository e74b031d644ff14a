"""A gRPC client over HTTP/2 that does as little as a client can: writes prepared frames, reads trailers.

It asks the server to answer without HPACK's dynamic table (SETTINGS_HEADER_TABLE_SIZE 0). So every header block stands alone, each other
block of trailers is decoded once, and every single grpc-status is counted. Requests use the table as clients do: what never changes is sent
once per connection.
"""

import asyncio
import struct
from time import perf_counter
from typing import ClassVar, NamedTuple, cast

from hpack import Decoder

from bench.load.tally import Tally

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
HEADER_TABLE_SIZE, ENABLE_PUSH, INITIAL_WINDOW_SIZE = 1, 2, 4
LARGEST_WINDOW = 2**31 - 1
# Static table: `:method: POST`, `:scheme: http`, and the names of :path, :authority, content-type, user-agent, authorization.
POST, HTTP, PATH, AUTHORITY, CONTENT_TYPE, USER_AGENT, AUTHORIZATION = 0x83, 0x86, 4, 1, 31, 58, 23
FIRST_DYNAMIC = 62


class Call(NamedTuple):
    """One request: its own header field and its message, framed but for the stream's number."""

    authorization: bytes
    message: bytes


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A whole frame."""
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + stream.to_bytes(4) + payload


def _integer(value: int, bits: int, flags: int) -> bytes:
    limit = (1 << bits) - 1
    if value < limit:
        return bytes((flags | value,))
    value -= limit
    out = [flags | limit]
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes((*out, value))


def _text(value: bytes) -> bytes:
    return _integer(len(value), 7, 0) + value


def bearer(token: str) -> bytes:
    """`authorization` as a literal that is not to be remembered: each call has another token."""
    return _integer(AUTHORIZATION, 4, 0) + _text(b"Bearer " + token.encode())


def grpc_message(message: bytes) -> bytes:
    """A serialized message with gRPC's five bytes in front."""
    return b"\0" + struct.pack(">I", len(message)) + message


class Connection(asyncio.Protocol):
    """One connection with a number of calls in flight, each on a stream of its own."""

    decoded: ClassVar[dict[bytes, str]] = {}

    def __init__(self, tally: Tally[Call], path: str, streams: int) -> None:
        self._tally = tally
        self._path = path.encode()
        self._streams = streams
        self._next_stream = 1
        self._window = 65535
        self._sent: dict[int, float] = {}
        self._pending = b""
        self._waiting = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not subclasses of asyncio's, whatever mypy would like.
        self._transport = cast(asyncio.Transport, transport)
        fields = [(PATH, self._path), (AUTHORITY, b"localhost"), (CONTENT_TYPE, b"application/grpc"), (USER_AGENT, b"bench/1")]
        literals = b"".join(_integer(name, 6, 0x40) + _text(value) for name, value in fields) + b"\x40" + _text(b"te") + _text(b"trailers")
        settings = struct.pack(">HIHIHI", HEADER_TABLE_SIZE, 0, ENABLE_PUSH, 0, INITIAL_WINDOW_SIZE, LARGEST_WINDOW)
        hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings)
        hello += frame(WINDOW_UPDATE, 0, 0, (LARGEST_WINDOW - 65535).to_bytes(4))
        first = hello + self._call(bytes((POST, HTTP)) + literals)
        # The newest entry has the lowest number: te is 62, user-agent 63, and so on to :path.
        known = len(fields)
        self._rest = bytes((POST, HTTP, *(0x80 | (FIRST_DYNAMIC + known - i) for i in range(known + 1))))
        self._transport.write(first + b"".join(self._call(self._rest) for _ in range(self._streams - 1)))

    def _call(self, common: bytes) -> bytes:
        call = next(self._tally.requests)
        stream = self._next_stream
        self._next_stream += 2
        self._window -= len(call.message)
        self._sent[stream] = perf_counter()
        return frame(HEADERS, END_HEADERS, stream, common + call.authorization) + frame(DATA, END_STREAM, stream, call.message)

    def data_received(self, data: bytes) -> None:
        if self._pending:
            data = self._pending + data
        at, size, out = 0, len(data), []
        while size - at >= 9:
            end = at + 9 + int.from_bytes(data[at : at + 3])
            if end > size:
                break
            kind, flags = data[at + 3], data[at + 4]
            if kind == HEADERS:
                if flags & END_STREAM:
                    self._ended(int.from_bytes(data[at + 5 : at + 9]), flags, data[at + 9 : end])
            elif kind != DATA:
                out.append(self._control(kind, flags, int.from_bytes(data[at + 5 : at + 9]), data[at + 9 : end]))
            elif flags & END_STREAM:
                raise ValueError("a gRPC answer without trailers")
            at = end
        self._pending = data[at:]
        if self._tally.stopping:
            self._transport.close()
            return
        # A server that is slow to grant window makes the calls wait rather than break the protocol.
        while self._waiting and self._window > 16384:
            self._waiting -= 1
            out.append(self._call(self._rest))
        if out:
            self._transport.write(b"".join(out))

    def _ended(self, stream: int, flags: int, block: bytes) -> None:
        if flags & (PADDED | PRIORITY) or not flags & END_HEADERS:
            raise ValueError("padded, prioritized or continued trailers are not understood here")
        status = self.decoded.get(block)
        if status is None:
            status = self.decoded[block] = _status(block)
        if status == "0":
            self._tally.latencies.append(perf_counter() - self._sent.pop(stream))
        else:
            del self._sent[stream]
            self._tally.fail(f"grpc-status {status}")
        self._waiting += 1

    def _control(self, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        """Answers what is not part of a call; gives the bytes to send back."""
        if kind == SETTINGS and not flags & ACK:
            for name, value in struct.iter_unpack(">HI", payload):
                if name == HEADER_TABLE_SIZE and value < 4096:
                    raise ValueError("the server wants a smaller header table than the prepared requests use")
            return frame(SETTINGS, ACK, 0, b"")
        if kind == PING and not flags & ACK:
            return frame(PING, ACK, 0, payload)
        if kind == WINDOW_UPDATE and stream == 0:
            self._window += int.from_bytes(payload)
        elif kind == RST_STREAM:
            self._sent.pop(stream, None)
            self._tally.fail(f"stream reset with code {int.from_bytes(payload)}")
            self._waiting += 1
        elif kind == GOAWAY:
            self._tally.fail(f"GOAWAY with code {int.from_bytes(payload[4:8])}: {payload[8:]!r}")
        return b""

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._tally.stopping:
            self._tally.fail(f"the connection was lost: {exc}")


def _status(block: bytes) -> str:
    fields = {bytes(name): bytes(value) for name, value in Decoder().decode(block, raw=True)}
    status = fields.get(b"grpc-status", b"missing").decode()
    return status if status == "0" else f"{status}: {fields.get(b'grpc-message', b'').decode()}"
