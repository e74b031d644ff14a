"""`python -m bench.peers`: what one core of Gamehall does, database and all, beside what one core of Nakama was measured to do.

Writes docs/benchmarks-peers.md. Nakama is not here: its figures come from a machine on which grpc.aio's echo of the same message made so
many calls, and are scaled by what the echo makes in this run.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, chdir
from pathlib import Path
from typing import NamedTuple

from bench import machine
from bench.ground import Ground, Measurement, PostgresGround, SQLiteGround
from bench.measure import Round, cost, median, rate
from bench.postgres import cluster
from bench.servers import ROOT, SERVE, SUBJECTS, Subject

PAGE = ROOT / "docs" / "benchmarks-peers.md"
IN_FLIGHT = 32
ECHO = Measurement("SQLite", "grpc", "echo", "echo")
# Calls per second of the echo on the machine that gave Nakama's figures.
ECHO_THERE = 3_800
# Calls per second of Nakama 3.40 with its database on one core (2026-11-21), by door and scenario.
NAKAMA = {
    ("http", "get"): 4_400,
    ("http", "create"): 2_300,
    ("http", "list"): 2_300,
    ("grpc", "get"): 7_200,
    ("grpc", "create"): 3_000,
    ("grpc", "list"): 4_300,
}
SCENARIOS = frozenset({"grpc-echo", *("-".join(measured) for measured in NAKAMA)})
# Counting for Prometheus is part of the full product.
METRICS = {"GAMEHALL_OPS_ADDRESS": "127.0.0.1:0"}
GAMEHALL = Subject("gamehall", "Gamehall", SERVE, ("get", "list", "create"), ("get", "list", "create"), "native", product=True)


class Bar(NamedTuple):
    """At least `factor` times Nakama's calls per second, scaled."""

    database: str
    door: str
    scenario: str
    factor: float


BARS = (
    Bar("SQLite", "http", "get", 3),
    Bar("SQLite", "http", "create", 5),
    Bar("SQLite", "http", "list", 2),
    Bar("PostgreSQL", "http", "get", 1.3),
    Bar("PostgreSQL", "http", "create", 1.3),
    Bar("PostgreSQL", "http", "list", 1.2),
    Bar("SQLite", "grpc", "get", 1.5),
    Bar("SQLite", "grpc", "create", 3),
    Bar("SQLite", "grpc", "list", 1.05),
)

HEADS = (
    *("call", "database", "calls/s", "CPU us per call", "of the database's", "p99 ms"),
    *("Nakama, scaled", "ratio", "at least", "", "raw calls/s", "its ratio"),
)
METHOD = f"""\
The server and its database share one core, the load generator has the other; {IN_FLIGHT} calls are in flight. Everything is on: policy,
validation, request ids, metrics, the outbox row of each event. SQLite runs in WAL mode with synchronous=FULL, PostgreSQL with its default
settings; an answer comes after the commit. Of 100,000 comments about 100 objects a page has 25 and the exact total. Each figure is the
median of the rounds; the data and the generator are those of docs/benchmarks.md.

Beside it stand the raw references on the same engines (bench/references): the database's driver, prepared SQL, tokens that are known, and
nothing else. They keep no event for a write, know no policy and no other call than these. What they do not reach on an engine, a product
reaches there only by what it does not do: Gamehall keeps totals, where they count, and its records share PostgreSQL's round trips."""


def main() -> None:
    """Measures and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--date", default="", help="the date to write into the report")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--page", type=Path, default=PAGE)
    told = parser.parse_args()
    page = told.page.resolve()
    os.environ.update(METRICS)
    measured = Round(told.seconds, 1.0, SCENARIOS, IN_FLIGHT)
    echo, raw, raw_grpc = (next(subject for subject in SUBJECTS if subject.name == name) for name in ("echo", "raw", "raw-grpc"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gamehall-bench-")))
        stack.enter_context(chdir(ROOT))
        sqlite, postgresql = SQLiteGround(folder), PostgresGround(stack.enter_context(cluster(machine.cores()[0])))
        for number in range(told.rounds):
            measured.run(sqlite, echo, number)
            measured.run(sqlite, raw_grpc, number)
            grounds: tuple[Ground, ...] = (sqlite, postgresql)
            for ground in grounds:
                measured.run(ground, GAMEHALL, number)
                measured.run(ground, raw, number)
    lines = [
        "# One core beside Nakama's",
        "",
        f"Made by `python -m bench.peers`{f' on {told.date}' if told.date else ''}. Not edited by hand. {machine.describe()}.",
        f"{machine.versions()}.",
        "",
        METHOD,
        "",
        *_table(measured),
    ]
    page.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def _table(measured: Round) -> Iterator[str]:
    echo = median(map(rate, measured.outcomes[ECHO]))
    scale = echo / ECHO_THERE
    yield f"The echo makes {echo:,.0f} calls/s here and made {ECHO_THERE:,} there: Nakama's figures are multiplied by {scale:.2f}."
    yield ""
    yield f"| {' | '.join(HEADS)} |"
    yield f"|{'---|' * len(HEADS)}"
    for bar in BARS:
        outcomes = measured.outcomes[Measurement(bar.database, bar.door, bar.scenario, "gamehall")]
        theirs = NAKAMA[bar.door, bar.scenario] * scale
        ratio = median(map(rate, outcomes)) / theirs
        passed = ratio >= bar.factor and not any(outcome.failures for outcome in outcomes)
        database = median(cost(outcome, "database") for outcome in outcomes)
        floor = Measurement(bar.database, bar.door, bar.scenario, "raw" if bar.door == "http" else "raw-grpc")
        bare = median(map(rate, measured.outcomes[floor]))
        cells = [
            f"{'HTTP' if bar.door == 'http' else 'gRPC'} {bar.scenario}",
            bar.database,
            f"{median(map(rate, outcomes)):,.0f}",
            f"{median(cost(outcome, 'server') for outcome in outcomes):.1f}",
            f"{database:.1f}" if database else "",
            f"{median(outcome.p99 for outcome in outcomes) * 1000:.2f}",
            f"{theirs:,.0f}",
            f"{ratio:.2f}x",
            f"{bar.factor}x",
            "passed" if passed else "**missed**",
            f"{bare:,.0f}",
            f"{bare / theirs:.2f}x",
        ]
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
