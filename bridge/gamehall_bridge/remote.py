"""The seam to a server elsewhere: what `invoke` does in process, a gRPC channel does here.

A token, an Idempotency-Key and the caller's address travel as metadata; a refusal comes back as the Fault it was, by the details that every
Gamehall server sends (kit/engines/status.py), so that both ways are told alike. What has no details was said by gRPC itself.
"""

import logging
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import grpc
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall_server.kit.current import TRACEPARENT
from gamehall_server.kit.engines.handlers import REPLAYED
from gamehall_server.kit.engines.status import DETAILS, DOMAIN, REQUEST_ID
from gamehall_server.kit.errors import Fault, Internal, Invalid, NotFound, TimedOut, Unavailable, Violation
from gamehall_server.kit.invoke import Arrival, Rpc
from gamehall_server.kit.proxies import HEADER
from gamehall_server.kit.streams import Streams
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from grpc import StatusCode

log = logging.getLogger("gamehall.bridge")
# A server takes so many calls at once from one connection.
CALLS_PER_CHANNEL = 100
FAULTS: dict[StatusCode, type[Fault]] = {fault.status: fault for fault in Fault.__subclasses__()}
_REASON = "ERROR_REASON_"
_OPTIONS = [
    # A server that comes back is found soon.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # The server bounds its own answers.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.absolute_max_metadata_size", 32 * 1024),
    # Else channels to one address share one connection, and its bound.
    ("grpc.use_local_subchannel_pool", 1),
]


class _Line:
    """One channel, and how many calls are on it."""

    def __init__(self, target: str, rpcs: Iterable[Rpc]) -> None:
        self.channel = grpc.aio.insecure_channel(target, options=_OPTIONS)
        self.calls = {rpc.name: self._call_of(rpc) for rpc in rpcs}
        self.busy = 0

    def _call_of(self, rpc: Rpc) -> Any:
        kind = self.channel.unary_stream if rpc.streams else self.channel.unary_unary
        return kind(rpc.name, request_serializer=rpc.request.SerializeToString, response_deserializer=rpc.response.FromString)


class Remote:
    """The RPCs of these services on the server at `target`, for a Bridge. `invoke` and `open` raise Fault and nothing else."""

    # How many calls there is room for is the server's to say.
    refuse = None

    def __init__(self, target: str, services: Iterable[ServiceDescriptor], *, most_streams: int = 10_000) -> None:
        made = [Rpc(method) for service in services for method in service.methods]
        self.rpcs = {rpc.name: rpc for rpc in made}
        self.streams = Streams(most_streams)
        self._target = target
        self._lines: list[_Line] = []

    async def close(self) -> None:
        """Ends every connection."""
        for line in self._lines:
            await line.channel.close()

    async def invoke(self, rpc: Rpc, request: Message, arrival: Arrival) -> Message:
        """The server's answer to one call."""
        with self._line() as line, _faults(rpc, arrival):
            call = line.calls[rpc.name](request, metadata=_metadata(arrival))
            answer: Message = await call
            told = dict(await call.trailing_metadata())
            arrival.request_id = str(told.get(REQUEST_ID, arrival.request_id))
            arrival.replayed = REPLAYED in told
            return answer

    async def open(self, rpc: Rpc, request: Message, arrival: Arrival) -> AsyncGenerator[Message, None]:
        """Begins a server stream. Close what it gives."""
        self.streams.enter()
        messages = self._follow(rpc, request, arrival)
        # Begun, so that it ends as it should however early it is closed.
        await anext(messages)
        return messages  # type: ignore[return-value]  # Only its first word is no message.

    async def _follow(self, rpc: Rpc, request: Message, arrival: Arrival) -> AsyncGenerator[Message | None, None]:
        try:
            with self._line() as line, _faults(rpc, arrival):
                call = line.calls[rpc.name](request, metadata=_metadata(arrival))
                try:
                    # A server that refuses sends no head, and what is read then is the refusal.
                    head = dict(await call.initial_metadata())
                    if REQUEST_ID not in head:
                        await call.read()
                    arrival.request_id = str(head.get(REQUEST_ID, arrival.request_id))
                    yield None
                    async with aclosing(self.streams.follow(_messages(call), _still_allowed)) as messages:
                        async for message in messages:
                            yield message
                finally:
                    call.cancel()
        finally:
            self.streams.leave()

    @contextmanager
    def _line(self) -> Iterator[_Line]:
        line = next((line for line in self._lines if line.busy < CALLS_PER_CHANNEL), None)
        if line is None:
            line = _Line(self._target, self.rpcs.values())
            self._lines.append(line)
        line.busy += 1
        try:
            yield line
        finally:
            line.busy -= 1


async def _messages(call: Any) -> AsyncGenerator[Message, None]:
    while (message := await call.read()) is not grpc.aio.EOF:
        yield message


async def _still_allowed() -> None:
    """The server looks after tokens itself."""


def _metadata(arrival: Arrival) -> list[tuple[str, str]]:
    address = arrival.address if arrival.forwarded is None else f"{arrival.forwarded},{arrival.address}"
    told = [
        (HEADER, address),
        ("authorization", arrival.authorization),
        ("idempotency-key", arrival.idempotency_key),
        (TRACEPARENT, arrival.trace),
    ]
    return [(name, _plain(value)) for name, value in told if value is not None]


def _plain(value: str) -> str:
    """What metadata may hold. HTTP lets more through, in which no token and no key is good."""
    return value if value.isascii() and value.isprintable() else "".join(c if " " <= c <= "~" else "?" for c in value)


@contextmanager
def _faults(rpc: Rpc, arrival: Arrival) -> Iterator[None]:
    """Raises what gRPC raises as the Fault it is."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        told = dict(error.trailing_metadata() or ())
        arrival.request_id = str(told.get(REQUEST_ID, arrival.request_id))
        raise _fault(rpc, error, told.get(DETAILS)) from None


def _fault(rpc: Rpc, error: grpc.aio.AioRpcError, details: Any) -> Fault:
    try:
        status = Status.FromString(details or b"")
    except DecodeError:
        status = Status()
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    unpacked = [detail.Unpack(kind) for detail in status.details for kind in (info, bad, retry)]
    if not any(unpacked) or info.domain != DOMAIN:
        return _of_grpc(rpc, error)
    reasons = ErrorReason.DESCRIPTOR.values_by_name
    name = _REASON + info.reason
    return FAULTS.get(error.code(), Internal)(
        status.message,
        # A newer server may know reasons that this bridge does not.
        reason=reasons[name].number if name in reasons else None,
        violations=tuple(Violation(violation.field, violation.description) for violation in bad.field_violations),
        retry_after=retry.retry_delay.ToMilliseconds() / 1000 if any(detail.Is(retry.DESCRIPTOR) for detail in status.details) else None,
    )


def _of_grpc(rpc: Rpc, error: grpc.aio.AioRpcError) -> Fault:
    """What the transport says. Its own words name addresses, which are nobody's business."""
    code = error.code()
    if code is StatusCode.UNIMPLEMENTED:
        return NotFound("The server does not have this operation.", reason=ErrorReason.ERROR_REASON_NO_ROUTE)
    if code is StatusCode.RESOURCE_EXHAUSTED:
        return Invalid("The request is larger than the server takes.", reason=ErrorReason.ERROR_REASON_TOO_LARGE)
    if code is StatusCode.DEADLINE_EXCEEDED:
        return TimedOut()
    log.warning("%s: %s %s", rpc.name, code, error.details())
    return Unavailable() if code in (StatusCode.UNAVAILABLE, StatusCode.CANCELLED) else Internal()
