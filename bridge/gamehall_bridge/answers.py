"""Answers as bytes: the headers that all have, and an answer that is whole, in one message."""

from typing import Any

from gamehall_bridge.errors import Headers
from gamehall_bridge.streams import Scope, Send

# The ASGI extension by which a connection takes a whole answer in one message: its status, its header lines and its body.
WHOLE = "gamehall.whole"

# The response headers of the published example.
ALWAYS: Headers = [
    (b"pragma", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-cache, no-store, max-age=0, must-revalidate"),
    (b"x-xss-protection", b"1; mode=block"),
    (b"x-application-context", b"KnetikCloud:remote"),
    (b"expires", b"0"),
]
# The same of what may be kept, which says for how long.
LASTING = [header for header in ALWAYS if header[0] not in (b"pragma", b"cache-control", b"expires")]


def lines(headers: Headers) -> bytes:
    """Header lines. Raises ValueError for a value that would be several."""
    told = b"".join([b"%b: %b\r\n" % header for header in headers])
    if told.count(b"\r") != len(headers) or told.count(b"\n") != len(headers):
        raise ValueError("a header holds the end of a line")
    return told


_LINES = {id(headers): lines(headers) for headers in (ALWAYS, LASTING)}


async def send_answer(scope: Scope, send: Send, status: int, body: bytes, content_type: bytes, always: Headers, extra: Headers) -> None:
    """Sends an answer, in one message where the connection takes it so. `always` is ALWAYS or LASTING."""
    if WHOLE in scope.get("extensions", ()):
        await send(whole(scope, status, body, content_type, always, extra))
        return
    await send({"type": "http.response.start", "status": status, "headers": [*always, *_framed(status, body, content_type, extra)]})
    await send({"type": "http.response.body", "body": _shown(scope, body)})


def whole(scope: Scope, status: int, body: bytes, content_type: bytes, always: Headers, extra: Headers) -> dict[str, Any]:
    """The one message."""
    head = _LINES[id(always)] + lines(_framed(status, body, content_type, extra))
    return {"type": WHOLE, "status": status, "head": head, "body": _shown(scope, body)}


def _framed(status: int, body: bytes, content_type: bytes, extra: Headers) -> Headers:
    return extra if status in (204, 304) else [*extra, (b"content-type", content_type), (b"content-length", b"%d" % len(body))]


def _shown(scope: Scope, body: bytes) -> bytes:
    return b"" if scope["method"] == "HEAD" else body
