"""The run's result as a page."""

from collections.abc import Iterator

from bench import machine
from bench.bars import BARS, FIRST_ANSWER_SECONDS, MEMORY_MB, Bar
from bench.ground import Measurement
from bench.load.job import Outcome
from bench.measure import IN_FLIGHT, STREAMS, Round, cost, median, rate
from bench.servers import SUBJECTS

TITLES = {subject.name: subject.title for subject in SUBJECTS}
SCENARIOS = {"get": "get one", "list": "list 25 with total", "create": "create", "echo": "echo"}

METHOD = f"""\
Every server runs alone, pinned to one core with all its threads; the load generator has another core. {IN_FLIGHT} calls are in flight:
{IN_FLIGHT} kept-alive HTTP/1.1 connections, or {IN_FLIGHT // STREAMS} HTTP/2 connections with {STREAMS} streams each. The calls carry the
tokens of 1,000 users; ids and objects are drawn evenly from 100,000 comments about 100 objects. A call counts when its status is 200, or
its grpc-status 0; with a single failed call a bar is missed. Each figure is the median of the rounds, which are interleaved; each server
starts each round on a fresh copy of one database, which the product's own migrations made, and answers are compared with what was filled
in before the load begins.

CPU per call is the time that the server's processes used, system calls included. It is the steadier figure, and the fairer one on
PostgreSQL, whose own processes run on {{database}} and are told apart.

- Durability is equal: SQLite in WAL mode with synchronous=FULL, PostgreSQL with its default settings; an answer comes after the commit.
- **FastAPI + SQLModel** is the asynchronous form that their documentation teaches, without the slow parts of the tutorial: no query for
  the token's user on reads, no refresh after a commit, authors joined, pools of the size that measured fastest.
- **raw ASGI + driver** is written by hand for speed: prepared SQL, orjson, verified tokens remembered, inserts committed in groups.
- **raw pygrpc-native + driver** is the same over gRPC, on the engine that Gamehall runs on.
- The first two run on uvicorn with uvloop and httptools, as Gamehall does. None logs a request; their tokens are HS256, Gamehall's ES256.
- Gamehall alone also checks permissions, keeps sessions, and writes its outbox in the same transaction.
- **grpc.aio echo** checks the token (verified once, then known) and answers a comment with the same comment: no rules, no database.
- The gRPC load asks for answers without HPACK's dynamic table, so that it can count every grpc-status.
"""

OTHERS = """\
## Other pages

[Growth](benchmarks-growth.md): what each call costs at 1,000, 100,000 and 1,000,000 records.

![Microseconds of CPU per call against the number of records](benchmarks-growth.svg)

[Beside Nakama's figures](benchmarks-peers.md), [workers](benchmarks-workers.md), [idle streams and connections](benchmarks-idle.md),
[reads beside logins](benchmarks-logins.md), [long lists](benchmarks-lists.md), [properties](benchmarks-properties.md),
[the codec](benchmarks-codec.md), [start and memory](benchmarks-start.md). Where the time goes: [one core's](profiles/core.md),
[by function](profiles/calls.md)."""


def write(measured: Round, command: str, date: str) -> str:
    """The whole page."""
    _, load, database = machine.cores()
    shared = "the generator's core" if database == load else "a third core"
    parts = [
        "# Benchmarks",
        f"Made by `{command}`{f' on {date}' if date else ''}. Not edited by hand.",
        f"{machine.describe()}.\n{machine.versions()}.",
        METHOD.format(database=shared).strip(),
        "## Bars\n\n" + "\n".join(_bars(measured)),
        OTHERS,
    ]
    for name in dict.fromkeys(measurement.database for measurement in measured.outcomes):
        parts.append(f"## {name}\n\n" + "\n".join(_table(measured, name)))
    failures = "\n".join(_failures(measured))
    if failures:
        parts.append(f"## Failures\n\n{failures}")
    return "\n\n".join(parts) + "\n"


def _failures(measured: Round) -> Iterator[str]:
    for found, outcomes in measured.outcomes.items():
        for outcome in outcomes:
            if outcome.failures:
                what = f"{found.database} {found.door} {found.scenario} {found.subject}"
                yield f"- {what}: {outcome.failures} calls, first: {outcome.first_failure}"


def _bars(measured: Round) -> Iterator[str]:
    yield "| bar | at least | calls/s | CPU per call | |"
    yield "|---|---|---|---|---|"
    for bar in BARS:
        yield _bar(measured, bar)
    if measured.footprints:
        memory = median(footprint.memory_answered for footprint in measured.footprints)
        started = median(footprint.memory_started for footprint in measured.footprints)
        seconds = median(footprint.first_answer for footprint in measured.footprints)
        found = f"{started:.0f} MB started, {memory:.0f} MB after one answer"
        yield f"| idle memory of `serve` ({found}) | under {MEMORY_MB} MB | | | {_verdict(memory < MEMORY_MB)} |"
        verdict = _verdict(seconds < FIRST_ANSWER_SECONDS)
        yield f"| start on an existing database to first answer ({seconds:.2f} s) | under {FIRST_ANSWER_SECONDS} s | | | {verdict} |"


def _bar(measured: Round, bar: Bar) -> str:
    ours, theirs = measured.outcomes.get(bar.measured), measured.outcomes.get(bar.reference)
    if not ours or not theirs:
        return f"| {bar.title} | {bar.factor}x | | | not measured |"
    speed = median(map(rate, ours)) / max(median(map(rate, theirs)), 0.001)
    cpu = _cpu(theirs) / _cpu(ours)
    failed = any(outcome.failures for outcome in ours)
    return f"| {bar.title} | {bar.factor}x | {speed:.2f}x | {cpu:.2f}x | {_verdict(speed >= bar.factor and not failed)} |"


def _verdict(passed: bool) -> str:
    return "passed" if passed else "**missed**"


def _cpu(outcomes: list[Outcome], tree: str = "server") -> float:
    return median(cost(outcome, tree) for outcome in outcomes)


def _table(measured: Round, database: str) -> Iterator[str]:
    yield "| call | server | calls/s | CPU us per call | of PostgreSQL's | p50 ms | p99 ms | calls/s against FastAPI | against raw |"
    yield "|---|---|---|---|---|---|---|---|---|"
    found = {m: o for m, o in measured.outcomes.items() if m.database == database}
    for door in ("http", "grpc"):
        for scenario in SCENARIOS:
            for measurement, outcomes in found.items():
                if (measurement.door, measurement.scenario) == (door, scenario):
                    yield _row(measured, measurement, outcomes)


def _row(measured: Round, measurement: Measurement, outcomes: list[Outcome]) -> str:
    speed = median(map(rate, outcomes))
    against = []
    for reference in ("fastapi", "raw" if measurement.door == "http" else "raw-grpc"):
        others = measured.outcomes.get(measurement._replace(subject=reference))
        against.append(f"{speed / max(median(map(rate, others)), 0.001):.2f}x" if others else "")
    database = _cpu(outcomes, "database")
    cells = [
        f"{'HTTP' if measurement.door == 'http' else 'gRPC'} {SCENARIOS[measurement.scenario]}",
        TITLES[measurement.subject],
        f"{speed:,.0f}",
        f"{_cpu(outcomes):.1f}",
        f"{database:.1f}" if database else "",
        f"{median(outcome.p50 for outcome in outcomes) * 1000:.2f}",
        f"{median(outcome.p99 for outcome in outcomes) * 1000:.2f}",
        *against,
    ]
    return f"| {' | '.join(cells)} |"
