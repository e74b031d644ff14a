"""`python -m bench.workers`: what a second process on one PostgreSQL costs and brings, written to docs/benchmarks-workers.md."""

import argparse
import os
import tempfile
import time
from itertools import product as product_of
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
{connections} of HTTP/2 with {streams} streams each, for the kernel shares connections out and not calls. Medians of {rounds} interleaved
rounds, each on a fresh copy of one database; a single failed call misses the bar.

- **CPU per call** is that of all processes of the product, its supervisor included, pinned to one core together; PostgreSQL, whose own is
  told apart, and the load generator have another. The bar: two workers use at most {cpu}x that of one.
- **Calls per second** are with nothing pinned: the product, PostgreSQL and the generator share all {cores} cores. The bar: two workers make
  at least {speed}x those of one.
- **The cores' bound** is what two workers could make at most, in times of what one made: all cores busy with nothing but what the product,
  PostgreSQL and the generator used per call with one worker. Where it is under {speed}x, no product could reach the bar here."""
LAYOUTS = ("apart", "together")


class Found(NamedTuple):
    """One call: the outcomes of each layout, with one worker and with two."""

    of: dict[str, tuple[list[Outcome], list[Outcome]]]

    @property
    def failed(self) -> Outcome | None:
        """One in which calls failed."""
        return next((each for pair in self.of.values() for one in pair for each in one if each.failures), None)

    @property
    def bound(self) -> float:
        """The most that the calls per second of two could be, in times of those of one."""
        one, _ = self.of["together"]
        used = sum(_cpu(one, tree) for tree in ("server", "database", "generator"))
        return len(os.sched_getaffinity(0)) * 1e6 / used / median(map(rate, one))

    def row(self, name: str) -> str:
        """A line of the table."""
        one, two = self.of["apart"]
        cpu = _cpu(two, "server") / _cpu(one, "server")
        first, second = (median(map(rate, each)) for each in self.of["together"])
        cells = [
            name,
            *(f"{_cpu(each, 'server'):.1f}" for each in (one, two)),
            f"{cpu:.2f}x",
            verdict(cpu <= CPU_TIMES and not self.failed),
            *(f"{_cpu(each, 'database'):.1f}" for each in (one, two)),
            f"{first:,.0f}",
            f"{second:,.0f}",
            f"{second / first:.2f}x",
            verdict(second / first >= SPEED_TIMES and not self.failed),
            f"{self.bound:.2f}x",
        ]
        return f"| {' | '.join(cells)} |"


def _cpu(outcomes: list[Outcome], tree: str) -> float:
    return median(cost(outcome, tree) for outcome in outcomes)


def load(ground: PostgresGround, server: Server, call: tuple[str, str], cores: set[int], seed: int, told: argparse.Namespace) -> Outcome:
    """One measurement."""
    door, scenario = call
    job = Job(
        door=door,
        scenario=scenario,
        port=server.http_port if door == "http" else server.grpc_port,
        tokens=ground.tokens,
        seed=seed,
        connections=IN_FLIGHT if door == "http" else IN_FLIGHT // STREAMS,
        streams=1 if door == "http" else STREAMS,
        warmup=told.warmup,
        seconds=told.seconds,
        watch={"server": server.pid} | ground.watch,
    )
    return generate(job, cores)


def measure(told: argparse.Namespace) -> dict[tuple[str, str], Found]:
    """Every call in both layouts, with one worker and with two."""
    calls = [call for call in CALLS if not told.only or "-".join(call) in told.only]
    found = {call: Found({layout: ([], []) for layout in LAYOUTS}) for call in calls}
    everywhere, (product, others, _) = os.sched_getaffinity(0), machine.cores()
    with cluster(everywhere) as postgres, tempfile.TemporaryDirectory(prefix="gamehall-bench-") as folder:
        ground, log = PostgresGround(postgres), Path(folder) / "server.log"
        for number, layout, workers in product_of(range(told.rounds), LAYOUTS, (1, 2)):
            its, theirs = (product, others) if layout == "apart" else (everywhere, everywhere)
            machine.move(postgres.pid, theirs)
            subject = Subject("workers", "workers", f"{SERVE} --workers {workers}", ("get",), ("get",), "native", product=True)
            with running(subject, ground.fresh(), log, its) as server:
                while workers > 1 and f"worker {workers} is pid" not in log.read_text():
                    time.sleep(0.05)
                for call, each in found.items():
                    outcome = load(ground, server, call, theirs, number, told)
                    each.of[layout][workers - 1].append(outcome)
                    print(f"  {layout:8} {workers} {' '.join(call):11} {line(outcome)}", flush=True)
    return found


def main() -> None:
    """Measures, prints, and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=__doc__)
    parser.add_argument("--date", default="", help="the date to write into the report")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each measurement")
    parser.add_argument("--warmup", type=float, default=1.0, help="seconds of load before each measurement")
    parser.add_argument(
        "--only", action="append", choices=["-".join(call) for call in CALLS], help="a call, instead of all; can be repeated"
    )
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
        "| call | CPU us of one | of two | times | | PostgreSQL's of one | of two | calls/s of one | of two | times | | the cores' bound |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    found = measure(told)
    lines += [each.row(f"{'HTTP' if door == 'http' else 'gRPC'} {scenario}") for (door, scenario), each in found.items()]
    for call, each in found.items():
        if each.failed is not None:
            lines.append(f"\n{' '.join(call)}: {each.failed.failures} calls failed, first: {each.failed.first_failure}")
    text = "\n".join(lines) + "\n"
    print(text)
    told.page.write_text(text)


if __name__ == "__main__":
    main()
