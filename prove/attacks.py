"""What hostile clients send: each attack is the bytes of one connection, and what may come back."""

import gzip
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench.load.http2 import (
    ACK,
    AUTHORITY,
    CONTENT_TYPE,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    HTTP,
    PATH,
    PING,
    POST,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    _integer,
    _text,
    frame,
    grpc_message,
)

PRIORITY, PUSH_PROMISE, CONTINUATION = 2, 5, 9
INITIAL_WINDOW_SIZE, MAX_STREAMS = 4, 3
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HELLO = PREFACE + frame(SETTINGS, 0, 0, b"")
MIB = 1024 * 1024
END = b"\r\n\r\n"


class Attack(NamedTuple):
    """One connection's worth."""

    name: str
    parts: Callable[[int], Iterator[bytes]]
    """Gives what to send; the number says how much."""
    statuses: tuple[int, ...] = ()
    """What HTTP may answer, once; nothing and a closed connection is always right."""
    connections: int = 1
    reads: bool = True


def _post(headers: str, body: bytes = b"", path: str = "/comments") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{headers}\r\n\r\n".encode() + body


def _once(*parts: bytes) -> Callable[[int], Iterator[bytes]]:
    return lambda _: iter(parts)


def _json(body: bytes) -> Callable[[int], Iterator[bytes]]:
    return _once(_post(f"Content-Length: {len(body)}", body, "/users"))


# The second request must never be answered: whoever stands in front took it for a body.
_INNER = b"GET /version HTTP/1.1\r\nHost: a\r\n\r\n"
_CHUNKED = b"0\r\n\r\n" + _INNER
_SMUGGLING = {
    "length and chunks": _post(f"Content-Length: {len(_CHUNKED)}\r\nTransfer-Encoding: chunked", _CHUNKED),
    "two lengths": _post(f"Content-Length: 0\r\nContent-Length: {len(_INNER)}", _INNER),
    "a list of lengths": _post(f"Content-Length: 0, {len(_INNER)}", _INNER),
    "a signed length": _post("Content-Length: +0", _INNER),
    "a negative length": _post("Content-Length: -1", _INNER),
    "a length in hexadecimal": _post("Content-Length: 0x0", _INNER),
    "a length beyond 64 bits": _post("Content-Length: 18446744073709551616", _INNER),
    "chunks under another name": _post("Transfer-Encoding: xchunked", _CHUNKED),
    "chunks, then something": _post("Transfer-Encoding: chunked, identity", _CHUNKED),
    "a space before the colon": _post("Transfer-Encoding : chunked", _CHUNKED),
    "a folded header": _post("X: a\r\n Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n chunked", _CHUNKED),
    "a size that overflows": _post("Transfer-Encoding: chunked", b"ffffffffffffffff1\r\n" + _INNER),
    "a negative size": _post("Transfer-Encoding: chunked", b"-1\r\n" + _INNER),
    "a bare line feed in a size": _post("Transfer-Encoding: chunked", b"0;a\n\n" + _INNER),
    "a bare carriage return": b"POST /comments HTTP/1.1\rContent-Length: 0\r\n\r\n" + _INNER,
    "a NUL in a header": _post("X: a\0b\r\nContent-Length: 0", _INNER),
}
_BAD_JSON = {
    "10,000 levels of JSON": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "10,000 levels of lists": b"[" * 10_000 + b"]" * 10_000,
    "NaN": b'{"username": NaN}',
    "a lone surrogate": b'{"username": "\\ud800", "email": "a@example.com", "password": "a long password"}',
    "a number of 100,000 digits": b'{"username": ' + b"9" * 100_000 + b"}",
    "not UTF-8": b'{"username": "\xff"}',
}


def _many_headers(count: int) -> Iterator[bytes]:
    yield b"GET /version HTTP/1.1\r\nHost: a\r\n"
    for number in range(0, count, 1000):
        yield b"".join(f"X{n}: a\r\n".encode() for n in range(number, number + 1000))
    yield END


def _long_header(count: int) -> Iterator[bytes]:
    yield b"GET /version HTTP/1.1\r\nHost: a\r\nX: "
    for _ in range(count // 10):
        yield b"a" * 10_000
    yield END


def _large_body(count: int) -> Iterator[bytes]:
    yield _post(f"Content-Length: {count * 1000}", b'{"username": "')
    for _ in range(count // 10):
        yield b"a" * 10_000


def _extended_chunks(count: int) -> Iterator[bytes]:
    yield _post("Transfer-Encoding: chunked")
    for _ in range(count // 10):
        yield b"1;" + b"a" * 10_000 + b"\r\na\r\n"


def _pipelined(count: int) -> Iterator[bytes]:
    for _ in range(count // 100):
        yield b"GET /version HTTP/1.1\r\nHost: a\r\n\r\n" * 100


BAD = (400, 413, 415, 431, 501)
BY_HTTP: tuple[Attack, ...] = (
    *(Attack(name, _once(sent), (*BAD, 401)) for name, sent in _SMUGGLING.items()),
    *(Attack(name, _json(body), BAD) for name, body in _BAD_JSON.items()),
    Attack("a gzip bomb", _once(_post("Content-Encoding: gzip\r\nContent-Length: 1000", gzip.compress(bytes(MIB))[:1000], "/users")), BAD),
    Attack("100,000 headers", _many_headers, BAD),
    Attack("a header without end", _long_header, BAD),
    Attack("a body of 64 MB", _large_body, (*BAD, 401)),
    Attack("chunk extensions without end", _extended_chunks, (*BAD, 401)),
    Attack("half a head", _once(b"GET /version HTTP/1.1\r\nHos"), connections=100, reads=False),
    Attack("half a body", _once(_post("Content-Length: 100", b'{"a')), connections=100, reads=False),
    Attack("nothing", _once(), connections=100, reads=False),
    Attack("answers that nobody reads", _pipelined, (200,), reads=False),
)


# HTTP/2.


def _head(more: bytes = b"", path: bytes = b"/gamehall.comments.v1.CommentService/GetComment") -> bytes:
    fields = [(PATH, path), (AUTHORITY, b"a"), (CONTENT_TYPE, b"application/grpc")]
    literals = b"".join(_integer(name, 4, 0) + _text(value) for name, value in fields)
    return bytes((POST, HTTP)) + literals + b"\0" + _text(b"te") + _text(b"trailers") + more


def _field(name: bytes, value: bytes) -> bytes:
    return b"\0" + _text(name) + _text(value)


def _rapid_reset(count: int) -> Iterator[bytes]:
    yield HELLO
    for number in range(0, count, 100):
        streams = range(number * 2 + 1, (number + 100) * 2, 2)
        yield b"".join(frame(HEADERS, END_HEADERS, s, _head()) + frame(RST_STREAM, 0, s, struct.pack(">I", 8)) for s in streams)


def _continuations(count: int) -> Iterator[bytes]:
    yield HELLO + frame(HEADERS, 0, 1, _head())
    for _ in range(count // 100):
        yield frame(CONTINUATION, 0, 1, _field(b"x", b"a" * 50)) * 100


def _empty_continuations(count: int) -> Iterator[bytes]:
    yield HELLO + frame(HEADERS, 0, 1, _head())
    for _ in range(count // 100):
        yield frame(CONTINUATION, 0, 1, b"") * 100


def _hpack_bomb(count: int) -> Iterator[bytes]:
    large = b"\x40" + _text(b"bomb") + _text(b"a" * 4000)
    yield HELLO + frame(HEADERS, END_HEADERS | END_STREAM, 1, _head(large))
    for number in range(min(count // 1000, 100)):
        yield frame(HEADERS, END_HEADERS | END_STREAM, 3 + number * 2, _head(b"\xbe" * 8000))


def _large_metadata(_: int) -> Iterator[bytes]:
    yield HELLO
    for number in range(10):
        block = _head(b"".join(_field(b"x%d" % n, b"a" * 1000) for n in range(60)))
        yield frame(HEADERS, 0, 1 + 2 * number, block[:16000])
        rest = [block[at : at + 16000] for at in range(16000, len(block), 16000)]
        for at, part in enumerate(rest):
            yield frame(CONTINUATION, END_HEADERS if at == len(rest) - 1 else 0, 1 + 2 * number, part)
        yield frame(DATA, END_STREAM, 1 + 2 * number, grpc_message(b"\x08\x01"))


def _floods(of: bytes) -> Callable[[int], Iterator[bytes]]:
    def parts(count: int) -> Iterator[bytes]:
        yield HELLO
        for _ in range(count // 100):
            yield of * 100

    return parts


def _within(of: bytes) -> Callable[[int], Iterator[bytes]]:
    """A flood within a stream that is open."""

    def parts(count: int) -> Iterator[bytes]:
        yield HELLO + frame(HEADERS, END_HEADERS, 1, _head())
        for _ in range(count // 100):
            yield of * 100

    return parts


def _streams(count: int) -> Iterator[bytes]:
    yield HELLO
    for number in range(0, count // 10, 100):
        yield b"".join(frame(HEADERS, END_HEADERS, s, _head()) for s in range(number * 2 + 1, (number + 100) * 2, 2))


def _zero_window(count: int) -> Iterator[bytes]:
    yield PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, 0))
    for number in range(min(count // 10, 5000)):
        stream = number * 2 + 1
        yield frame(HEADERS, END_HEADERS, stream, _head()) + frame(DATA, END_STREAM, stream, grpc_message(b"\x08\x01"))


def _gzip_message(_: int) -> Iterator[bytes]:
    bomb = gzip.compress(bytes(64 * MIB))
    yield HELLO + frame(HEADERS, END_HEADERS, 1, _head(_field(b"grpc-encoding", b"gzip")))
    message = b"\1" + struct.pack(">I", len(bomb)) + bomb
    for at in range(0, len(message), 16000):
        yield frame(DATA, END_STREAM if at + 16000 >= len(message) else 0, 1, message[at : at + 16000])


def _large_message(count: int) -> Iterator[bytes]:
    yield HELLO + frame(HEADERS, END_HEADERS, 1, _head()) + frame(DATA, 0, 1, b"\0" + struct.pack(">I", 2**31 - 1))
    for _ in range(count // 10):
        yield frame(DATA, 0, 1, b"a" * 10_000)


def _strange(*frames: bytes) -> Callable[[int], Iterator[bytes]]:
    return _once(HELLO, *frames)


BY_HTTP2: tuple[Attack, ...] = (
    Attack("rapid reset", _rapid_reset),
    Attack("CONTINUATION without end", _continuations),
    Attack("empty CONTINUATION without end", _empty_continuations),
    Attack("an HPACK bomb", _hpack_bomb),
    Attack("60 KB of metadata", _large_metadata),
    Attack("a flood of SETTINGS", _floods(frame(SETTINGS, 0, 0, struct.pack(">HI", MAX_STREAMS, 100))), reads=False),
    Attack("a flood of SETTINGS acknowledged", _floods(frame(SETTINGS, ACK, 0, b""))),
    Attack("a flood of PING", _floods(frame(PING, 0, 0, bytes(8))), reads=False),
    Attack("a flood of PRIORITY", _floods(frame(PRIORITY, 0, 1, struct.pack(">IB", 3, 1)))),
    Attack("a flood of WINDOW_UPDATE", _floods(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)))),
    Attack("a window that overflows", _strange(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1)) * 2)),
    Attack("a flood of unknown frames", _floods(frame(99, 0, 0, bytes(8)))),
    Attack("a flood of empty DATA", _within(frame(DATA, 0, 1, b""))),
    Attack("streams without end", _streams),
    Attack("a window of zero", _zero_window, reads=False),
    Attack("a gzip bomb", _gzip_message),
    Attack("a message of 2 GB", _large_message),
    Attack("DATA on no stream", _strange(frame(DATA, 0, 0, b"a"), frame(DATA, 0, 7, b"a"))),
    Attack("a frame larger than allowed", _strange(frame(DATA, 0, 1, bytes(70_000)))),
    Attack("an even stream", _strange(frame(HEADERS, END_HEADERS, 2, _head()))),
    Attack("PUSH_PROMISE", _strange(frame(PUSH_PROMISE, END_HEADERS, 1, struct.pack(">I", 2) + _head()))),
    Attack("GOAWAY, and on", _strange(frame(GOAWAY, 0, 0, bytes(8)), frame(HEADERS, END_HEADERS, 1, _head()))),
    Attack("headers that are no HPACK", _strange(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff" * 100))),
    Attack("HTTP/1.1", _once(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
    Attack("half a preface", _once(PREFACE[:10]), connections=100, reads=False),
    Attack("a preface, and nothing", _once(PREFACE), connections=100, reads=False),
    Attack("nothing", _once(), connections=100, reads=False),
)
