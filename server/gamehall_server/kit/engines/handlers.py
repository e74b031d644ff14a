"""The thin layer between a gRPC engine and `invoke`: metadata becomes an Arrival, bytes a request, a Fault a status.

It is one coroutine per RPC in place of an interceptor, because an interceptor costs the native engine a second server behind it and
every call a second hop. It reads the request itself: engines answer malformed bytes with INTERNAL, and that is our caller's fault.
"""

from typing import Any

import grpc
from google.protobuf.message import DecodeError

from gamehall_server.kit.call import Arrival
from gamehall_server.kit.clock import request_id
from gamehall_server.kit.engines.status import REQUEST_ID, trailers
from gamehall_server.kit.errors import Fault, Malformed
from gamehall_server.kit.invoke import App
from gamehall_server.kit.rpc import Rpc

REPLAYED = "idempotent-replayed"


def handler_of(app: App, rpc: Rpc) -> Any:
    """The engine's handler of one RPC. Takes and gives bytes."""
    parse = rpc.request.FromString
    invoke = app.invoke

    async def unary(payload: bytes, context: Any) -> bytes | None:
        arrival = Arrival(request_id=request_id(), address=context.peer(), door="grpc")
        for key, value in context.invocation_metadata():
            if key == "authorization":
                arrival.authorization = value
            elif key == "idempotency-key":
                arrival.idempotency_key = value
        try:
            try:
                request = parse(payload)
            except DecodeError:
                raise Malformed(f"The request is not a {rpc.descriptor.input_type.full_name}.") from None
            answer = await invoke(rpc, request, arrival)
        except Fault as fault:
            await context.abort(fault.status, fault.message, trailers(fault, arrival.request_id))
            return None
        if arrival.replayed:
            context.set_trailing_metadata(((REQUEST_ID, arrival.request_id), (REPLAYED, "true")))
        else:
            context.set_trailing_metadata(((REQUEST_ID, arrival.request_id),))
        return answer.SerializeToString()

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
