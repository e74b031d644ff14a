"""Several processes on the same two ports, over one PostgreSQL: `gamehall serve --workers N`.

The kernel shares connections out among them (SO_REUSEPORT). This process answers nothing: it starts the others, puts a new one in the
place of one that dies, and ends when it is told to, after all of them. Each is a process of its own from its first line on, so nothing
that must be unique, such as request ids, is copied. Numbers of rows come from the database in blocks.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import asdict, replace

import msgspec
from gamehall_bridge.protocol import listen

from gamehall_server.migrate import SQLITE
from gamehall_server.ops import of_workers
from gamehall_server.serve import Running
from gamehall_server.serve import serve as serve_alone
from gamehall_server.settings import PREFIX, Settings

log = logging.getLogger("gamehall.workers")
COMMAND = (sys.executable, "-m", "gamehall_server", "serve-worker")
# In seconds: the pause before a dead worker's successor. It doubles with each death that follows a short life.
FIRST_PAUSE, LONGEST_PAUSE, SHORT_LIFE = 0.1, 10.0, 60.0
# What a worker gets beyond its own grace, before it is ended by force.
BEYOND_GRACE = 10.0


class Doors(msgspec.Struct):
    """What a worker tells of itself once it answers."""

    http_port: int
    grpc_port: int
    engine: str
    ops_port: int | None = None
    admin_password: str | None = None


def work(settings: Settings) -> None:
    """One worker: serves until it is told to end, or until its supervisor is no more."""

    def tell(server: Running) -> None:
        doors = Doors(server.http_port, server.grpc_port, server.engine, server.ops_port, server.admin_password)
        os.write(sys.stdout.fileno(), msgspec.json.encode(doors) + b"\n")

    serve_alone(settings, tell, lifeline=sys.stdin.fileno())


def supervise(settings: Settings, started: Callable[[Doors], None], *, before: Callable[[], None]) -> int:
    """Serves with `settings.workers` processes until SIGTERM or SIGINT; gives the exit code. Raises ValueError and OSError with a sentence.

    before: brings the database to its schema, once the settings are found good.
    What a deployment starts with is settled by the first worker, before there are others.
    """
    if settings.database_url.startswith(SQLITE):
        raise ValueError("a SQLite file belongs to one process: use PostgreSQL to serve with several workers")
    if settings.sandbox:
        raise ValueError("a sandbox has one clock that testers set, so it has one worker")
    # What operators ask is asked of one process, so each worker has a door of its own for them.
    ops = of_workers(settings.ops_address, settings.workers)
    before()
    with contextlib.ExitStack() as reserved:
        ports = {}
        for name, door, wanted in (("http_port", "HTTP", settings.http_port), ("grpc_port", "gRPC", settings.grpc_port)):
            # Alone first: a port that is shared would be shared with another deployment as well.
            with listen(settings.host, wanted, door=door) as free:
                ports[name] = free.getsockname()[1]
            # Held, so that it stays ours while no worker has it. It does not listen, so it gets no connections.
            reserved.enter_context(listen(settings.host, ports[name], door=door, shared=True))
        return asyncio.run(Crew(replace(settings, **ports), ops).serve(started))


class Crew:
    """The workers of one deployment. `ops`: where operators find each of them."""

    def __init__(self, settings: Settings, ops: list[str]) -> None:
        self._settings = settings
        self._ops = ops
        # The environment is no secret to anybody but other users, which arguments are.
        told = {PREFIX + name.upper(): str(value) for name, value in asdict(settings).items()}
        self._environment = {**os.environ, **told}
        self._ending = asyncio.Event()
        self._living: set[Process] = set()

    async def serve(self, started: Callable[[Doors], None]) -> int:
        """Runs the workers; gives 0, or the exit code of the first when it did not come to answer."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        first, doors = await self._start(1)
        if doors is None:
            code = await first.wait()
            return 0 if self._ending.is_set() else code
        others = await asyncio.gather(*(self._start(number) for number in range(2, self._settings.workers + 1)))
        posts = [asyncio.create_task(self._keep(number, *worker)) for number, worker in enumerate([(first, doors), *others], 1)]
        if not self._ending.is_set():
            started(doors)
        await self._ending.wait()
        _, late = await asyncio.wait(posts, timeout=self._settings.drain_seconds + self._settings.grace_seconds + BEYOND_GRACE)
        for process in list(self._living) if late else ():
            log.error("the worker of pid %d did not end and is killed", process.pid)
            process.kill()
        await asyncio.gather(*posts)
        return 1 if late else 0

    def _end(self) -> None:
        self._ending.set()
        for process in self._living:
            _terminate(process)

    async def _start(self, number: int) -> tuple[Process, Doors | None]:
        """A new worker, when it answers; None in place of its doors when it ended before."""
        environment = {**self._environment, f"{PREFIX}OPS_ADDRESS": self._ops[number - 1]}
        process = await asyncio.create_subprocess_exec(*COMMAND, env=environment, stdin=PIPE, stdout=PIPE)
        self._living.add(process)
        if self._ending.is_set():
            _terminate(process)
        assert process.stdout is not None
        line = await process.stdout.readline()
        return process, msgspec.json.decode(line, type=Doors) if line.endswith(b"\n") else None

    async def _keep(self, number: int, process: Process, doors: Doors | None) -> None:
        """Keeps one place filled until the end."""
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while True:
            port = doors and doors.ops_port
            log.info("worker %d is pid %d%s", number, process.pid, f", its operators' port {port}" if port else "")
            began = loop.time()
            code = await process.wait()
            self._living.discard(process)
            if self._ending.is_set():
                return
            if loop.time() - began > SHORT_LIFE:
                pause = FIRST_PAUSE
            log.error("worker %d, pid %d, ended with %d; the next starts in %.1f s", number, process.pid, code, pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)
                return
            pause = min(2 * pause, LONGEST_PAUSE)
            process, doors = await self._start(number)


def _terminate(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
