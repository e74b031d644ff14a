"""How long a start on an existing database takes, and what it holds: the product as it is, and with the rest of the published API beside
it (bench/standin.py), as it will be one day.

Writes docs/benchmarks-start.md. `--rounds 2 --page build/start.md` is a quick look.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import chdir
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench import machine, standin
from bench.published import operations
from bench.servers import ROOT, SERVE, DidNotStart, Subject, ask, environment, running

PAGE = ROOT / "docs" / "benchmarks-start.md"
ROUNDS = 9
# Seconds to the first answer, and millions of bytes after it.
SECONDS, MEMORY_MB = 1.0, 150


class Start(NamedTuple):
    """One start: seconds and CPU seconds to the first answer, and the memory then."""

    seconds: float
    cpu: float
    memory: float


def start(command: str, url: str, folder: Path) -> Start:
    """Starts a server and asks it for a page of countries: a call that goes through the database."""
    with running(Subject("start", "start", command, http=("list",)), url, folder / "server.log") as server:
        status, answer = ask(server.http_port, "GET", "/location/countries", "")
        seconds = time.perf_counter() - server.started
        if status != 200:
            raise DidNotStart(f"{answer}")
        return Start(seconds, machine.cpu_seconds(server.pid), machine.memory_mb(server.pid))


def prepared(folder: Path) -> dict[str, str]:
    """The commands that are measured, by what they serve; their databases are there, and every file was compiled by a first start."""
    script = standin.write(folder)
    whole = f"{script}{SERVE.removeprefix('-m gamehall_server')}"
    url = f"sqlite:///{folder / 'whole.db'}"
    for arguments in (["-m", "gamehall_server", "migrate", "--database-url", url], [str(script), "tables", url]):
        subprocess.run([sys.executable, *arguments], env=environment(url), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return {"the product as it is": SERVE, f"with {len(standin.unwritten())} stand-in operations": whole}


def main() -> None:
    """Measures and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=__doc__)
    parser.add_argument("--date", default="", help="the date to write into the report")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--page", type=Path, default=PAGE)
    told = parser.parse_args()
    page = told.page.resolve()
    with tempfile.TemporaryDirectory(prefix="gamehall-start-") as name, chdir(name):
        folder = Path(name)
        commands = prepared(folder)
        found: dict[str, list[Start]] = {title: [] for title in commands}
        for number in range(-1, told.rounds):
            for title, command in commands.items():
                measured = start(command, f"sqlite:///{folder / 'whole.db'}", folder)
                if number >= 0:
                    found[title].append(measured)
    current = sum(not operation.until for operation in operations())
    lines = [
        "# The start",
        "",
        f"Made by `python -m bench.start`{f' on {told.date}' if told.date else ''}. Not edited by hand. {machine.describe()}.",
        "",
        f"`gamehall serve` on an existing SQLite file, from the start of the process to the answer of `GET /location/countries`: medians of"
        f" {told.rounds} interleaved rounds. The stand-in fills the contract up to the {current} published operations, with protobuf"
        " modules, tables, resources and servicers of its own.",
        "",
        "| what | first answer | CPU | memory | bar | |",
        "|---|---|---|---|---|---|",
    ]
    for title, starts in found.items():
        seconds, cpu, memory = (median(each[part] for each in starts) for part in range(3))
        result = "passed" if seconds < SECONDS and memory < MEMORY_MB else "**missed**"
        lines.append(f"| {title} | {seconds:.2f} s | {cpu:.2f} s | {memory:.0f} MB | {SECONDS} s, {MEMORY_MB} MB | {result} |")
        print(lines[-1], flush=True)
    page.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
