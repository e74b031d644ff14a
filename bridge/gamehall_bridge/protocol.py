"""uvicorn's HTTP/1.1, guarded: a head that is too long, or anything that comes too slowly, does not hold a connection."""

import asyncio
import contextlib
import math
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Generator
from enum import Enum
from functools import partial
from typing import Any, cast
from urllib.parse import unquote

import httptools
import uvicorn
from gamehall_server.kit.clock import request_id
from gamehall_server.kit.errors import Fault, Malformed
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gamehall_bridge.answers import ALWAYS, WHOLE, lines
from gamehall_bridge.app import HOLD, LARGEST_HEAD, head_too_large
from gamehall_bridge.binding import JSON
from gamehall_bridge.cycle import Cycle
from gamehall_bridge.errors import refusal
from gamehall_bridge.streams import Receive, Scope, Send

AUTHORITY = re.compile(rb"^(https?://)[^/?#]*", re.IGNORECASE)
HEAD_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 75
# As long as an overloaded server says in Retry-After.
HOLD_SECONDS = 1.0
# How long a client may leave an answer unread that is larger than the buffers.
UNREAD_SECONDS = 60.0
SLASH = b"/"
ASGI = {"version": "3.0", "spec_version": "2.3"}
# Requests that wait for the answer to one before them. One read may bring thousands, and each takes as much memory as a call.
MOST_PIPELINED = 100
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
# The whole answer to a call that is refused from its head alone; None for one that is not.
Refuse = Callable[[Scope], dict[str, Any] | None]
FRAMING = (b"content-length", b"transfer-encoding")


class Reading(Enum):
    """Which part of a request the next byte belongs to."""

    NOTHING = 0
    HEAD = 1
    BODY = 2


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Closes when a head, or the rest of a body that was answered already, does not arrive within ten seconds, and when
    nothing was asked for a while: one look a second over all connections sees to it, for less than a timer each.

    An upgrade to another protocol is not taken, and its request is answered like any other (RFC 9110 section 7.8).
    """

    # When the connection is closed, on the loop's clock.
    due = math.inf

    def __init__(self, *, turn_away: Refuse, **given: Any) -> None:
        super().__init__(**given)
        self._turn_away = turn_away

    def connection_made(self, transport: Any) -> None:
        """Called by the loop."""
        super().connection_made(transport)
        # Not the setting alone: uvicorn asks the loggers, and a target may hold secrets (query parameters of the token endpoint).
        self.access_log = False
        self._reading = Reading.NOTHING
        self._head_size = 0
        self._arrived = 0
        self._extensions: Any = {HOLD: self.hold, WHOLE: None}
        self._unread_timer: asyncio.TimerHandle | None = None
        self._held_until = -math.inf
        self._held = b""
        self._hurry()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._stop_unread_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Called by the loop when the client does not read what it asked for. Closing would wait for it; aborting does not."""
        super().pause_writing()
        self._stop_unread_timer()
        self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Called by the loop when it reads again."""
        super().resume_writing()
        self._stop_unread_timer()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._held_until > self.loop.time():
            self.flow.pause_reading()
            if not self._held:
                self.loop.call_at(self._held_until, self._heed)
            self._held += data
            return
        self._arrived = len(data)
        rest: bytes | None = data
        try:
            while rest is not None:
                rest = self._feed(rest)
        except httptools.HttpParserError:
            self._refuse(Malformed("The request is not HTTP/1.1."), 400)
            return
        if self._reading is Reading.HEAD:
            self._head_size += len(data)
            if self._head_size > LARGEST_HEAD * 2:
                self._refuse(head_too_large(), 431)
        elif self._reading is Reading.NOTHING and self._is_answered():
            # Line breaks between two requests are no reason to stay.
            self._hurry()

    def on_message_begin(self) -> None:
        """Called by the parser."""
        if self._reading is Reading.BODY:
            return
        if len(self.pipeline) >= MOST_PIPELINED:
            # The parser makes HttpParserError of this, and the connection closes.
            raise ValueError
        self._reading = Reading.HEAD
        # What came before the head with the same read is not counted.
        self._head_size = -self._arrived
        self._hurry()
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def hold(self) -> None:
        """Called by the bridge after it told a client to come back later. One that comes at once is not heard before: refusals alone
        could keep the server busy. One that waits as it was told costs nothing more."""
        self._held_until = self.loop.time() + HOLD_SECONDS

    def _heed(self) -> None:
        held, self._held = self._held, b""
        self._held_until = -math.inf
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self.data_received(held)

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        if self._reading is Reading.BODY:
            return
        version = self.parser.get_http_version()
        if version == "0.9":
            # A request line without its end: the parser makes HttpParserError of this.
            raise ValueError
        # The parser of addresses refuses hosts with an underscore, such as the guide's app_url. The host decides nothing here.
        target = httptools.parse_url(self.url if self.url[:1] == SLASH else AUTHORITY.sub(rb"\1host", self.url))
        path = target.path.decode("ascii")
        scope: Any = {
            "type": "http",
            "asgi": ASGI,
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": self.parser.get_method().decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": target.path,
            "query_string": target.query or b"",
            "root_path": "",
            "headers": self.headers,
            "extensions": self._extensions,
        }
        self.scope = scope
        earlier = self.cycle
        self.cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        self._reading = Reading.BODY
        self.due = math.inf
        # Trailers are no headers.
        self.headers = []
        if earlier is not None and not earlier.response_complete:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
            return
        # Whoever waits for a 100 may send no body after another status.
        refused = None if self.expect_100_continue or self.flow.write_paused else self._turn_away(scope)
        if refused is None:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.cycle.answer(refused)
            self.hold()

    def on_message_complete(self) -> None:
        """Called by the parser."""
        if self.parser.should_upgrade() and self._framing():
            return
        self._reading = Reading.NOTHING
        self.due = self.loop.time() + KEEP_ALIVE_SECONDS if self._is_answered() else math.inf
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called after each answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._reading is Reading.NOTHING:
            self.due = self.loop.time() + KEEP_ALIVE_SECONDS
        elif self._reading is Reading.BODY:
            self._hurry()

    def _feed(self, data: bytes) -> bytes | None:
        """Feeds the parser; gives what it left because it takes it for another protocol."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            if self._reading is Reading.BODY:
                # The parser left the body too; a new one has to be told its length.
                self.parser.feed_data(b"POST / HTTP/1.1\r\n" + self._framing() + b"\r\n")
            return data[upgrade.args[0] :]
        return None

    def _framing(self) -> bytes:
        return b"".join(name + b": " + value + b"\r\n" for name, value in self.scope["headers"] if name in FRAMING)

    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _refuse(self, fault: Fault, status: int) -> None:
        """Answers what is no request, and closes. Where the answer would be taken for that of another request, it only closes."""
        if self._is_answered() is (self._reading is not Reading.BODY) and not self.pipeline and not self.transport.is_closing():
            number = request_id()
            _, body, _ = refusal(fault, number, None, False, status)
            headers = [*self.server_state.default_headers, *ALWAYS, (b"x-request-id", number.encode()), (b"content-type", JSON)]
            headers += [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
            self.transport.write(b"".join([STATUS_LINE[status], lines(headers), b"\r\n", body]))
        self.transport.close()

    def _stop_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _hurry(self) -> None:
        self.due = min(self.due, self.loop.time() + HEAD_SECONDS)


class HttpServer(uvicorn.Server):
    """uvicorn that leaves signals to whoever runs it, and closes connections that are due."""

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in [found for found in self.server_state.connections if found.due <= now]:  # type: ignore[union-attr]
                connection.transport.close()
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Captures nothing."""
        yield


def listen(host: str, port: int, *, door: str = "HTTP", shared: bool = False) -> socket.socket:
    """A socket bound to an address; raises OSError with a sentence where it cannot be. `shared`: with other processes of this user."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(address)
    except OSError as error:
        raise OSError(f"port {port} cannot be opened for {door} on {host}: {error.strerror}") from error
    listening.set_inheritable(True)
    return listening


def _room_for_all(scope: Scope) -> None:
    """Refuses nothing."""


def http_server(
    bridge: Application, host: str, port: int, *, grace: float, tls: ssl.SSLContext | None = None, turn_away: Refuse = _room_for_all
) -> HttpServer:
    """An HTTP server for an application; `await serve()` runs it until `should_exit`. `grace`: seconds that calls under way get."""
    config = uvicorn.Config(
        bridge,
        host=host,
        port=port,
        http=cast(Any, partial(GuardedProtocol, turn_away=turn_away)),
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(grace)),
        backlog=4096,
        ssl_context_factory=None if tls is None else lambda *_: tls,
    )
    return HttpServer(config)


class Door:
    """An HTTP server on one socket. `port` is the one it has."""

    def __init__(self, server: HttpServer, listening: socket.socket) -> None:
        self._server = server
        self._socket = listening
        self.port: int = listening.getsockname()[1]

    async def start(self) -> None:
        """Opens the door."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started and not self._serving.done():  # noqa: ASYNC110  # uvicorn has a flag, no event.
            await asyncio.sleep(0.002)

    async def stop(self) -> None:
        """Lets calls under way end, and closes."""
        self._server.should_exit = True
        await self._serving
