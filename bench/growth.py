"""`python -m bench.growth`: what each call costs when there are a thousand records, a hundred thousand, and a million.

Writes docs/benchmarks-growth.md and its curves.
"""

import argparse
import math
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, chdir
from pathlib import Path

from bench import machine
from bench.ground import Ground, Measurement, PostgresGround, SQLiteGround
from bench.measure import Round, cost, median
from bench.postgres import cluster
from bench.servers import ROOT, SERVE, Subject

PAGE = ROOT / "docs" / "benchmarks-growth.md"
SIZES = (1_000, 100_000, 1_000_000)
OBJECTS = 10
TITLES = {"get": "one record", "list": "first page with total", "last": "last page with total", "create": "create"}
GAMEHALL = Subject("gamehall", "Gamehall", SERVE, tuple(TITLES), tuple(TITLES), "native", product=True)
SCENARIOS = frozenset(f"{door}-{scenario}" for door in ("http", "grpc") for scenario in TITLES)
# A logarithm doubles from a thousand to a million; the rest is what two figures of one run differ by.
MOST = math.log(SIZES[-1]) / math.log(SIZES[0]) * 1.1

METHOD = f"""\
So many comments are about {OBJECTS} objects: the lists of one object have from {SIZES[0] // OBJECTS} to {SIZES[-1] // OBJECTS:,} rows,
and every page tells their exact number. Each figure is CPU time per call, of the server and of PostgreSQL's processes together, with the
load of docs/benchmarks.md; it is the median of the rounds. Users are always 1,000. What grows as a logarithm does may cost
{math.log(SIZES[-1]) / math.log(SIZES[0]):.0f} times as much with the most records as with the fewest; the bar adds a tenth for noise."""

Costs = dict[Measurement, dict[int, float]]


def main() -> None:
    """Measures, writes the page and draws the curves."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--date", default="", help="the date to write into the report")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--page", type=Path, default=PAGE)
    told = parser.parse_args()
    page = told.page.resolve()
    costs: Costs = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gamehall-bench-")))
        stack.enter_context(chdir(ROOT))
        postgresql = stack.enter_context(cluster(machine.cores()[2]))
        for size in SIZES:
            (folder / f"{size}").mkdir()
            grounds: tuple[Ground, ...] = (
                SQLiteGround(folder / f"{size}", size, OBJECTS),
                PostgresGround(postgresql, size, OBJECTS),
            )
            measured = Round(told.seconds, 0.5, SCENARIOS, records=size, objects=OBJECTS)
            for number in range(told.rounds):
                for ground in grounds:
                    measured.run(ground, GAMEHALL, number)
            for found, outcomes in measured.outcomes.items():
                failed = [outcome.first_failure for outcome in outcomes if outcome.failures]
                if failed:
                    raise SystemExit(f"{found}: {failed[0]}")
                both = (cost(outcome, "server") + cost(outcome, "database") for outcome in outcomes)
                costs.setdefault(found, {})[size] = median(both)
    plot = page.with_suffix(".svg")
    draw(costs, plot)
    lines = [
        "# Growth",
        "",
        f"Made by `python -m bench.growth`{f' on {told.date}' if told.date else ''}. Not edited by hand. {machine.describe()}.",
        f"{machine.versions()}.",
        "",
        METHOD,
        "",
        f"![Microseconds of CPU per call against the number of records]({plot.name})",
        "",
        *_table(costs),
    ]
    page.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def _table(costs: Costs) -> Iterator[str]:
    yield f"| call | database | {' | '.join(f'{size:,}' for size in SIZES)} | grows | at most | |"
    yield f"|---|---|{'---|' * len(SIZES)}---|---|---|"
    for found, by_size in costs.items():
        grows = by_size[SIZES[-1]] / by_size[SIZES[0]]
        figures = " | ".join(f"{by_size[size]:.1f}" for size in SIZES)
        verdict = "passed" if grows <= MOST else "**missed**"
        yield f"| {_title(found)} | {found.database} | {figures} | {grows:.2f}x | {MOST:.1f}x | {verdict} |"


def _title(found: Measurement) -> str:
    return f"{'HTTP' if found.door == 'http' else 'gRPC'} {TITLES[found.scenario]}"


def draw(costs: Costs, file: Path) -> None:
    """The curves, a panel for each database."""
    import matplotlib as mpl

    mpl.use("svg")
    # The same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "gamehall"
    from matplotlib import pyplot

    databases = list(dict.fromkeys(found.database for found in costs))
    figure, panels = pyplot.subplots(1, len(databases), figsize=(11, 4.5), sharey=True, squeeze=False)
    for panel, database in zip(panels[0], databases, strict=True):
        for found, by_size in costs.items():
            if found.database == database:
                line = "-" if found.door == "http" else "--"
                panel.plot(list(by_size), list(by_size.values()), line, marker="o", label=_title(found))
        panel.set(title=database, xscale="log", xlabel="records", ylim=(0, None))
        panel.grid(visible=True, alpha=0.3)
    panels[0][0].set_ylabel("CPU, microseconds per call")
    panels[0][-1].legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


if __name__ == "__main__":
    main()
