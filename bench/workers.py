"""`python -m bench.workers`: what a second process on one PostgreSQL costs and brings, written to docs/benchmarks-workers.md."""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench import machine
from bench.ground import PostgresGround
from bench.load.job import Job, Outcome
from bench.measure import IN_FLIGHT, cost, generate, line, median, rate, verdict
from bench.postgres import cluster
from bench.servers import ROOT, SERVE, Server, Subject, running

PAGE = ROOT / "docs" / "benchmarks-workers.md"
CALLS = (("http", "get"), ("http", "list"), ("grpc", "get"), ("http", "create"), ("grpc", "create"))
# The kernel shares connections out by chance: few of them would leave one worker without work.
STREAMS = 2
CPU_TIMES, SPEED_TIMES = 1.2, 1.3

METHOD = """\
`gamehall serve --workers N` on PostgreSQL with its default settings, {in_flight} calls in flight: {in_flight} connections of HTTP/1.1, or
{connections} of HTTP/2 with {streams} streams each, for the kernel shares connections out and not calls. Nothing is pinned: the product,
PostgreSQL and the load generator share all {cores} cores. Medians of {rounds} interleaved rounds, each on a fresh copy of one database; a
single failed call misses both bars.

- **CPU per call** is that of all processes of the product, its supervisor included; PostgreSQL's is told apart.
- The bars: two workers use at most {cpu}x the CPU per call of one, and make at least {speed}x its calls per second.
- **The cores' bound** is what two workers could make at most, in times of what one made: all cores busy with nothing but what the product,
  PostgreSQL and the generator used per call with one worker. Where it is under {speed}x, no product could reach the bar here."""


class Pair(NamedTuple):
    """One call, with one worker and with two."""

    one: list[Outcome]
    two: list[Outcome]

    @property
    def failed(self) -> bool:
        """Whether any call failed."""
        return any(each.failures for each in (*self.one, *self.two))

    @property
    def cpu(self) -> float:
        """CPU per call of two, in times of that of one."""
        return self._of(self.two, "server") / self._of(self.one, "server")

    @property
    def speed(self) -> float:
        """Calls per second of two, in times of those of one."""
        return median(map(rate, self.two)) / median(map(rate, self.one))

    @property
    def bound(self) -> float:
        """What `speed` could be at most, with the CPU per call of one."""
        used = sum(self._of(self.one, tree) for tree in ("server", "database", "generator"))
        return len(os.sched_getaffinity(0)) * 1e6 / used / median(map(rate, self.one))

    @staticmethod
    def _of(outcomes: list[Outcome], tree: str) -> float:
        return median(cost(outcome, tree) for outcome in outcomes)

    def row(self, name: str) -> str:
        """A line of the table."""
        cells = [
            name,
            *(f"{median(map(rate, each)):,.0f}" for each in self),
            f"{self.speed:.2f}x",
            verdict(self.speed >= SPEED_TIMES and not self.failed),
            f"{self.bound:.2f}x",
            *(f"{self._of(each, 'server'):.1f}" for each in self),
            f"{self.cpu:.2f}x",
            verdict(self.cpu <= CPU_TIMES and not self.failed),
            *(f"{self._of(each, 'database'):.1f}" for each in self),
            f"{self._of(self.one, 'generator'):.1f}",
        ]
        return f"| {' | '.join(cells)} |"


def load(ground: PostgresGround, server: Server, door: str, scenario: str, seed: int, seconds: float, warmup: float) -> Outcome:
    """One measurement."""
    job = Job(
        door=door,
        scenario=scenario,
        port=server.http_port if door == "http" else server.grpc_port,
        tokens=ground.tokens,
        seed=seed,
        connections=IN_FLIGHT if door == "http" else IN_FLIGHT // STREAMS,
        streams=1 if door == "http" else STREAMS,
        warmup=warmup,
        seconds=seconds,
        watch={"server": server.pid} | ground.watch,
    )
    return generate(job, os.sched_getaffinity(0))


def measure(rounds: int, seconds: float, warmup: float) -> dict[tuple[str, str], Pair]:
    """Every call, with one worker and with two."""
    found = {call: Pair([], []) for call in CALLS}
    with cluster(os.sched_getaffinity(0)) as postgres, tempfile.TemporaryDirectory(prefix="gamehall-bench-") as folder:
        ground = PostgresGround(postgres)
        for number in range(rounds):
            for workers in (1, 2):
                subject = Subject("workers", "workers", f"{SERVE} --workers {workers}", ("get",), ("get",), "native", product=True)
                log = Path(folder) / "server.log"
                with running(subject, ground.fresh(), log) as server:
                    while workers > 1 and f"worker {workers} is pid" not in log.read_text():
                        time.sleep(0.05)
                    for (door, scenario), pair in found.items():
                        outcome = load(ground, server, door, scenario, number, seconds, warmup)
                        pair[workers - 1].append(outcome)
                        print(f"  {workers} {door} {scenario:6} {line(outcome)}", flush=True)
    return found


def main() -> None:
    """Measures, prints, and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=__doc__)
    parser.add_argument("--date", default="", help="the date to write into the report")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each measurement")
    parser.add_argument("--warmup", type=float, default=1.0, help="seconds of load before each measurement")
    parser.add_argument("--page", type=Path, default=PAGE)
    told = parser.parse_args()
    method = METHOD.format(
        in_flight=IN_FLIGHT, connections=IN_FLIGHT // STREAMS, streams=STREAMS, cores=len(os.sched_getaffinity(0)), rounds=told.rounds,
        cpu=CPU_TIMES, speed=SPEED_TIMES,
    )  # fmt: skip
    lines = [
        "# Workers",
        "",
        f"Made by `python -m bench.workers`{f' on {told.date}' if told.date else ''}. Not edited by hand. {machine.describe()}.",
        "",
        method,
        "",
        "| call | calls/s of one | of two | times | | the cores' bound | CPU us of one | of two | times | | PostgreSQL's of one | of two"
        " | generator's |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    found = measure(told.rounds, told.seconds, told.warmup)
    lines += [pair.row(f"{'HTTP' if door == 'http' else 'gRPC'} {scenario}") for (door, scenario), pair in found.items()]
    for (door, scenario), pair in found.items():
        failed = next((each for each in (*pair.one, *pair.two) if each.failures), None)
        if failed is not None:
            lines.append(f"\n{door} {scenario}: {failed.failures} calls failed, first: {failed.first_failure}")
    text = "\n".join(lines) + "\n"
    print(text)
    told.page.write_text(text)


if __name__ == "__main__":
    main()
