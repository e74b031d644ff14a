"""`python -m bench.lists`: what pages cost in a list of a million rows, wherever they are, written to docs/benchmarks-lists.md."""

import argparse
import asyncio
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import uvloop
from gamehall.comments.v1.comments_pb2 import ListCommentsResponse
from gamehall_server.admin import opened
from gamehall_server.kit.call import Arrival, Call, Scope
from gamehall_server.kit.filters import Chosen, Filter, Parameters, equals
from gamehall_server.kit.page import DEFAULT_SIZE, Page
from gamehall_server.kit.storage import Database, holding, like
from gamehall_server.modules.comments.servicer import comments
from gamehall_server.settings import Settings
from sqlalchemy import bindparam

from bench import dataset, machine
from bench.fill import SQLITE, fill
from bench.measure import verdict
from bench.postgres import cluster
from bench.servers import ROOT

PAGE = ROOT / "docs" / "benchmarks-lists.md"
ROWS, ROUNDS = 1_000_000, 3
TENTHS = range(1, 11)
# The first page is read again after so many pages of a walk, so that both saw the same machine.
BESIDE = 50
TIMES = 2.0
BUSY_MS = 10.0
COLUMNS = comments.table.columns
OBJECT: Parameters = {"context": dataset.CONTEXT, "context_id": "1"}
ON_OBJECT = (equals("context", COLUMNS["context"]), equals("context_id", COLUMNS["context_id"]))
SINCE = Filter("since", lambda value: (None, {}), lambda shape: COLUMNS["created_date"] >= bindparam("since"))
AUTHOR = equals("author", COLUMNS["user_id"])
WORDS = Filter("words", lambda value: (None, {}), lambda shape: like(COLUMNS["content"], "words"))

METHOD = """\
Comments on one object, {rows} of them, pages of {size}. Time is that of `Resource.page`: from the request's values to the rows, within
the server's process, without JSON and sockets, whose cost is the same for every page and would only level the figures. Medians of
{rounds} rounds.

- **walk**: every page from the first to the last, as one caller asks for them; the median page of each tenth of the list. Beside it, after
  every {beside} pages, another caller reads the first page.
- **cold**: nothing is remembered of any list: neither the total, which is counted, nor where any page ends. The first page is just as cold.
- **busy**: the longest CPU time that the event loop's thread spent in one go, seen by a task that does nothing but take turns with it.
- **away**: the longest time between two turns of that task, of each page the best round: a loop that waits for a core looks just as held.
- Lists without an index for their filters or their order show what one is worth; the bars are for the others.
- The bars: a page of the walk and a cold last page cost at most {times:.0f} times the first page; a cold page anywhere keeps the
  loop busy for at most {busy:.0f} ms."""


class Case(NamedTuple):
    """A list. `indexed`: an index has it in this order. The bars are for those; the others are for who wonders what an index is worth."""

    name: str
    order: str
    indexed: bool
    chosen: Chosen
    parameters: Parameters


def cases(rows: int) -> list[Case]:
    """The lists that are read."""
    whole = tuple((filter, None) for filter in ON_OBJECT)
    middle = dataset.START + rows // 2 * 37_000_000
    return [
        Case("its own order", "", True, whole, OBJECT),
        Case("newest first", "created_date:DESC", True, whole, OBJECT),
        Case("since a date: the later half", "", True, (*whole, (SINCE, None)), {**OBJECT, "since": middle}),
        Case("of one author: 0.1 %, no index", "", False, (*whole, (AUTHOR, None)), {**OBJECT, "author": 7}),
        Case("that hold a word: 3 of 4, no index", "", False, (*whole, (WORDS, None)), {**OBJECT, "words": holding("boss")}),
        Case("by their text, no index", "content:ASC", False, whole, OBJECT),
    ]


class Reading:
    """Times of pages in milliseconds, by list and page, and what the loop did meanwhile."""

    def __init__(self, database: Database) -> None:
        self._db = database.reader()
        self.times: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self.busy: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self.away: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    async def page(self, case: Case, number: int, who: str) -> tuple[float, int]:
        """Reads a page: milliseconds, and how many pages there are."""
        call = Call(Arrival("", who, "http"), None, Scope.ALL, 0, self._db)
        begun = time.perf_counter()
        rows = await comments.page(call, case.chosen, case.parameters, Page(number, DEFAULT_SIZE), case.order, ListCommentsResponse)
        took = (time.perf_counter() - begun) * 1e3
        info = rows.info
        assert len(rows.rows) == DEFAULT_SIZE or number >= info.total_pages  # type: ignore[attr-defined]  # It is a PageInfo.
        return took, info.total_pages  # type: ignore[attr-defined]

    async def cold(self, case: Case, number: int, label: str) -> int:
        """Reads a page when nothing is remembered; gives how many there are."""
        assert self._db.kept is not None
        self._db.kept.clear()
        with ticking() as longest:
            # The ticking begins, and goes on until the last turn is seen.
            await asyncio.sleep(0)
            took, pages = await self.page(case, number, "cold")
            await asyncio.sleep(0)
        self.times[case.name, label].append(took)
        self.busy[case.name, label].append(longest[0])
        self.away[case.name, label].append(longest[1])
        return pages

    async def walk(self, case: Case) -> None:
        """Reads every page in turn, and the first again and again."""
        _, pages = await self.page(case, 1, "beside")
        tenths: defaultdict[int, list[float]] = defaultdict(list)
        firsts = []
        for number in range(1, pages + 1):
            took, _ = await self.page(case, number, "walk")
            tenths[-(-10 * number // pages)].append(took)
            if number % BESIDE == 0 or number == pages:
                firsts.append((await self.page(case, 1, "beside"))[0])
        self.times[case.name, "first"].append(median(firsts))
        for tenth, times in tenths.items():
            self.times[case.name, f"walk {tenth}"].append(median(times))

    async def round(self, every: list[Case]) -> None:
        """Each list once."""
        for case in every:
            if case.indexed:
                await self.walk(case)
            pages = await self.cold(case, 1, "cold first")
            for tenth in TENTHS:
                await self.cold(case, max(1, pages * tenth // 10), f"cold {tenth}")


@contextmanager
def ticking() -> Iterator[list[float]]:
    """While it is open, a task takes every other turn of the loop; gives the milliseconds between two turns, at most: CPU time, and all."""
    clocks = (time.thread_time, time.perf_counter)
    longest = [0.0, 0.0]

    async def tick() -> None:
        last = [clock() for clock in clocks]
        while True:
            await asyncio.sleep(0)
            now = [clock() for clock in clocks]
            longest[:] = [max(most, (end - begin) * 1e3) for most, begin, end in zip(longest, last, now, strict=True)]
            last = now

    task = asyncio.ensure_future(tick())
    try:
        yield longest
    finally:
        task.cancel()


async def measure(url: str, rows: int, rounds: int) -> Reading:
    """Every list on one database."""
    async with opened(Settings(database_url=url, root_key=dataset.ROOT_KEY, password_passes=1)) as product:
        reading = Reading(product.database)
        every = cases(rows)
        for case in every:
            # What is done once, such as compiling the statements, belongs to no page.
            await reading.cold(case, 1, "")
            await reading.cold(case, 3, "")
        reading.busy.clear()
        reading.away.clear()
        for number in range(rounds):
            print(f"{product.database.dialect}, round {number + 1} of {rounds}", flush=True)
            await reading.round(every)
        return reading


def report(name: str, reading: Reading, rows: int) -> Iterator[str]:
    """The tables of one database."""

    def figure(case: Case, label: str, first: str) -> str:
        found, one = median(reading.times[case.name, label]), median(reading.times[case.name, first])
        return f"{found:.2f} ({found / one:.1f}x)"

    every = cases(rows)
    tenths = " | ".join(f"{tenth * 10} %" for tenth in TENTHS)
    yield f"## {name}\n\nThe walk: milliseconds per page, and times the first page read beside it.\n"
    yield f"| list | first | {tenths} | |\n|---|---|{'---|' * len(TENTHS)}---|"
    for case in every:
        if case.indexed:
            first = median(reading.times[case.name, "first"])
            slowest = max(median(reading.times[case.name, f"walk {tenth}"]) for tenth in TENTHS)
            figures = " | ".join(figure(case, f"walk {tenth}", "first") for tenth in TENTHS)
            yield f"| {case.name} | {first:.2f} | {figures} | {verdict(slowest <= TIMES * first)} |"
    yield "\nA cold page so far into the list: milliseconds, times the cold first page, and how long the loop was busy and away.\n"
    yield f"| list | first | {tenths} | last | busy | | away |\n|---|---|{'---|' * len(TENTHS)}---|---|---|---|"
    for case in every:
        first, last = (median(reading.times[case.name, label]) for label in ("cold first", "cold 10"))
        busy = max(max(rounds) for (name, _), rounds in reading.busy.items() if name == case.name)
        away = max(min(rounds) for (name, _), rounds in reading.away.items() if name == case.name)
        reached = verdict(last <= TIMES * first) if case.indexed else ""
        figures = " | ".join(figure(case, f"cold {tenth}", "cold first") for tenth in TENTHS)
        yield f"| {case.name} | {first:.2f} | {figures} | {reached} | {busy:.1f} | {verdict(busy <= BUSY_MS)} | {away:.1f} |"


def main() -> None:
    """Measures, prints, and writes the page when the list was as long as it should be."""
    parser = argparse.ArgumentParser(prog="python -m bench.lists", description=__doc__)
    parser.add_argument("--date", default="", help="the date to write into the report")
    parser.add_argument("--rows", type=int, default=ROWS, help="the length of the list; the page is written for a million only")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    told = parser.parse_args()
    texts = [
        "# Lists",
        "",
        f"Made by `python -m bench.lists`{f' on {told.date}' if told.date else ''}. Not edited by hand. {machine.describe()}.",
        "",
        METHOD.format(rows=f"{told.rows:,}", size=DEFAULT_SIZE, rounds=told.rounds, beside=BESIDE, times=TIMES, busy=BUSY_MS),
    ]
    with tempfile.TemporaryDirectory(prefix="gamehall-bench-") as folder, cluster(machine.cores()[2]) as postgres:
        asyncio.run(postgres.run("CREATE DATABASE lists"))
        for name, url in {"SQLite": f"{SQLITE}{Path(folder) / 'lists.db'}", "PostgreSQL": postgres.url("lists")}.items():
            fill(url, told.rows, objects=1)
            found = uvloop.run(measure(url, told.rows, told.rounds))
            texts += ["", *report(name, found, told.rows)]
    text = "\n".join(texts) + "\n"
    print(text)
    if told.rows == ROWS:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
