"""`python -m bench.where`: where one core's time goes while Gamehall and its database answer calls on it, by samples of perf.

Writes docs/profiles/core.md. Needs Linux's `perf`, without which it does nothing, and leave to watch a whole core
(kernel.perf_event_paranoid, or root).
"""

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, chdir
from pathlib import Path

from bench import machine, peers
from bench.ground import Ground, PostgresGround, SQLiteGround
from bench.measure import Round, rate
from bench.postgres import cluster
from bench.servers import ROOT, running

PAGE = ROOT / "docs" / "profiles" / "core.md"
SAMPLES_PER_SECOND, SECONDS, WARMUP = 1500, 3.0, 3.0
CALLS = (("http", "get"), ("http", "create"), ("http", "list"), ("grpc", "get"), ("grpc", "create"), ("grpc", "list"))
ENTRY = re.compile(r"\s*([\d.]+)%\s+(\S.*?)\s{2,}(\S+)")
# What a sample belongs to: the first of these that the process and the file of code match.
PARTS = (
    ("PostgreSQL", "postgres", ""),
    ("kernel", "", "kernel|vdso"),
    ("interpreter", "", "^libpython|^python"),
    ("SQLite", "", "_sqlite3"),
    ("protobuf", "", "_message"),
    ("uvloop, asyncio", "", r"^loop\.|_asyncio"),
    ("httptools", "", r"parser\.c"),
    ("pygrpc-native", "", "_native"),
    ("asyncpg", "", r"protocol\.|record"),
    ("others, libc first", "", ""),
)
METHOD = f"""\
Samples of perf ({SAMPLES_PER_SECOND} a second for {SECONDS:.0f} seconds) of the core that the server and its database share, in the
layout of docs/benchmarks-peers.md, {peers.IN_FLIGHT} calls in flight; what the core idles is left out. `interpreter` is CPython with what
runs in it, our code and that of libraries; `kernel` is sockets, files, threads and scheduling of the server; `PostgreSQL` is all of its
processes, the kernel's part included. Calls a second are those under the profiler. Which functions they are is in calls.md;
docs/decisions/0010, 0034 and 0042 say what follows."""


def main() -> None:
    """Measures and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.where", description=__doc__)
    parser.add_argument("--date", default="", help="the date to write into the page")
    date = parser.parse_args().date
    if shutil.which("perf") is None:
        print("perf is not installed: docs/profiles/core.md stays as it is")
        return
    os.environ.update(peers.METRICS)
    columns: dict[str, dict[str, float]] = {}
    rates: list[float] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gamehall-bench-")))
        stack.enter_context(chdir(ROOT))
        for ground in (SQLiteGround(folder), PostgresGround(stack.enter_context(cluster(machine.cores()[0])))):
            for door, scenario in CALLS:
                shares, calls = _measure(ground, door, scenario, folder)
                columns[f"{'HTTP' if door == 'http' else 'gRPC'} {scenario}, {ground.title}"] = shares
                rates.append(calls)
    lines = [
        "# Where one core's time goes",
        "",
        f"Made by `python -m bench.where`{f' on {date}' if date else ''}. Not edited by hand. {machine.describe()}.",
        "",
        METHOD,
        "",
        f"| % of the time | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
        f"| calls/s | {' | '.join(f'{calls:,.0f}' for calls in rates)} |",
        *(f"| {part} | {' | '.join(f'{shares[part]:.1f}' for shares in columns.values())} |" for part, _, _ in PARTS),
    ]
    PAGE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def _measure(ground: Ground, door: str, scenario: str, folder: Path) -> tuple[dict[str, float], float]:
    """The share of each part in per cent, and calls a second."""
    measured = Round(SECONDS + 1, WARMUP, frozenset(), peers.IN_FLIGHT)
    core, samples = machine.cores()[0], folder / "samples"
    with running(peers.GAMEHALL, ground.fresh(), folder / "log", core) as server, ThreadPoolExecutor(1) as beside:
        loaded = beside.submit(measured.load, ground, server, door, scenario, ground.tokens, 1)
        time.sleep(WARMUP + 0.5)
        record = f"perf record -q -F {SAMPLES_PER_SECOND} -o {samples} -C {','.join(map(str, core))} -- sleep {SECONDS}"
        subprocess.run(record.split(), check=True, capture_output=True)
        outcome = loaded.result()
    report = f"perf report -i {samples} --sort comm,dso --stdio -F overhead,comm,dso"
    shares = _shares(subprocess.run(report.split(), check=True, capture_output=True, text=True).stdout)
    print(f"{ground.title} {door} {scenario}: {rate(outcome):,.0f} calls/s", flush=True)
    return shares, rate(outcome)


def _shares(report: str) -> dict[str, float]:
    shares = dict.fromkeys((part for part, _, _ in PARTS), 0.0)
    for share, process, file in (found.groups() for line in report.splitlines() if (found := ENTRY.match(line))):
        if not process.startswith("swapper"):
            shares[next(part for part, name, code in PARTS if re.search(name, process) and re.search(code, file))] += float(share)
    whole = sum(shares.values())
    return {part: share / whole * 100 for part, share in shares.items()}


if __name__ == "__main__":
    main()
