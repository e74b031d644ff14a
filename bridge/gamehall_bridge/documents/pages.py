"""Pages: fixed paths whose answer is the same bytes for everyone until the deployment is another."""

import asyncio
import hashlib
import re
import threading
from collections.abc import Callable, Iterable
from importlib import resources
from typing import Any

from gamehall_server.kit.invoke import Rpc

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, bytes, Headers, bytes]
Head = dict[bytes, bytes]
HTML = b"text/html;charset=UTF-8"
# What /swagger-ui/ is made of: files of this package's folder ui.
ASSETS: dict[str, bytes] = {
    "index.html": HTML,
    "start.js": b"text/javascript;charset=UTF-8",
    "page.css": b"text/css;charset=UTF-8",
    "swagger-ui.css": b"text/css;charset=UTF-8",
    "swagger-ui-bundle.js": b"text/javascript;charset=UTF-8",
    "favicon-32x32.png": b"image/png",
}
# Asked for again each time, and mostly answered with 304.
_REVALIDATED = b"no-cache"
_KEPT = b"public, max-age=3600"
_HOST = re.compile(rb"[A-Za-z0-9.:\-]+|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")
_POLICY = (
    b"content-security-policy",
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
)


class Page:
    """One path. Its bytes are made when it is first asked for, in a thread, and kept."""

    def __init__(self, make: Callable[[], bytes], content_type: bytes, cache: bytes, more: Headers | None = None) -> None:
        self._make = make
        self._content_type = content_type
        self._headers = [(b"cache-control", cache), *(more or [])]
        self._made: tuple[bytes, bytes] | None = None
        self._making = threading.Lock()

    async def answer(self, head: Head, scheme: bytes) -> Answer:
        """Status, body, headers and content type of a request with these headers."""
        known = head.get(b"if-none-match", b"")
        body, tag = self._made if self._made is not None else await asyncio.to_thread(self._made_once)
        headers = [*self._headers, (b"etag", tag)]
        if known == b"*" or tag in (each.strip().removeprefix(b"W/") for each in known.split(b",")):
            return 304, b"", headers, self._content_type
        return 200, body, headers, self._content_type

    def _made_once(self) -> tuple[bytes, bytes]:
        with self._making:
            made = self._made
            if made is None:
                body = self._make()
                made = self._made = body, b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'
            return made


class SwaggerPage(Page):
    """Swagger 2.0 wants the whole address of the token endpoint: it is where the client found the document."""

    async def answer(self, head: Head, scheme: bytes) -> Answer:
        """As Page does."""
        status, body, headers, content_type = await super().answer(head, scheme)
        host = head.get(b"host", b"")
        origin = scheme + b"://" + (host if _HOST.fullmatch(host) else b"localhost")
        return status, body.replace(b'"tokenUrl":"/', b'"tokenUrl":"' + origin + b"/"), headers, content_type


class Moved(Page):
    """A path whose page is at another one."""

    def __init__(self, to: bytes) -> None:
        super().__init__(bytes, HTML, _REVALIDATED)
        self._to = to

    async def answer(self, head: Head, scheme: bytes) -> Answer:
        """The way there."""
        return 308, b"", [*self._headers, (b"location", self._to)], HTML


def pages_of(rpcs: Iterable[Rpc]) -> dict[bytes, Page]:
    """Every page of a deployment that serves these RPCs, by path."""
    served = list(rpcs)

    def document(name: str) -> Callable[[], bytes]:
        # What writes them is loaded where somebody asks.
        def make() -> bytes:
            from gamehall_bridge.documents import build

            made: bytes = getattr(build, name)(served)
            return made

        return make

    json = b"application/json;charset=UTF-8"
    pages: dict[bytes, Page] = {
        b"/swagger-doc": SwaggerPage(document("swagger"), json, _REVALIDATED),
        b"/openapi.json": Page(document("openapi"), json, _REVALIDATED),
        # Relative: a deployment may stand behind a prefix.
        b"/swagger-ui": Moved(b"swagger-ui/"),
        b"/swagger-ui.html": Moved(b"swagger-ui/"),
    }
    for name, content_type in ASSETS.items():
        cache = _REVALIDATED if name == "index.html" else _KEPT
        pages[b"/swagger-ui/" + name.encode()] = Page(_reader(name), content_type, cache, [_POLICY])
    pages[b"/swagger-ui/"] = pages[b"/swagger-ui/index.html"]
    return pages


def _reader(name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        folder: Any = resources.files("gamehall_bridge.documents")
        found: bytes = folder.joinpath("ui", name).read_bytes()
        return found

    return read
