"""`python -m bench.idle`: five thousand idle streams and as many idle connections at once, written to docs/benchmarks-idle.md."""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from gamehall_server.serve import raise_open_files
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench import machine
from bench.ground import SQLiteGround
from bench.measure import ask_when_ready, verdict
from bench.servers import HOST, ROOT, SUBJECTS, DidNotStart, Server, ask, running

PAGE = ROOT / "docs" / "benchmarks-idle.md"
MANY = 5_000
STREAMS_PER_CONNECTION = 100
HOLD_SECONDS = 10.0
MEMORY_MB = 120
# How many calls may open something at once: a crowd that arrives within one turn of the loop is another benchmark.
AT_ONCE = 200
REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Each channel a connection of its own, and the smallest buffers: the holder has them all.
ALONE = [("grpc.use_local_subchannel_pool", 1)]

METHOD = """\
`gamehall serve` on SQLite with its default settings. {many:,} streams of grpc.health.v1 Watch are opened, over connections with at most
{per} each, and each is told the state; then {many:,} connections of HTTP/1.1, each of which gets one answer and is kept alive. All are held
for {hold:.0f} s; then a comment is read over HTTP and the health over gRPC, through new connections, every stream must still be open, and
every connection answers once more. With anything lost the bar is missed. Memory is the resident memory of the server's process: per
connection of gRPC it is what the first stream of each adds, per stream what the others add. CPU is that of a second in which everything
is held and nobody asks: the database is looked at once a second, for all who watch."""


class Held(NamedTuple):
    """What one engine came to; memory in millions of bytes."""

    memory: list[float]
    """Started, after one answer, with all connections of gRPC, with all streams, with all connections of HTTP."""
    lost: int
    read: bool
    cpu: float


async def gathered(works: list[Any]) -> list[Any]:
    """The results, not too many at once."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(work: Any) -> Any:
        async with places:
            return await work

    return await asyncio.gather(*map(one, works))


class Watcher:
    """A stream that was told the first state, and waits for the next."""

    def __init__(self, call: Any) -> None:
        self._call = call

    @classmethod
    async def begin(cls, channel: grpc.aio.Channel) -> "Watcher":
        """Raises grpc.RpcError, or DidNotStart for a server that does not serve."""
        call = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        told = await call.read()
        if told is grpc.aio.EOF or told.status != health_pb2.HealthCheckResponse.SERVING:
            raise DidNotStart(f"{told}")
        return cls(call)

    @property
    def alive(self) -> bool:
        """Whether the stream is still open."""
        return not self._call.done()

    def end(self) -> None:
        """Hangs up."""
        self._call.cancel()


class KeptAlive(NamedTuple):
    """A connection over HTTP/1.1 that was answered once."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def begin(cls, port: int) -> "KeptAlive":
        """Connects and asks once."""
        kept = cls(*await asyncio.open_connection(HOST, port, limit=2048))
        await kept.ask()
        return kept

    async def ask(self) -> None:
        """One call. Raises DidNotStart when it is not answered well."""
        self.writer.write(REQUEST)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise DidNotStart(head.decode())
        await self.reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))

    @property
    def alive(self) -> bool:
        """Whether the server has not hung up."""
        return not self.reader.at_eof() and not self.writer.is_closing()


@asynccontextmanager
async def channels(port: int, count: int) -> AsyncIterator[list[grpc.aio.Channel]]:
    """So many connections of gRPC."""
    opened = [grpc.aio.insecure_channel(f"{HOST}:{port}", options=ALONE) for _ in range(count)]
    try:
        yield opened
    finally:
        await asyncio.gather(*(channel.close() for channel in opened))


async def hold(server: Server, token: str, many: int, seconds: float) -> Held:
    """Opens everything, holds it, looks, and hangs up."""
    started = machine.memory_mb(server.pid)
    status, told, _ = await asyncio.to_thread(ask_when_ready, server, token)
    if status != 200:
        raise DidNotStart(f"{told}")
    memory = [started, machine.memory_mb(server.pid)]
    async with channels(server.grpc_port, -(-many // STREAMS_PER_CONNECTION)) as connections:
        watchers = await gathered([Watcher.begin(channel) for channel in connections])
        memory.append(machine.memory_mb(server.pid))
        others = [connections[number % len(connections)] for number in range(many - len(connections))]
        watchers += await gathered([Watcher.begin(channel) for channel in others])
        memory.append(machine.memory_mb(server.pid))
        kept = await gathered([KeptAlive.begin(server.http_port) for _ in range(many)])
        memory.append(machine.memory_mb(server.pid))
        before = machine.cpu_seconds(server.pid)
        await asyncio.sleep(seconds)
        cpu = (machine.cpu_seconds(server.pid) - before) / seconds
        read = await asyncio.to_thread(ask, server.http_port, "GET", "/comments/1", token)
        async with channels(server.grpc_port, 1) as (another,):
            checked = await health_pb2_grpc.HealthStub(another).Check(health_pb2.HealthCheckRequest())
        answered = read[0] == 200 and checked.status == health_pb2.HealthCheckResponse.SERVING
        lost = sum(not each.alive for each in (*watchers, *kept))
        # The last word: a connection that is only said to be open would not answer.
        await gathered([each.ask() for each in kept])
        for each in kept:
            each.writer.close()
        for each in watchers:
            each.end()
    return Held(memory, lost, answered, cpu)


def report(title: str, found: Held, many: int) -> str:
    """An engine's line of the table."""
    started, answered, connected, streaming, everything = found.memory
    connections = -(-many // STREAMS_PER_CONNECTION)
    each = [
        (connected - answered) / connections,
        (streaming - connected) / max(many - connections, 1),
        (everything - streaming) / many,
    ]
    cells = [
        title,
        verdict(not found.lost and found.read) + (f" ({found.lost} lost)" if found.lost else ""),
        *(f"{size * 1e3:.1f}" for size in each),
        f"{everything:.0f}",
        f"{found.cpu:.1%}",
        f"{started:.0f}",
        f"{answered:.0f}",
        verdict(answered < MEMORY_MB),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measures, prints, and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description=__doc__)
    parser.add_argument("--date", default="", help="the date to write into the report")
    parser.add_argument("--many", type=int, default=MANY, help="streams, and connections of HTTP")
    parser.add_argument("--seconds", type=float, default=HOLD_SECONDS, help="how long they are held")
    parser.add_argument("--page", type=Path, default=PAGE)
    told = parser.parse_args()
    raise_open_files()
    lines = [
        "# Idle streams and connections",
        "",
        f"Made by `python -m bench.idle`{f' on {told.date}' if told.date else ''}. Not edited by hand. {machine.describe()}.",
        "",
        METHOD.format(many=told.many, per=STREAMS_PER_CONNECTION, hold=told.seconds),
        "",
        f"| engine | {told.many:,} and {told.many:,} held | kB per connection of gRPC | per stream | per connection of HTTP | MB in all"
        f" | CPU | MB started | after one answer | under {MEMORY_MB} MB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory(prefix="gamehall-bench-") as folder:
        ground = SQLiteGround(Path(folder))
        for subject in SUBJECTS[:2]:
            # The second is there for its engine: both doors are wanted of it.
            both = subject._replace(http=("get",))
            with running(both, ground.fresh(), Path(folder) / "server.log") as server:
                lines.append(report(subject.title, asyncio.run(hold(server, ground.tokens[0], told.many, told.seconds)), told.many))
                print(lines[-1], flush=True)
    told.page.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
