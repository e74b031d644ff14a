"""Connect and gRPC-Web: the same RPCs at POST /package.Service/Method, in the protocols that browsers speak in place of gRPC.

Sources: the Connect protocol (connectrpc.com/docs/protocol) and gRPC's PROTOCOL-WEB.md. A call is a `Spoken` where REST has a Binding:
the bridge reads bodies, sets deadlines and meets bugs in one place for all of them. JSON here is protobuf's own, not the published one.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple
from urllib.parse import parse_qs, quote

import orjson
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall_server.kit.engines.status import LONGEST_TEXT, rich_status
from gamehall_server.kit.errors import Fault, Invalid, Malformed, NotFound, Violation
from gamehall_server.kit.invoke import Rpc
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.rpc import Answer
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from grpc import StatusCode

from gamehall_bridge.body import parse
from gamehall_bridge.errors import Headers, Refused, refusal
from gamehall_bridge.frames import END_STREAM, TRAILERS, frame, from_text, one_message
from gamehall_bridge.server_secrets import Carries, carrier

JSON = b"application/json"
ENDED_WELL = frame(TRAILERS, b"grpc-status: 0\r\n")
# A refusal of the HTTP layer has a code of its own here.
CODES = {
    404: StatusCode.UNIMPLEMENTED,
    408: StatusCode.DEADLINE_EXCEEDED,
    413: StatusCode.RESOURCE_EXHAUSTED,
    415: StatusCode.UNIMPLEMENTED,
}
STATUS = {
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.ABORTED: 409,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.INTERNAL: 500,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DEADLINE_EXCEEDED: 504,
    StatusCode.UNIMPLEMENTED: 501,
}
# protobuf's JSON reader names a field inside a field inside a field.
_INSIDE = re.compile(r"Failed to parse (\w+) field: ")
_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])")
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


class Tongue(NamedTuple):
    """One way to speak: whether messages are JSON, whether they stand in gRPC-Web's frames, whether those are base64, and whether they
    stand in the frames of Connect's streams."""

    content_type: bytes
    json: bool = False
    web: bool = False
    text: bool = False
    stream: bool = False


TONGUES = {
    JSON: Tongue(JSON, json=True),
    b"application/proto": Tongue(b"application/proto"),
    b"application/connect+json": Tongue(b"application/connect+json", json=True, stream=True),
    b"application/connect+proto": Tongue(b"application/connect+proto", stream=True),
    **dict.fromkeys((b"application/grpc-web", b"application/grpc-web+proto"), Tongue(b"application/grpc-web+proto", web=True)),
    **dict.fromkeys(
        (b"application/grpc-web-text", b"application/grpc-web-text+proto"), Tongue(b"application/grpc-web-text+proto", web=True, text=True)
    ),
}
ACCEPT_POST = (b"accept-post", b", ".join(TONGUES))


class Connect:
    """The door over the RPCs of the deployment."""

    def __init__(self, rpcs: dict[str, Rpc]) -> None:
        self._rpcs = rpcs

    def verbs(self, path: str) -> tuple[str, ...]:
        """How the RPC at a path may be called; nothing where there is none."""
        rpc = self._rpcs.get(path)
        return () if rpc is None else ("GET", "POST") if rpc.reads and not rpc.streams else ("POST",)

    def spoken(self, verb: str, path: str, content_type: bytes, headers: Iterable[tuple[bytes, bytes]]) -> "Spoken | None":
        """The call at a path where an RPC is. Elsewhere one that is refused, where its tongue shows that an RPC was meant; else None.
        `verb` is one of `verbs(path)`, if there are any. Raises Refused for a content type that nobody speaks."""
        rpc = self._rpcs.get(path)
        if verb == "GET":
            return None if rpc is None else Spoken(rpc, TONGUES[JSON], headers, get=True)
        tongue = TONGUES.get(content_type.partition(b";")[0].strip().lower())
        if rpc is None:
            return Spoken(None, tongue, headers) if tongue is not None and tongue is not TONGUES[JSON] and verb == "POST" else None
        if tongue is None or not (tongue.web or tongue.stream is rpc.streams):
            raise Refused(Malformed("The content type is none that an RPC can be called with."), 415, [ACCEPT_POST])
        return Spoken(rpc, tongue, headers)


class Spoken:
    """One call in one tongue."""

    status = 200
    # Of a stream: nothing stands before its first frame, and nothing breaks its silence.
    begins = beat = b""

    def __init__(self, rpc: Rpc | None, tongue: Tongue, headers: Iterable[tuple[bytes, bytes]], *, get: bool = False) -> None:
        self._rpc = rpc
        self._tongue = tongue
        self._get = get
        self._headers = dict(headers)
        self.has_body = not get
        self.oauth = rpc is not None and rpc.rules.oauth
        self.server_secrets = None if rpc is None else _carrier(rpc.descriptor.input_type)
        # Seconds that the client gives the call, known once it is read.
        self.seconds: float | None = None

    @property
    def rpc(self) -> Rpc:
        """The RPC; raises Refused where there is none."""
        if self._rpc is None:
            raise Refused(NotFound("There is no such method.", reason=ErrorReason.ERROR_REASON_NO_ROUTE), 404)
        return self._rpc

    @property
    def content_type(self) -> bytes:
        """Of an answer."""
        return self._tongue.content_type

    def read(self, values: tuple[str, ...], query: bytes, body: bytes, content_type: bytes) -> Message:
        """The request. Raises Malformed for what cannot be read, Invalid where a field is known to be at fault, Refused for what is
        not spoken."""
        rpc = self.rpc
        if self._headers.get(b"connect-protocol-version", b"1") != b"1":
            raise Invalid("must be 1", field="connect-protocol-version")
        self.seconds = self._seconds()
        if self._get:
            body = self._from_query(query)
        elif self._tongue.web or self._tongue.stream:
            body = one_message(from_text(body) if self._tongue.text else body)
        return _from_json(rpc, body) if self._tongue.json else from_bytes(rpc, body)

    def write(self, answer: Answer) -> bytes:
        """The body of an answer."""
        message = answer.message() if isinstance(answer, Rows) else answer
        payload = self._payload(message)
        return self._framed(frame(0, payload) + ENDED_WELL) if self._tongue.web else payload

    def message(self, message: Message) -> bytes:
        """One message of a stream."""
        return self._framed(frame(0, self._payload(message)))

    def end(self, fault: Fault | None, number: str) -> bytes:
        """The last frame of a stream."""
        if fault is not None:
            return self.refusal(fault, number, None)[1]
        return self._framed(ENDED_WELL if self._tongue.web else frame(END_STREAM, b"{}"))

    def _payload(self, message: Message) -> bytes:
        return orjson.dumps(json_format.MessageToDict(message)) if self._tongue.json else message.SerializeToString()

    def refusal(self, fault: Fault, number: str, status: int | None) -> tuple[int, bytes, Headers, bytes]:
        """Status, body, further headers and content type of a refusal; `status` is what the HTTP layer would say."""
        code = fault.status if status is None else CODES.get(status, fault.status)
        _, _, extra = refusal(fault, number, None, False)
        details = rich_status(fault)
        details.code = code.value[0]
        if self._tongue.web:
            told = quote(details.message, safe=" !#$&'()*+,/:;=?@[]~")
            packed = base64.b64encode(details.SerializeToString()).rstrip(b"=").decode()
            lines = f"grpc-status: {details.code}\r\ngrpc-message: {told}\r\ngrpc-status-details-bin: {packed}\r\n"
            return 200, self._framed(frame(TRAILERS, lines.encode())), extra, self.content_type
        shown = [
            {
                "type": detail.TypeName(),
                "value": base64.b64encode(detail.value).rstrip(b"=").decode(),
                "debug": {name: value for name, value in json_format.MessageToDict(detail).items() if name != "@type"},
            }
            for detail in details.details
        ]
        error = {"code": code.name.lower(), "message": fault.message[:LONGEST_TEXT], "details": shown}
        if self._tongue.stream:
            return 200, frame(END_STREAM, orjson.dumps({"error": error})), extra, self.content_type
        body = orjson.dumps(error)
        return 404 if status == 404 else STATUS[code], body, extra, JSON

    def _framed(self, frames: bytes) -> bytes:
        return base64.b64encode(frames) if self._tongue.text else frames

    def _from_query(self, query: bytes) -> bytes:
        """The message of a GET (Connect, Unary-Get-Request)."""
        try:
            given = {name: values[-1] for name, values in parse_qs(query.decode(), True, errors="strict", max_num_fields=20).items()}
        except ValueError:
            raise Malformed("The parameters cannot be read.") from None
        if given.get("compression", "identity") not in ("", "identity"):
            raise Refused(Malformed("The message must not be compressed."), 415)
        encoding = TONGUES.get(b"application/" + given.get("encoding", "").encode(errors="replace"))
        if encoding is None or encoding.web:
            raise Invalid("json or proto", field="encoding")
        if "message" not in given:
            raise Invalid("required", field="message")
        if given.get("connect", "v1") != "v1":
            raise Invalid("must be v1", field="connect")
        self._tongue = encoding
        message = given["message"]
        if given.get("base64") != "1":
            return message.encode()
        try:
            return base64.b64decode(message + "=" * (-len(message) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise Invalid("not base64", field="message") from None

    def _seconds(self) -> float | None:
        name = "grpc-timeout" if self._tongue.web else "connect-timeout-ms"
        given = self._headers.get(name.encode())
        if given is None:
            return None
        text = given.decode("latin-1")
        found = _TIMEOUT.fullmatch(text) if self._tongue.web else re.fullmatch(r"(\d{1,10})()", text)
        if found is None or not text.isascii():
            raise Invalid("not a time to wait", field=name)
        return int(found[1]) * _UNITS.get(found[2], 1e-3)


def from_bytes(rpc: Rpc, payload: bytes) -> Message:
    """A request from protobuf's binary form."""
    try:
        return rpc.request.FromString(payload)
    except DecodeError:
        raise Malformed(f"The request is not a {rpc.descriptor.input_type.full_name}.") from None


def _from_json(rpc: Rpc, body: bytes) -> Message:
    """A request from protobuf's own JSON form. Unknown keys are passed over, as gRPC passes over unknown fields."""
    request = rpc.request()
    value = parse(body)
    if value.__class__ is not dict:
        raise Malformed("The body must be a JSON object.")
    try:
        json_format.ParseDict(value, request, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        path = _INSIDE.findall(str(error))
        if not path:
            raise Malformed(f"The body is not a {rpc.descriptor.input_type.full_name}.") from None
        raise Invalid(violations=(Violation(".".join(path), "not a value of this field"),)) from None
    return request


_carrier: Callable[[Descriptor], Carries | None] = cache(carrier)
