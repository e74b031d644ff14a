"""grpc.health.v1 over the deployment's health: the whole (""), and each service by its name."""

from collections.abc import Iterable
from contextlib import aclosing
from typing import Any

import grpc
from grpc_health.v1 import health_pb2 as pb
from grpc_health.v1 import health_pb2_grpc

from gamehall_server.kit.errors import Fault
from gamehall_server.kit.health import Health
from gamehall_server.kit.streams import Streams

SERVICE: str = pb.DESCRIPTOR.services_by_name["Health"].full_name
STATUS = {True: pb.HealthCheckResponse.SERVING, False: pb.HealthCheckResponse.NOT_SERVING}


class HealthServicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # The library has no types.
    """grpc.health.v1.Health. The services of a deployment have one database and so one state."""

    def __init__(self, health: Health, streams: Streams, services: Iterable[str]) -> None:
        self._health = health
        self._streams = streams
        self._services = frozenset(["", SERVICE, *services])

    async def Check(self, request: Any, context: Any) -> Any:
        """The state now; NOT_FOUND for a service that is not here."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such service.")
        return pb.HealthCheckResponse(status=STATUS[await self._health.look()])

    async def Watch(self, request: Any, context: Any) -> None:
        """The state and its changes, to the end of the server; for a service that is not here SERVICE_UNKNOWN, which does not change."""
        try:
            self._streams.enter()
        except Fault as fault:
            await context.abort(fault.status, fault.message)
        try:
            known = request.service in self._services
            if not known:
                await context.write(pb.HealthCheckResponse(status=pb.HealthCheckResponse.SERVICE_UNKNOWN))
            async with aclosing(self._health.watch()) as states:
                async for serving in states:
                    if known:
                        await context.write(pb.HealthCheckResponse(status=STATUS[serving]))
        finally:
            self._streams.leave()
