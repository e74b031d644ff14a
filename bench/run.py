"""`python -m bench.run`: Gamehall and what people write instead, measured in one run, written to docs/benchmarks.md."""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench import machine, report
from bench.ground import Ground, PostgresGround, SQLiteGround
from bench.measure import Round
from bench.postgres import cluster
from bench.servers import ROOT, SUBJECTS, Subject

PAGE = ROOT / "docs" / "benchmarks.md"
SCENARIOS = ("http-get", "http-list", "http-create", "grpc-get", "grpc-create", "grpc-echo", "footprint")


def options() -> argparse.Namespace:
    """What to measure, and for how long."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "all"), default="all")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, interleaved; each figure is the median of them")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each measurement")
    parser.add_argument("--warmup", type=float, default=1.0, help="seconds of load before each measurement")
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="a scenario to measure, instead of all; can be repeated")
    names = [subject.name for subject in SUBJECTS]
    parser.add_argument("--subject", action="append", choices=names, help="a server to measure, instead of all; can be repeated")
    parser.add_argument("--date", default="", help="the date to write into the report")
    parser.add_argument(
        "--output", type=Path, help="where to write the report; else docs/benchmarks.md when all was measured, or the screen"
    )
    parser.add_argument("--folder", type=Path, help="where the SQLite files lie; else the system's temporary folder")
    return parser.parse_args()


def grounds(database: str, folder: Path, stack: ExitStack) -> Iterator[Ground]:
    """The databases asked for."""
    if database in ("sqlite", "all"):
        yield SQLiteGround(folder)
    if database in ("postgresql", "all"):
        yield PostgresGround(stack.enter_context(cluster(machine.cores()[2])))


def measure(wanted: argparse.Namespace) -> Round:
    """Runs everything asked for."""
    scenarios = frozenset(wanted.only or SCENARIOS)
    measured = Round(wanted.seconds, wanted.warmup, scenarios)
    subjects = [subject for subject in SUBJECTS if not wanted.subject or subject.name in wanted.subject]
    subjects = [subject for subject in subjects if measured.wanted(subject) or (subject.product and "footprint" in scenarios)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gamehall-bench-", dir=wanted.folder)))
        for ground in grounds(wanted.database, folder, stack):
            for number in range(wanted.rounds):
                print(f"{ground.title}, round {number + 1} of {wanted.rounds}", flush=True)
                _round(measured, ground, subjects, number, "footprint" in scenarios)
    return measured


def _round(measured: Round, ground: Ground, subjects: list[Subject], number: int, footprint: bool) -> None:
    for subject in subjects:
        # The echo has no database, and the product's footprint is told for its default one.
        if subject.grpc != ("echo",) or isinstance(ground, SQLiteGround):
            measured.run(ground, subject, number)
        if footprint and subject.name == "gamehall" and isinstance(ground, SQLiteGround):
            measured.footprint(ground, subject)


def main() -> None:
    wanted = options()
    os.chdir(ROOT)
    measured = measure(wanted)
    text = report.write(measured, _command(wanted), wanted.date)
    everything = not wanted.only and not wanted.subject and wanted.database == "all"
    output = wanted.output or (PAGE if everything else None)
    if output:
        output.write_text(text)
    print(text)


def _command(wanted: argparse.Namespace) -> str:
    """How to repeat the run: what was asked for, without when and whereto."""
    words = ["python", "-m", "bench.run"]
    for name in ("database", "rounds", "seconds", "warmup"):
        words += [f"--{name}", str(getattr(wanted, name))]
    for name in ("only", "subject"):
        words += [word for value in getattr(wanted, name) or () for word in (f"--{name}", value)]
    return " ".join(words)


if __name__ == "__main__":
    main()
