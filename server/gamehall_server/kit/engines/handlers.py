"""The thin layer between a gRPC engine and `invoke`: metadata becomes an Arrival, bytes a request, a Fault a status.

It is a coroutine in place of an interceptor, because an interceptor costs the native engine a second server behind it and every call
a second hop. It reads the request itself: engines answer malformed bytes with INTERNAL, and that is our caller's fault.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Any, NamedTuple

import grpc
from google.protobuf.message import DecodeError, Message

from gamehall_server.kit.call import Arrival
from gamehall_server.kit.clock import request_id
from gamehall_server.kit.current import TRACEPARENT
from gamehall_server.kit.engines.status import LONGEST_TEXT, REQUEST_ID, trailers
from gamehall_server.kit.errors import Fault, Malformed
from gamehall_server.kit.invoke import App
from gamehall_server.kit.proxies import HEADER, of_peer
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.rpc import Rpc

REPLAYED = "idempotent-replayed"
Metadata = list[tuple[str, str | bytes]]


class Reply(NamedTuple):
    """How a call ended. `code` is None for an answer, else the number of the gRPC status."""

    payload: bytes
    trailers: Metadata
    code: int | None = None
    message: str = ""
    status: Any = None


async def serve_unary(app: App, rpc: Rpc, payload: bytes, metadata: Iterable[tuple[str, str | bytes]], peer: str) -> Reply:
    """One call from bytes to bytes. Raises nothing but CancelledError."""
    arrival = _arrival(metadata, peer)
    try:
        answer = await app.invoke(rpc, _request(rpc, payload), arrival)
        if isinstance(answer, Rows):
            answer = answer.message()
    except Fault as fault:
        return _refused(fault, arrival)
    told: Metadata = [(REQUEST_ID, arrival.request_id)]
    if arrival.replayed:
        told.append((REPLAYED, "true"))
    return Reply(answer.SerializeToString(), told)


async def serve_stream(
    app: App,
    rpc: Rpc,
    payload: bytes,
    metadata: Iterable[tuple[str, str | bytes]],
    peer: str,
    opened: Callable[[tuple[tuple[str, str | bytes], ...]], Awaitable[None]],
    send: Callable[[bytes], Awaitable[None]],
) -> Reply:
    """One stream: `opened` is told when nothing speaks against it, then `send` is given message by message. Gives how it ended."""
    arrival = _arrival(metadata, peer)
    told: Metadata = [(REQUEST_ID, arrival.request_id)]
    try:
        async with aclosing(await app.open(rpc, _request(rpc, payload), arrival)) as messages:
            await opened(tuple(told))
            async for message in messages:
                await send(message.SerializeToString())
    except Fault as fault:
        return _refused(fault, arrival)
    return Reply(b"", told)


def _arrival(metadata: Iterable[tuple[str, str | bytes]], peer: str) -> Arrival:
    arrival = Arrival(request_id(), of_peer(peer), "grpc")
    for key, value in metadata:
        if key == "authorization":
            arrival.authorization = str(value)
        elif key == "idempotency-key":
            arrival.idempotency_key = str(value)
        elif key == TRACEPARENT:
            arrival.trace = str(value)
        elif key == HEADER:
            arrival.forwarded = str(value) if arrival.forwarded is None else f"{arrival.forwarded},{value!s}"
    return arrival


def _request(rpc: Rpc, payload: bytes) -> Message:
    try:
        return rpc.request.FromString(payload)
    except DecodeError:
        raise Malformed(f"The request is not a {rpc.descriptor.input_type.full_name}.") from None


def _refused(fault: Fault, arrival: Arrival) -> Reply:
    return Reply(b"", trailers(fault, arrival.request_id), fault.status.value[0], fault.message[:LONGEST_TEXT], fault.status)


def handler_of(app: App, rpc: Rpc) -> Any:
    """grpcio's handler of one RPC. Takes and gives bytes."""

    async def ended(reply: Reply, context: Any) -> bytes:
        if reply.code is not None:
            await context.abort(reply.status, reply.message, tuple(reply.trailers))
        context.set_trailing_metadata(tuple(reply.trailers))
        return reply.payload

    async def unary(payload: bytes, context: Any) -> bytes:
        return await ended(await serve_unary(app, rpc, payload, context.invocation_metadata(), context.peer()), context)

    async def stream(payload: bytes, context: Any) -> None:
        given = context.invocation_metadata(), context.peer(), context.send_initial_metadata, context.write
        await ended(await serve_stream(app, rpc, payload, *given), context)

    if rpc.streams:
        return grpc.unary_stream_rpc_method_handler(stream)
    return grpc.unary_unary_rpc_method_handler(unary)


def register(app: App, server: Any) -> list[str]:
    """Registers every RPC at an engine; gives the names of the services."""
    services: dict[str, dict[str, Any]] = {}
    for rpc in app.rpcs.values():
        service = rpc.descriptor.containing_service.full_name
        services.setdefault(service, {})[rpc.descriptor.name] = handler_of(app, rpc)
    for name, handlers in services.items():
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
        server.add_registered_method_handlers(name, handlers)
    return list(services)
