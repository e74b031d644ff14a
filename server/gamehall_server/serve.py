"""The running server: both doors over one App, from start to graceful end."""

import asyncio
import contextlib
import gc
import logging
import re
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

import uvloop
from gamehall_bridge.app import Bridge, Fixed, Invoker
from gamehall_bridge.files import Files
from gamehall_bridge.protocol import Door, http_server, listen

from gamehall_server.admin import perform
from gamehall_server.beside import side_door
from gamehall_server.kit.audit import MOST_TOGETHER, seal
from gamehall_server.kit.clock import request_id
from gamehall_server.kit.engines import GrpcDoor
from gamehall_server.kit.errors import Fault
from gamehall_server.kit.health import PATIENCE
from gamehall_server.kit.invoke import App, Arrival, Observe, unobserved
from gamehall_server.kit.kept import RENEW_SECONDS
from gamehall_server.main import Product, build
from gamehall_server.migrate import SQLITE
from gamehall_server.modules.access import POLL, sweep_attempts, sweep_revocations
from gamehall_server.modules.auth.issued import sweep_locations
from gamehall_server.modules.files import OwnFiles
from gamehall_server.modules.forwards import sweep_forwards
from gamehall_server.modules.users import sweep_resets
from gamehall_server.ops import METRICS, MetricsPage, OpsDoor, probes
from gamehall_server.servicers import served
from gamehall_server.settings import Settings
from gamehall_server.tls import Tls, tls_of

if TYPE_CHECKING:
    from gamehall_bridge.remote import Remote

T = TypeVar("T")
log = logging.getLogger("gamehall.serve")
SWEEP_SECONDS = 600
SEAL_SECONDS = 1.0
HEALTH = "/gamehall.platform.v1.PlatformService/GetHealth"


class Running:
    """A server that answers: where its doors are, and how to end it."""

    def __init__(self, product: Product, http_port: int, grpc: GrpcDoor, ops_port: int | None) -> None:
        self.product = product
        self.app: App = product.app
        self.http_port = http_port
        self.grpc_port = grpc.port
        self.ops_port = ops_port
        self.engine = grpc.engine
        self.admin_password = product.admin_password


class HttpDoor(Door):
    """One HTTP server on one port, in front of an App or of a server elsewhere. `shared`: with other processes of this user."""

    def __init__(
        self,
        app: Invoker,
        settings: Settings,
        pages: Mapping[bytes, Fixed],
        tls: Tls | None = None,
        *,
        shared: bool = False,
        files: OwnFiles | None = None,
    ) -> None:
        origins = tuple(origin.strip() for origin in settings.cors_origins.split(",") if origin.strip())
        bridge = Bridge(app, origins=origins, pages=pages)
        self.answered: Mapping[int, int] = bridge.answered
        context = tls and tls.for_http()
        whole = bridge if files is None else Files(bridge, *files)
        server = http_server(whole, settings.host, settings.http_port, grace=settings.grace_seconds, tls=context, turn_away=bridge.refused)
        super().__init__(server, listen(settings.host, settings.http_port, shared=shared))


@contextlib.asynccontextmanager
async def bridging(settings: Settings, target: str) -> AsyncIterator[HttpDoor]:
    """Serves HTTP alone, in front of the gRPC server at `target`, until the block ends. Its streams are ended, calls under way end."""
    from gamehall_bridge.remote import Remote

    tls = tls_of(settings)
    remote = Remote(target, [servicer.service for servicer in served(settings)], most_streams=settings.most_streams)
    door = HttpDoor(remote, settings, probes(lambda: _is_up(remote)), tls)
    await door.start()
    spare_the_collector()
    try:
        yield door
    finally:
        await asyncio.gather(remote.streams.end(0), door.stop())
        await remote.close()


async def _is_up(remote: "Remote") -> bool:
    """Whether the server elsewhere says that it is ready."""
    rpc = remote.rpcs[HEALTH]
    try:
        async with asyncio.timeout(PATIENCE):
            answer: Any = await remote.invoke(rpc, rpc.request(), Arrival(request_id(), "", "http"))
    except (Fault, TimeoutError):
        return False
    return bool(answer.status == "UP")


@contextlib.asynccontextmanager
async def running(settings: Settings, *, observe: Observe = unobserved) -> AsyncIterator[Running]:
    """Serves until the block ends; then refuses new calls, lets those under way end, and closes the database."""
    tls = tls_of(settings)
    product = await build(settings, observe=observe)
    try:
        looks = probes(product.health.look)
        ops = None
        if settings.ops_address:
            ops = OpsDoor(settings.ops_address, {**looks, METRICS: MetricsPage(product.metrics, product.app.clock)})
            await ops.start()
        shared = settings.workers > 1
        to_grpc = tls and tls.for_grpc()
        grpc = GrpcDoor(product.app, product.health, settings.host, settings.grpc_port, settings.grpc_engine, to_grpc, shared=shared)
        http = HttpDoor(product.app, settings, looks, tls, shared=shared, files=product.files)
        product.metrics.answered = http.answered
        await grpc.start()
        await http.start()
        product.dispatcher.start()
        spare_the_collector()
        chores = [asyncio.create_task(each) for each in (_sweep(product.app), _seal(product), product.views.run())]
        if product.database.dialect == "postgresql":
            # Before the doors answer for long: what is remembered is trusted no further than this has read.
            product.verifier.trusted_until = -inf
            chores += [asyncio.create_task(_renew(product)), asyncio.create_task(_watch(product))]
        try:
            async with side_door(product.database, partial(perform, product)):
                yield Running(product, http.port, grpc, None if ops is None else ops.port)
        finally:
            for chore in chores:
                chore.cancel()
            # First everybody who watches is told; then the doors close, and streams that do not know of the end are ended in half the time.
            product.health.end()
            await asyncio.sleep(settings.drain_seconds)
            await asyncio.gather(product.app.streams.end(settings.grace_seconds / 2), grpc.stop(settings.grace_seconds), http.stop())
            await product.dispatcher.stop(settings.grace_seconds)
            await product.views.keep()
            if ops is not None:
                # The last: operators may watch the end.
                await ops.stop()
    finally:
        await product.close()


@contextlib.asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """Hands on what the outbox has, and answers nobody, until the block ends."""
    product = await build(settings)
    try:
        product.dispatcher.start()
        spare_the_collector()
        renewing = asyncio.create_task(_renew(product))
        try:
            yield
        finally:
            renewing.cancel()
            await product.dispatcher.stop(settings.grace_seconds)
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
            for sweep in (sweep_revocations, sweep_attempts, sweep_locations, sweep_resets, sweep_forwards):
                await app.database.write(sweep)
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


async def _seal(product: Product) -> None:
    """Puts what the audit log has new into its chain. Of several processes one does it at a time."""
    while True:
        try:
            sealed = await seal(product.database, product.secrets)
        except Fault as fault:
            log.warning("the audit log was not sealed: %s", fault.message)
            sealed = 0
        if sealed < MOST_TOGETHER:
            await asyncio.sleep(SEAL_SECONDS)


async def _watch(product: Product) -> None:
    """Hears what other processes revoke."""
    while True:
        until = await product.revocations.renew(product.database.reader())
        if until is not None:
            product.verifier.trusted_until = until
        await asyncio.sleep(POLL)


def serve(settings: Settings, started: Callable[[Running], None], *, lifeline: int | None = None) -> None:
    """Serves until SIGTERM or SIGINT, or until the other end of a pipe (`lifeline`) is closed."""
    _until_told(running(settings), started, lifeline)


def work_alone(settings: Settings, started: Callable[[], None], *, before: Callable[[], None]) -> None:
    """Works until SIGTERM or SIGINT. `before` brings the database to its schema. Raises ValueError for a SQLite file."""
    if settings.database_url.startswith(SQLITE):
        raise ValueError("a SQLite file belongs to one process, which does this by itself: use PostgreSQL to work with several")
    before()
    _until_told(working(settings), lambda _: started())


def bridge(settings: Settings, target: str, started: Callable[[HttpDoor], None]) -> None:
    """Serves HTTP alone until SIGTERM or SIGINT. Raises ValueError for a target of another form than host:port."""
    if not re.fullmatch(r"[^\s/]+:\d{1,5}", target):
        raise ValueError("--target must be host:port")
    _until_told(bridging(settings, target), started)


def raise_open_files() -> None:
    """Lets this process have as many files open as the system allows it: a connection is one, and many shells allow 1,024 unless asked."""
    try:
        import resource
    except ImportError:
        return  # Windows has no such limit.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS says there is no limit, and then refuses to have none.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _until_told(serving: contextlib.AbstractAsyncContextManager[T], started: Callable[[T], None], lifeline: int | None = None) -> None:
    async def until_told() -> None:
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told.set)
        if lifeline is not None:
            loop.add_reader(lifeline, told.set)
        async with serving as server:
            started(server)
            await told.wait()

    raise_open_files()
    uvloop.run(until_told())
