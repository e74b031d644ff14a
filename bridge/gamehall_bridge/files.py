"""Files over HTTP, at /files: sent to an address that was signed for it, read by everybody who knows where they are, as from a store
that is compatible with S3."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import BinaryIO

from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall_server.kit.clock import real_seconds, request_id
from gamehall_server.kit.errors import Fault, Forbidden, Invalid, Malformed, NotFound
from gamehall_server.kit.file_store import Coming, FileStore, Found
from gamehall_server.kit.signed_addresses import Signer

from gamehall_bridge.errors import Headers, Refused, refusal
from gamehall_bridge.streams import Receive, Scope, Send

Application = Callable[[Scope, Receive, Send], Awaitable[None]]
PREFIX = b"/files/"
PART = 256 * 1024
# What browsers show by themselves; everything else is saved.
SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/")
# Nothing that users upload runs on this deployment's own address.
SAFE: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"sandbox; default-src 'none'"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"access-control-allow-origin", b"*"),
]
ALLOW: Headers = [
    (b"access-control-allow-methods", b"GET, HEAD, PUT"),
    (b"access-control-allow-headers", b"content-type, range"),
    (b"allow", b"GET, HEAD, OPTIONS, PUT"),
]


class Files:
    """An ASGI application with files before another one. `host`: that of the addresses that are signed."""

    def __init__(self, others: Application, store: FileStore, signer: Signer, host: str) -> None:
        self._others = others
        self._store, self._signer, self._host = store, signer, host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["raw_path"].startswith(PREFIX):
            await self._others(scope, receive, send)
            return
        number = request_id()
        try:
            await self._answer(scope, receive, send)
        except (Fault, Refused) as problem:
            refused = problem if isinstance(problem, Refused) else Refused(problem, 0)
            code, body, headers = refusal(refused.fault, number, None, False, refused.status or None)
            told = [
                *SAFE,
                *headers,
                *refused.headers,
                (b"content-type", b"application/json;charset=UTF-8"),
                (b"x-request-id", number.encode()),
            ]
            # What was not read of the body would be taken for the next request.
            await _send(send, code, [*told, (b"content-length", b"%d" % len(body)), (b"connection", b"close")], body)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["raw_path"].decode("latin-1")
        key = path.removeprefix(PREFIX.decode())
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        if method == "OPTIONS":
            await _send(send, 204, [*SAFE, *ALLOW], b"")
        elif method == "PUT":
            if not self._signer.allows("PUT", self._host, path, query, headers, real_seconds()):
                raise Forbidden("This address was not signed for this, or is too old.", reason=ErrorReason.ERROR_REASON_FORBIDDEN)
            await self._take(key, headers, receive)
            await _send(send, 200, [*SAFE, (b"content-length", b"0")], b"")
        elif method in ("GET", "HEAD"):
            if query and not self._signer.allows("GET", self._host, path, query, headers, real_seconds()):
                raise Forbidden("This address was not signed for this, or is too old.", reason=ErrorReason.ERROR_REASON_FORBIDDEN)
            found = await asyncio.to_thread(self._store.find, key)
            if found is None:
                raise NotFound("There is no such file.")
            await _give(found, headers.get("range", ""), send, head=method == "HEAD")
        else:
            raise Refused(NotFound(f"{method} is not for files."), 405, ALLOW)

    async def _take(self, key: str, headers: dict[str, str], receive: Receive) -> None:
        size = headers.get("content-length", "")
        if size and (not size.isdigit() or len(size) > 18):
            raise Malformed("The content-length is not a number.")
        if size and int(size) > self._store.most_bytes:
            raise self._too_large()
        coming = await asyncio.to_thread(self._store.receive, key, headers.get("content-type", ""))
        if coming is None:
            raise Invalid("No file can have this name.")
        try:
            await self._receive(coming, receive)
            await asyncio.to_thread(coming.keep)
        finally:
            await asyncio.to_thread(coming.close)

    async def _receive(self, coming: Coming, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Malformed("The file did not come whole.")
            part = message.get("body", b"")
            if coming.size + len(part) > self._store.most_bytes:
                raise self._too_large()
            if part:
                await asyncio.to_thread(coming.write, part)
            if not message.get("more_body"):
                return

    def _too_large(self) -> Refused:
        return Refused(Malformed(f"The file is larger than {self._store.most_bytes} bytes."), 413)


async def _give(found: Found, wanted: str, send: Send, *, head: bool) -> None:
    """A file, or the part of it that a Range header names (RFC 9110 section 14: one range of bytes)."""
    span = _span(wanted, found.size)
    if span is not None and not span:
        raise Refused(Malformed("The file has no such part."), 416, [(b"content-range", b"bytes */%d" % found.size)])
    first, last = (span[0], span[-1]) if span else (0, found.size - 1)
    shown = found.type.startswith(SHOWN)
    headers = [*SAFE, (b"content-type", found.type.encode("latin-1", "replace")), (b"content-length", b"%d" % (last - first + 1))]
    headers += [(b"accept-ranges", b"bytes"), (b"content-disposition", b"inline" if shown else b"attachment")]
    headers += [(b"cache-control", b"public, max-age=31536000, immutable")]
    if span:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (first, last, found.size)))
    await send({"type": "http.response.start", "status": 206 if span else 200, "headers": headers})
    if head:
        await send({"type": "http.response.body", "body": b""})
        return
    file: BinaryIO = await asyncio.to_thread(found.path.open, "rb")
    try:
        file.seek(first)
        left = last - first + 1
        while left > 0:
            part = await asyncio.to_thread(file.read, min(PART, left))
            left -= len(part)
            await send({"type": "http.response.body", "body": part, "more_body": left > 0 and bool(part)})
            if not part:
                return
        if last < first:
            await send({"type": "http.response.body", "body": b""})
    finally:
        file.close()


def _span(wanted: str, size: int) -> range | None:
    """The bytes that a Range header names: none at all where the file has none of them; None where it names no range of bytes."""
    unit, _, text = wanted.partition("=")
    first, dash, last = text.partition("-")
    if unit.strip().lower() != "bytes" or not dash or not (first + last).isdigit() or len(text) > 40:
        return None
    if not first:
        return range(max(0, size - int(last)), size)
    return range(int(first), min(size, int(last) + 1 if last else size))


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
