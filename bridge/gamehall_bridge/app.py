"""The bridge: raw ASGI, in process. Finds the route, reads the request, invokes, writes the answer."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall_server.kit.clock import request_id
from gamehall_server.kit.errors import Fault, Internal, Invalid, Malformed, NotFound, TimedOut
from gamehall_server.kit.invoke import Arrival, Rpc
from gamehall_server.kit.rpc import Answer
from google.protobuf.message import Message

from gamehall_bridge import web
from gamehall_bridge.answers import ALWAYS, LASTING, send_answer, whole
from gamehall_bridge.binding import JSON, Binding
from gamehall_bridge.connect import Connect, Spoken
from gamehall_bridge.cors import Cors
from gamehall_bridge.deadlines import Deadlines
from gamehall_bridge.documents import pages_of
from gamehall_bridge.documents.pages import Answer as PageAnswer
from gamehall_bridge.documents.pages import Head as PageHead
from gamehall_bridge.errors import Headers, Refused, refusal
from gamehall_bridge.head import Head
from gamehall_bridge.routes import Match, Routes, routes_of, shows_page
from gamehall_bridge.streams import Events, Receive, Scope, Send, send_stream

log = logging.getLogger("gamehall.bridge")
LARGEST_BODY = 1024 * 1024
LARGEST_HEAD = 16 * 1024
BODY_SECONDS = 10.0
CALL_SECONDS = 30.0
# The name under which a connection offers not to be read for a while.
HOLD = "gamehall.hold"


class Invoker(Protocol):
    """What the bridge stands in front of."""

    rpcs: dict[str, Rpc]

    @property
    def refuse(self) -> Callable[[Rpc, Arrival], Fault] | None:
        """How any call is refused now; None while there is room."""
        ...

    async def invoke(self, rpc: Rpc, request: Message, arrival: Arrival) -> Answer:
        """Answers one call; raises Fault."""
        ...

    async def open(self, rpc: Rpc, request: Message, arrival: Arrival) -> AsyncGenerator[Message, None]:
        """Begins a server stream; raises Fault, and so may the messages."""
        ...


class Fixed(Protocol):
    """A page at a path of its own, beside the routes of the contract."""

    async def answer(self, head: PageHead, scheme: bytes) -> PageAnswer:
        """Status, body, headers and content type."""
        ...


class Gone(Exception):
    """The client left before its request was whole. Nobody is there to answer."""


class Bridge:
    """The ASGI application over an App."""

    def __init__(
        self,
        app: Invoker,
        *,
        origins: tuple[str, ...] = (),
        largest_body: int = LARGEST_BODY,
        pages: Mapping[bytes, Fixed] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._cors = Cors(origins)
        self._largest_body = largest_body
        self._routes = Routes(route for rpc in app.rpcs.values() for route in routes_of(rpc))
        self._connect = Connect(app.rpcs)
        self._pages: dict[bytes, Fixed] = {**pages_of(app.rpcs.values()), **pages}
        # Answers by status: also those that never came to a call.
        self.answered: defaultdict[int, int] = defaultdict(int)
        self._deadlines = Deadlines()
        self._bindings: dict[tuple[str, str], Binding] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = Head(scope["headers"])
        number = request_id()
        binding: Binding | Spoken | None = None
        sent = b""
        arrival: Arrival | None = None
        messages: AsyncGenerator[Message, None] | None = None
        deadline = self._deadlines.start(BODY_SECONDS)
        cors = self._cors.headers(head.origin)
        always = ALWAYS
        overloaded = False
        extra: Headers
        try:
            if scope["method"] == "OPTIONS":
                status, body, extra, content_type = self._options(scope, head)
                cors = []
            elif scope["raw_path"] in self._pages:
                status, body, extra, content_type = await self._page(scope)
                always = LASTING
            else:
                binding, match = self._find(scope, head)
                if isinstance(binding, Binding) and binding.page:
                    # Nobody's script has a say at the login page (RFC 9700 section 2.6).
                    cors = []
                    if scope["method"] == "POST":
                        web.check_sender(head.headers)
                if binding.server_secrets is not None:
                    # Until the request is known to carry no secret of a server, no page may read the answer.
                    cors = self._cors.withheld
                sent = await self._body(binding, head, receive)
                request = binding.read(match.values, scope["query_string"], sent, head.content_type)
                if binding.server_secrets is not None and not self._carries_secret(binding, request, head):
                    cors = self._cors.headers(head.origin)
                arrival = _arrival(scope, head, number)
                deadline.at += CALL_SECONDS
                if isinstance(binding, Spoken) and binding.seconds is not None:
                    self._deadlines.shorten(deadline, binding.seconds)
                if binding.rpc.streams:
                    messages = await self._app.open(binding.rpc, request, arrival)
                    status, body, content_type = 200, b"", b""
                else:
                    answer = await self._app.invoke(binding.rpc, request, arrival)
                    status, body, content_type = binding.status, binding.write(answer), binding.content_type
                extra = [(b"idempotent-replayed", b"true")] if arrival.replayed else []
                if messages is None and isinstance(binding, Binding) and binding.page:
                    status, body, extra = web.written(getattr(answer, binding.route.response_body))
                    content_type = web.HTML
        except Gone:
            return
        except (Fault, Refused) as problem:
            # A server elsewhere has its own number of the call.
            number = number if arrival is None else arrival.request_id
            status, body, extra, content_type = self._refusal(problem, number, binding, head, sent)
            # One that may not try again yet waits alone: its connection may be a proxy's, and carry others.
            overloaded = isinstance(problem, Fault) and problem.reason == ErrorReason.ERROR_REASON_OVERLOADED
        except asyncio.CancelledError:
            if not deadline.passed:
                raise
            deadline.task.uncancel()
            late = Refused(TimedOut("The body did not arrive in time."), 408) if arrival is None else TimedOut()
            status, body, extra, content_type = self._refusal(late, number, binding, head, sent)
        except Exception:
            log.exception("bug in the bridge, request %s", number)
            status, body, extra, content_type = self._refusal(Internal(), number, binding, head, sent)
        finally:
            self._deadlines.end(deadline)
        self.answered[status] += 1
        number = number if arrival is None else arrival.request_id
        extra = [*extra, *cors, (b"x-request-id", number.encode())]
        if messages is None:
            await send_answer(scope, send, status, body, content_type, always, extra)
            if overloaded and HOLD in scope.get("extensions", ()):
                scope["extensions"][HOLD]()
        else:
            await self._send_stream(scope, receive, send, extra, binding, messages, number)

    def refused(self, scope: Scope) -> dict[str, Any] | None:
        """The whole answer to a call that there is no room for, from its head alone: under overload most of a refusal's price is the
        body and the task that reads it. None where there is room, or where more than the head decides what is answered."""
        refuse = self._app.refuse
        if refuse is None or scope["method"] == "OPTIONS" or scope["raw_path"] in self._pages:
            return None
        head = Head(scope["headers"])
        try:
            binding, _ = self._find(scope, head)
            arrival = _arrival(scope, head, request_id())
        except (Fault, Refused):
            return None
        if binding.rpc.streams or binding.server_secrets is not None or binding.oauth or (isinstance(binding, Binding) and binding.page):
            return None
        status, body, extra, content_type = self._refusal(refuse(binding.rpc, arrival), arrival.request_id, binding, head, b"")
        self.answered[status] += 1
        extra = [*extra, *self._cors.headers(head.origin), (b"x-request-id", arrival.request_id.encode())]
        return whole(scope, status, body, content_type, ALWAYS, extra)

    async def _send_stream(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        extra: Headers,
        binding: Binding | Spoken | None,
        messages: AsyncGenerator[Message, None],
        number: str,
    ) -> None:
        """Its time is the client's to end: no deadline of ours holds."""
        assert binding is not None
        form, seconds = (binding, binding.seconds) if isinstance(binding, Spoken) else (Events(binding), None)
        head = scope["method"] == "HEAD"
        await send_stream(receive, send, [*ALWAYS, *extra], form, messages, number, seconds, head=head)

    def _find(self, scope: Scope, head: Head) -> tuple[Binding | Spoken, Match]:
        verb = scope["method"]
        path = scope["raw_path"].decode("latin-1")
        if head.size + len(path) + len(scope["query_string"]) > LARGEST_HEAD:
            raise Refused(head_too_large(), 431)
        verb = "GET" if verb == "HEAD" else verb
        match = self._routes.find(verb, path)
        route = match.route
        if route is None:
            # No binding has the form of an RPC's own path, so REST is asked first.
            allowed = match.allowed or self._connect.verbs(path)
            spoken = self._connect.spoken(verb, path, head.content_type, scope["headers"]) if not allowed or verb in allowed else None
            if spoken is None:
                raise _no_route(scope["method"], scope["path"], allowed)
            return spoken, match
        binding = self._bindings.get((route.verb, route.path))
        if binding is None:
            binding = self._bindings[route.verb, route.path] = Binding(route)
        return binding, match

    async def _page(self, scope: Scope) -> tuple[int, bytes, Headers, bytes]:
        if scope["method"] not in ("GET", "HEAD"):
            raise _no_route(scope["method"], scope["path"], ("GET",))
        return await self._pages[scope["raw_path"]].answer(dict(scope["headers"]), scope.get("scheme", "http").encode())

    async def _body(self, binding: Binding | Spoken, head: Head, receive: Receive) -> bytes:
        if not binding.has_body:
            return b""
        if head.content_encoding.lower() not in (b"", b"identity"):
            raise Refused(Malformed("The body must not be compressed."), 415)
        if head.content_type[:10].lower() == b"multipart/":
            raise Refused(Malformed("The body must not be multipart."), 415)
        if head.content_length:
            if not head.content_length.isdigit():
                raise Malformed("The content-length is not a number.")
            if len(head.content_length) > 18 or int(head.content_length) > self._largest_body:
                raise self._body_too_large()
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            part = message.get("body", b"")
            size += len(part)
            if size > self._largest_body:
                raise self._body_too_large()
            parts.append(part)
            if not message.get("more_body"):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    def _body_too_large(self) -> Refused:
        return Refused(_too_large(f"The body is larger than {self._largest_body} bytes."), 413)

    def _options(self, scope: Scope, head: Head) -> tuple[int, bytes, Headers, bytes]:
        path = scope["raw_path"].decode("latin-1")
        verbs = ("GET",) if scope["raw_path"] in self._pages else self._routes.find("OPTIONS", path).allowed or self._connect.verbs(path)
        if not verbs:
            raise _no_route("OPTIONS", scope["path"], ())
        verbs = tuple(sorted({*verbs, "OPTIONS", *(("HEAD",) if "GET" in verbs else ())}))
        shown = self._routes.find("GET", path).route
        allow = (b"allow", ", ".join(verbs).encode())
        asks = head.preflight_for is not None and not (shown and shows_page(shown))
        return 204, b"", [allow, *(self._cors.preflight(head.origin, verbs) if asks else [])], JSON

    def _carries_secret(self, binding: Binding | Spoken, request: Message, head: Head) -> bool:
        """Whether a call proves a server's identity: such an answer is never a browser's business."""
        named = binding.oauth and head.authorization is not None
        return named or (binding.server_secrets is not None and binding.server_secrets(request))

    def _refusal(
        self, problem: Exception, number: str, binding: Binding | Spoken | None, head: Head, sent: bytes
    ) -> tuple[int, bytes, Headers, bytes]:
        wanted: int | None = None
        headers: Headers = []
        if isinstance(problem, Refused):
            fault, wanted, headers = problem.fault, problem.status, problem.headers
        else:
            fault = problem if isinstance(problem, Fault) else TimedOut()
        if isinstance(binding, Spoken):
            status, body, extra, content_type = binding.refusal(fault, number, wanted)
        else:
            basic = head.authorization is not None and head.authorization[:6].lower() == b"basic "
            status, body, extra = refusal(fault, number, binding, basic, wanted, sent)
            content_type = JSON
            if binding is not None and binding.page and web.read_by_person(head.headers):
                (body, more), content_type = web.refused(status, fault, number), web.HTML
                extra = [*extra, *more]
        return status, body, [*extra, *headers], content_type


def _arrival(scope: Scope, head: Head, number: str) -> Arrival:
    client = scope.get("client")
    authorization, key = _ascii(head.authorization, "Authorization"), _ascii(head.key, "Idempotency-Key")
    forwarded = None if head.forwarded is None else head.forwarded.decode("latin-1")
    trace = None if head.trace is None else head.trace.decode("latin-1")
    return Arrival(number, client[0] if client else "", "http", authorization, key, forwarded=forwarded, trace=trace)


def _ascii(value: bytes | None, name: str) -> str | None:
    if value is None:
        return None
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise Invalid("must be ASCII", field=name) from None


def head_too_large() -> Invalid:
    """The refusal of a request whose address and headers are too long."""
    return _too_large(f"Address and headers are larger than {LARGEST_HEAD} bytes.")


def _too_large(message: str) -> Invalid:
    return Invalid(message, reason=ErrorReason.ERROR_REASON_TOO_LARGE)


def _no_route(verb: str, path: str, allowed: tuple[str, ...]) -> Refused:
    if not allowed:
        return Refused(NotFound(f"No operation at {path[:200]}.", reason=ErrorReason.ERROR_REASON_NO_ROUTE), 404)
    names = sorted({*allowed, "OPTIONS", *(("HEAD",) if "GET" in allowed else ())})
    fault = Invalid(f"{verb[:20]} is not allowed here.", reason=ErrorReason.ERROR_REASON_WRONG_METHOD)
    return Refused(fault, 405, [(b"allow", ", ".join(names).encode())])
