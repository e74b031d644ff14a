"""The running server: both doors over one App, from start to graceful end."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial

import uvloop
from gamehall_bridge.app import Bridge
from gamehall_bridge.protocol import http_server, listen

from gamehall_server.admin import perform
from gamehall_server.beside import side_door
from gamehall_server.kit.engines import GrpcDoor
from gamehall_server.kit.errors import Fault
from gamehall_server.kit.invoke import App, Observe, unobserved
from gamehall_server.kit.kept import RENEW_SECONDS
from gamehall_server.main import Product, build
from gamehall_server.settings import Settings
from gamehall_server.tls import tls_of

log = logging.getLogger("gamehall.serve")
SWEEP_SECONDS = 600


class Running:
    """A server that answers: where its doors are, and how to end it."""

    def __init__(self, product: Product, http_port: int, grpc: GrpcDoor) -> None:
        self.product = product
        self.app: App = product.app
        self.http_port = http_port
        self.grpc_port = grpc.port
        self.engine = grpc.engine
        self.admin_password = product.admin_password


@contextlib.asynccontextmanager
async def running(settings: Settings, *, observe: Observe = unobserved) -> AsyncIterator[Running]:
    """Serves until the block ends; then refuses new calls, lets those under way end, and closes the database."""
    tls = tls_of(settings)
    product = await build(settings, observe=observe)
    try:
        origins = tuple(origin.strip() for origin in settings.cors_origins.split(",") if origin.strip())
        shared = settings.workers > 1
        grpc = GrpcDoor(product.app, settings.host, settings.grpc_port, settings.grpc_engine, tls and tls.for_grpc(), shared=shared)
        bridge = Bridge(product.app, origins=origins)
        http = http_server(bridge, settings.host, settings.http_port, grace=settings.grace_seconds, tls=tls and tls.for_http())
        listening = listen(settings.host, settings.http_port, shared=shared)
        await grpc.start()
        serving = asyncio.create_task(http.serve(sockets=[listening]))
        while not http.started and not serving.done():  # noqa: ASYNC110  # uvicorn has a flag, no event.
            await asyncio.sleep(0.002)
        spare_the_collector()
        chores = [asyncio.create_task(_sweep(product.app))]
        if product.database.dialect == "postgresql":
            chores.append(asyncio.create_task(_renew(product)))
        try:
            async with side_door(product.database, partial(perform, product)):
                yield Running(product, listening.getsockname()[1], grpc)
        finally:
            for chore in chores:
                chore.cancel()
            http.should_exit = True
            await asyncio.gather(grpc.stop(settings.grace_seconds), serving)
    finally:
        await product.close()


def spare_the_collector() -> None:
    """Takes everything made at start out of the garbage collector's sight, and lets it look less often: it took a tenth of a call.

    It does not look once more before: that takes longer than what it would find is worth. Calls leave no cycles behind; what does, such
    as a traceback, is still found.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 50)


async def _sweep(app: App) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await app.sweep()
        except Fault as fault:
            log.warning("sweep failed: %s", fault.message)


async def _renew(product: Product) -> None:
    """Other processes may write to a PostgreSQL database as well: what is kept in memory is read again and again."""
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            for kept in product.kept:
                await kept.renew(product.database.reader())
        except Fault as fault:
            log.warning("what is kept in memory was not renewed: %s", fault.message)


def serve(settings: Settings, started: Callable[[Running], None], *, lifeline: int | None = None) -> None:
    """Serves until SIGTERM or SIGINT, or until the other end of a pipe (`lifeline`) is closed."""

    async def until_told() -> None:
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told.set)
        if lifeline is not None:
            loop.add_reader(lifeline, told.set)
        async with running(settings) as server:
            started(server)
            await told.wait()

    uvloop.run(until_told())
