"""What operators' tools read: probes on the public HTTP door, probes and metrics on a door of their own (docs/decisions/0018)."""

from collections.abc import Awaitable, Callable, Mapping

from gamehall_bridge.app import Fixed
from gamehall_bridge.binding import JSON
from gamehall_bridge.documents.pages import Answer, Head
from gamehall_bridge.protocol import Door, http_server, listen
from gamehall_bridge.streams import Receive, Scope, Send

from gamehall_server.kit.clock import Clock
from gamehall_server.kit.metrics import CONTENT_TYPE, Metrics

LIVE, READY, METRICS = b"/health/live", b"/health/ready", b"/metrics"
TEXT = b"text/plain;charset=UTF-8"
_NOW = [(b"cache-control", b"no-store")]


class Probe:
    """200 while something is so, 503 while it is not."""

    def __init__(self, look: Callable[[], Awaitable[bool]]) -> None:
        self._look = look

    async def answer(self, head: Head, scheme: bytes) -> Answer:
        """Looks now."""
        if await self._look():
            return 200, b'{"status":"UP"}', _NOW, JSON
        return 503, b'{"status":"DOWN"}', _NOW, JSON


class MetricsPage:
    """The metrics as they are now."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock

    async def answer(self, head: Head, scheme: bytes) -> Answer:
        """Writes them."""
        return 200, await self._metrics.page(self._clock.now()), _NOW, CONTENT_TYPE


def probes(ready: Callable[[], Awaitable[bool]]) -> dict[bytes, Fixed]:
    """Both probes, by path. A process that answers lives."""

    async def live() -> bool:
        return True

    return {LIVE: Probe(live), READY: Probe(ready)}


class OpsDoor(Door):
    """An HTTP server for operators alone. `address` is host:port; ValueError where it is not."""

    def __init__(self, address: str, pages: Mapping[bytes, Fixed]) -> None:
        host, port = _parts(address)
        self._pages = pages
        super().__init__(http_server(self, host, port, grace=1), listen(host, port, door="operators"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = self._pages.get(scope["raw_path"])
        head = scope["method"] == "HEAD"
        if page is None:
            told: Answer = 404, b"There is " + b", ".join(self._pages), [], TEXT
        elif not head and scope["method"] != "GET":
            told = 405, b"", [(b"allow", b"GET, HEAD")], TEXT
        else:
            told = await page.answer(dict(scope["headers"]), b"http")
        status, body, headers, content_type = told
        headers = [*headers, (b"content-type", content_type), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else body})


def of_workers(address: str, count: int) -> list[str]:
    """The operators' address of each worker: the port of each is one above that of the one before, or any free one where 0 is given.

    Raises ValueError where there are no such ports, OSError with a sentence where one cannot be opened.
    """
    if not address:
        return [""] * count
    _, first = _parts(address)
    found = [f"{address.rpartition(':')[0]}:{first and first + number}" for number in range(count)]
    for each in found:
        host, port = _parts(each)
        listen(host, port, door="operators").close()
    return found


def _parts(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError("GAMEHALL_OPS_ADDRESS must be host:port, and each worker takes the next port")
    return host.removeprefix("[").removesuffix("]"), int(port)
