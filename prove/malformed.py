"""Malformed input, 100,000 pieces of it: what a user could send, with bytes changed, cut, doubled and put in, at both doors."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from time import perf_counter
from urllib.parse import quote_from_bytes

import uvloop
from gamehall.comments.v1 import comments_pb2

from bench.load.http2 import DATA, END_HEADERS, END_STREAM, HEADERS, Call, bearer, frame, grpc_message
from bench.machine import memory_mb
from bench.servers import HOST
from prove import crowd
from prove.attacks import HELLO, _head
from prove.doors import Doors
from prove.ground import Ground, ground
from prove.product import Product, served
from prove.proof import Found, main

BAR = "100,000 malformed inputs: no 5xx, INTERNAL or UNKNOWN, no answer after more than 1 s, +64 MB at most"
# One in twelve is still what a user may send.
FULL, LEAST, WORKERS, MORE_MB = 120_000, 100_000, 16, 64
ACCEPTED = "inputs: taken, for what a wound left was well-formed"
PATIENCE = 2.0
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
# What a user sends: verb, target, content type, body.
SENT: tuple[tuple[str, bytes, str, bytes], ...] = (
    ("POST", b"/comments", JSON, b'{"context": "video", "context_id": "1", "content": "very funny"}'),
    (
        "POST",
        b"/users",
        JSON,
        b'{"username": "a", "email": "a@example.com", "password": "a good one", "address": {"country": "USA"}, "tags": ["a"]}',
    ),
    ("POST", b"/oauth/token", FORM, b"grant_type=password&client_id=web&username=chief&password=none"),
    ("PUT", b"/comments/1/content", JSON, b'"better"'),
    ("GET", b"/comments?context=video&context_id=1&size=25&page=1&order=id:desc", JSON, b""),
    ("GET", b"/comments/1", JSON, b""),
    ("GET", b"/users/me", JSON, b""),
    ("GET", b"/configs?filter_search=a&size=10&order=name:asc", JSON, b""),
    ("POST", b"/gamehall.comments.v1.CommentService/GetComment", JSON, b'{"id": "1"}'),
)
PIECES = (
    *(
        b"\0",
        b"\xff",
        b"\xc3\x28",
        b'"',
        b"{",
        b"[",
        b"}",
        b"]",
        b",",
        b":",
        b"%",
        b"%00",
        b"&",
        b"=",
        b"\\u0000",
        b"\\ud800",
        b"-1",
        b"1e999",
    ),
    *(b"9223372036854775808", b"null", b"NaN", b"true", b"../", b";", b"' OR 1=1--", b"\r\n", b"\r\n\r\n", b"\xf0\x9f\x8e\xae", b"A" * 300),
)


def changed(sent: bytes, chance: random.Random) -> bytes:
    """The same with one to four wounds."""
    data = bytearray(sent)
    for _ in range(chance.randint(1, 4)):
        at, kind = chance.randint(0, len(data)), chance.randrange(5)
        end = min(len(data), at + chance.randint(1, 8))
        if kind == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del data[at:end]
        elif kind == 2:
            data[at:at] = data[at:end] * chance.randint(1, 20)
        elif kind == 3:
            data[at:at] = chance.choice(PIECES)
        else:
            data[at:end] = chance.randbytes(end - at)
    return bytes(data)


def requests(count: int, tokens: list[str], chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """HTTP requests, and where each has its wound: most in the body or the target, one in ten anywhere."""
    for _ in range(count):
        verb, target, kind, body = chance.choice(SENT)
        where, source = chance.random(), "whole requests"
        if body and where < 0.6:
            body, source = changed(body, chance), "JSON" if kind == JSON else "forms"
        elif where < 0.9:
            source = "targets with ids, filters, orders"
            target = quote_from_bytes(changed(target, chance), safe="/?&=:%;+,").encode()
        token = "" if target.startswith(b"/oauth") else f"Authorization: Bearer {chance.choice(tokens)}\r\n"
        head = b"%s %s HTTP/1.1\r\nHost: a\r\n%s" % (verb.encode(), target, token.encode())
        whole = head + f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        yield source, whole if where < 0.9 else changed(whole, chance)


class Heard:
    """What came back over HTTP."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.slowest = 0.0
        self.failures: dict[bytes, bytes] = {}


async def _worker(port: int, inputs: Iterator[tuple[str, bytes]], heard: Heard) -> None:
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    for source, sent in inputs:
        heard.sources[source] += 1
        if writer is None or writer.is_closing():
            reader, writer = await asyncio.open_connection(HOST, port)
        assert reader is not None
        began = perf_counter()
        try:
            writer.write(sent)
            async with asyncio.timeout(PATIENCE):
                status, rest = await _answer(reader)
            heard.statuses[status] += 1
            heard.slowest = max(heard.slowest, perf_counter() - began)
            if status.startswith("5"):
                heard.failures[sent] = rest
            elif status == "200":
                continue
        except TimeoutError:
            # It waits for the rest of a head or a body that will never come, as it should.
            heard.statuses["waits for more"] += 1
        except (OSError, EOFError, ValueError):
            heard.statuses["closed"] += 1
        # The next input must not be read as a part of this one.
        writer.close()
    if writer is not None:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: ")), 0)
    return head[9:12].decode(), await reader.readexactly(length)


async def _all(port: int, inputs: Iterator[tuple[str, bytes]]) -> Heard:
    heard = Heard()
    await asyncio.gather(*(_worker(port, inputs, heard) for _ in range(WORKERS)))
    return heard


def over_http(found: Found, product: Product, count: int, seed: int, *, timed: bool) -> None:
    """Wounded requests."""
    chance = random.Random(seed)
    heard = uvloop.run(_all(product.http_port, requests(count, product.ground.tokens, chance)))
    for sent, body in heard.failures.items():
        found.check(False, f"{sent!r} was answered {body[:200]!r}")
    # A wounded length is waited for; a call is not.
    found.check(heard.statuses["waits for more"] <= count / 50, f"{heard.statuses['waits for more']} inputs without an answer")
    found.check(not timed or heard.slowest <= 1, f"an answer took {heard.slowest:.1f} s")
    for source, times in heard.sources.items():
        found.count(f"inputs: {source}", times)
    found.count(ACCEPTED, heard.statuses["200"])


def over_grpc(found: Found, product: Product, count: int, seed: int) -> None:
    """Wounded messages in whole frames."""
    chance = random.Random(seed)
    comment = comments_pb2.Comment(context="video", context_id="1", content="very funny")
    sent = comments_pb2.CreateCommentRequest(comment=comment).SerializeToString()
    token = bearer(product.ground.tokens[0])
    prepared = [Call(token, grpc_message(changed(sent, chance))) for _ in range(count)]
    answers, _ = crowd.load("grpc", product.grpc_port, prepared, 64, 0, count, 0)
    for outcome, times in answers.outcomes.items():
        told = outcome.startswith(("grpc-status 3", "grpc-status 7", "grpc-status 5"))
        found.check(told, f"gRPC, {times} times: {outcome}")
    found.count("inputs: gRPC messages", len(answers.latencies) + sum(answers.outcomes.values()))
    found.count(ACCEPTED, len(answers.latencies))


def over_frames(found: Found, product: Product, count: int, seed: int) -> None:
    """Wounded frames, a connection for each: the server closes it or answers, and goes on."""
    chance = random.Random(seed)
    call = frame(HEADERS, END_HEADERS, 1, _head()) + frame(DATA, END_STREAM, 1, grpc_message(b"\x08\x01"))

    async def one(inputs: Iterator[bytes]) -> None:
        for sent in inputs:
            reader, writer = await asyncio.open_connection(HOST, product.grpc_port)
            writer.write(sent)
            with suppress(ConnectionError):
                await reader.read(1000)
            writer.transport.abort()
            found.count("inputs: HTTP/2 frames")

    async def every() -> None:
        inputs = (HELLO + changed(call, chance) for _ in range(count))
        await asyncio.gather(*(one(inputs) for _ in range(WORKERS)))

    uvloop.run(every())


def malformed(found: Found, on: Ground, engine: str, count: int, seed: int, *, timed: bool) -> None:
    """So many inputs: six in ten over HTTP, three over gRPC, one as frames."""
    with served(on, GAMEHALL_GRPC_ENGINE=engine) as product:
        over_http(found, product, count // 20, seed + 1, timed=timed)
        memory, files = memory_mb(product.pid), product.open_files()
        over_http(found, product, count * 6 // 10 - count // 20, seed, timed=timed)
        over_grpc(found, product, count * 3 // 10, seed)
        over_frames(found, product, count // 10, seed)
        grown = memory_mb(product.pid) - memory
        found.check(grown <= MORE_MB, f"{engine}: {grown:.0f} MB more")
        if timed:
            found.count(f"{engine}: MB more", round(grown))
        doors = Doors(product, found, f"{engine}, afterwards")
        found.check(None not in (doors.write_http("a"), doors.write_grpc("b")), f"{engine}: refuses afterwards")
        doors.close()
        found.check(product.open_files() <= files + WORKERS, f"{engine}: {product.open_files() - files} descriptors more")
        found.check(product.stop() == 0, f"{engine}: the server did not end well")
    bugs = product.bugs()
    found.check(not bugs, f"{engine}: {bugs[:1]}")


def prove(seconds: float, seed: int) -> Found:
    """Half of the inputs at each engine, and at each database."""
    found = Found()
    for engine, kind in (("native", "sqlite"), ("grpcio", "postgresql")):
        with ground(kind) as on:
            malformed(found, on, engine, FULL // 2, seed, timed=True)
    inputs = sum(number for what, number in found.counts.items() if what.startswith("inputs: ") and what != ACCEPTED)
    found.count("inputs: malformed", inputs - found.counts[ACCEPTED])
    found.check(found.counts["inputs: malformed"] >= LEAST, "too few malformed inputs")
    return found


if __name__ == "__main__":
    main("malformed", BAR, prove, 0)
