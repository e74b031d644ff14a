"""One measurement after the other: a server on its core, the generator on another."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench import answers, dataset
from bench.ground import Ground, Measurement
from bench.load.job import Job, Outcome
from bench.machine import cores, memory_mb, pinned_to
from bench.servers import ROOT, DidNotStart, Server, Subject, ask, running
from bench.tokens import reference_tokens

IN_FLIGHT = 64
STREAMS = 8


class Footprint(NamedTuple):
    """What `serve` costs before anybody calls: seconds, and millions of bytes."""

    first_answer: float
    memory_started: float
    memory_answered: float


class Round:
    """Everything measured so far, and how long each measurement takes."""

    def __init__(
        self,
        seconds: float,
        warmup: float,
        scenarios: frozenset[str],
        in_flight: int = IN_FLIGHT,
        records: int = dataset.COMMENTS,
        objects: int = dataset.OBJECTS,
    ) -> None:
        self.outcomes: dict[Measurement, list[Outcome]] = {}
        self.footprints: list[Footprint] = []
        self._seconds = seconds
        self._warmup = warmup
        self._scenarios = scenarios
        self._in_flight = in_flight
        self._records, self._objects = records, objects
        self._server_core, self._load_core, _ = cores()

    def wanted(self, subject: Subject) -> list[tuple[str, str]]:
        """(door, scenario) pairs of a server, those that write last: what they write would lengthen the lists."""
        pairs = [("http", scenario) for scenario in subject.http] + [("grpc", scenario) for scenario in subject.grpc]
        return sorted((pair for pair in pairs if "-".join(pair) in self._scenarios), key=lambda pair: pair[1] == "create")

    def run(self, ground: Ground, subject: Subject, number: int) -> None:
        """One round of one server on one database."""
        wanted = self.wanted(subject)
        if not wanted:
            return
        url = ground.fresh()
        tokens = ground.tokens if subject.product else reference_tokens()
        with tempfile.TemporaryDirectory(prefix="gamehall-bench-") as folder:
            log = Path(folder) / "server.log"
            with running(subject, url, log, self._server_core) as server:
                if subject.http and (self._records, self._objects) == (dataset.COMMENTS, dataset.OBJECTS):
                    answers.check(server.http_port, tokens[answers.CALLER - 1])
                for door, scenario in wanted:
                    outcome = self.load(ground, server, door, scenario, tokens, number)
                    self.outcomes.setdefault(Measurement(ground.title, door, scenario, subject.name), []).append(outcome)
                    print(f"  {ground.title:10} {subject.name:16} {door} {scenario:7} {line(outcome)}", flush=True)
            printed = log.read_text(errors="replace")
            if "Traceback" in printed:
                print(printed[-3000:])

    def load(self, ground: Ground, server: Server, door: str, scenario: str, tokens: list[str], seed: int) -> Outcome:
        """Calls of one kind, at a server that runs already."""
        job = Job(
            door=door,
            scenario=scenario,
            port=server.http_port if door == "http" else server.grpc_port,
            tokens=tokens,
            seed=seed,
            records=self._records,
            objects=self._objects,
            connections=self._in_flight if door == "http" else self._in_flight // STREAMS,
            streams=1 if door == "http" else STREAMS,
            warmup=self._warmup,
            seconds=self._seconds,
            watch={"server": server.pid} | ground.watch,
        )
        return generate(job, self._load_core)

    def footprint(self, ground: Ground, subject: Subject) -> None:
        """Starts the product on an existing database, on any core, as a user does."""
        url, token = ground.fresh(), ground.tokens[0]
        with tempfile.TemporaryDirectory(prefix="gamehall-bench-") as folder, running(subject, url, Path(folder) / "server.log") as server:
            started = memory_mb(server.pid)
            status, answer, seconds = ask_when_ready(server, token)
            if status != 200:
                raise DidNotStart(f"{answer}")
            self.footprints.append(Footprint(seconds, started, memory_mb(server.pid)))


def ask_when_ready(server: Server, token: str) -> tuple[int, object, float]:
    """The first answer of a server, and the seconds from its start until then."""
    status, answer = ask(server.http_port, "GET", "/comments/1", token)
    return status, answer, time.perf_counter() - server.started


def generate(job: Job, core: set[int]) -> Outcome:
    """Runs the generator's process."""
    ran = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=msgspec.json.encode(job),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'generated'}"},
        preexec_fn=pinned_to(core),
        check=True,
    )
    return msgspec.json.decode(ran.stdout, type=Outcome)


def line(outcome: Outcome) -> str:
    """An outcome in one line."""
    busy = {name: f"{seconds / outcome.seconds:.0%}" for name, seconds in outcome.cpu.items()}
    failed = f", {outcome.failures} FAILED: {outcome.first_failure}" if outcome.failures else ""
    return f"{rate(outcome):9,.0f} calls/s, {cost(outcome, 'server'):7.1f} us, p99 {outcome.p99 * 1000:6.1f} ms, busy {busy}{failed}"


def rate(outcome: Outcome) -> float:
    """Successful calls per second."""
    return outcome.calls / outcome.seconds


def cost(outcome: Outcome, tree: str) -> float:
    """Microseconds of CPU time per successful call."""
    return outcome.cpu.get(tree, 0.0) / max(outcome.calls, 1) * 1e6


def median(values: Iterable[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def verdict(passed: bool) -> str:
    """How a bar ended."""
    return "passed" if passed else "**missed**"
