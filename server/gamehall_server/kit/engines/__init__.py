"""gRPC engines behind one face: grpcio's own asyncio server, and pygrpc-native, whose HTTP/2 runs in Rust.

Both take the same handlers, reflection and health. `auto` takes the native one where its wheel is installed, and grpcio for TLS.
"""

from importlib import import_module
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from gamehall_server.kit.engines.grpcio import GrpcioServer
from gamehall_server.kit.engines.handlers import register
from gamehall_server.kit.engines.health import SERVICE, HealthServicer
from gamehall_server.kit.engines.native import MODULE, native_server
from gamehall_server.kit.health import Health
from gamehall_server.kit.invoke import App

ENGINES = ("auto", "grpcio", "native")
# A message may be somewhat larger than the JSON body it can come from (1 MiB).
LARGEST_MESSAGE = 4 * 1024 * 1024
OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.absolute_max_metadata_size", 16 * 1024),
    ("grpc.max_concurrent_streams", 100),
    # How many calls may be on their way to us. With grpcio's own 1000 a burst of streams ends in CANCELLED, which says neither why nor when
    # to come again; what is too much is for the App to say.
    ("grpc.server.max_pending_requests", 10_000),
    ("grpc.server.max_pending_requests_hard_limit", 20_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
]


class GrpcDoor:
    """One gRPC server on one port. `tls`: what it shows of itself and asks of clients; None for plain HTTP/2. `shared`: the port is
    shared with other processes of this user."""

    def __init__(
        self,
        app: App,
        health: Health,
        host: str,
        port: int,
        engine: str,
        tls: grpc.ServerCredentials | None = None,
        *,
        shared: bool = False,
    ) -> None:
        self.engine = _chosen(engine, tls is not None)
        options = [*OPTIONS, ("grpc.so_reuseport", int(shared))]

        server = _new_server(self.engine, app, options)
        services = register(app, server)
        listed = [*services, SERVICE, reflection.SERVICE_NAME]
        health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(health, app.streams, listed), server)
        reflection.enable_server_reflection(listed, server)
        address = f"{host}:{port}"
        try:
            self.port: int = server.add_insecure_port(address) if tls is None else server.add_secure_port(address, tls)
        except RuntimeError as error:
            raise OSError(f"port {port} cannot be opened for gRPC on {host}") from error
        self._server = server

    async def start(self) -> None:
        """Opens the door."""
        await self._server.start()

    async def stop(self, grace: float) -> None:
        """Lets calls under way end for `grace` seconds, and closes."""
        await self._server.stop(grace)


def _chosen(engine: str, tls: bool) -> str:
    if engine not in ENGINES:
        raise ValueError(f"unknown gRPC engine {engine!r}; choose from {', '.join(ENGINES)}")
    if tls and engine == "native":
        raise ValueError("the native gRPC engine has no TLS: choose grpcio or auto, or end TLS at a proxy in front")
    if tls:
        return "grpcio"
    if engine != "auto":
        return engine
    try:
        import_module(MODULE)
    except ImportError:
        return "grpcio"
    return "native"


def _new_server(engine: str, app: App, options: list[tuple[str, Any]]) -> Any:
    if engine == "native":
        return native_server(app, options)
    return GrpcioServer(options)
