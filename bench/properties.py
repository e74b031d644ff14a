"""`python -m bench.properties`: what typed properties cost, written to docs/benchmarks-properties.md.

What a template adds to a write, what properties add to a page, and what a filter by a property costs in a long list, on both databases.
"""

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import uvloop
from gamehall.categories.v1.categories_pb2 import Category, ListCategoriesRequest
from gamehall.comments.v1.comments_pb2 import ListCommentsRequest
from gamehall.common.v1.property_definition_pb2 import PropertyDefinition
from gamehall.templates.v1.template_pb2 import Template
from gamehall_bridge.binding import Binding
from gamehall_bridge.routes import routes_of
from gamehall_server.admin import opened
from gamehall_server.kit.call import Arrival
from gamehall_server.kit.errors import Violation
from gamehall_server.kit.properties import definitions_of, sound
from gamehall_server.kit.rows import forget_shown
from gamehall_server.main import Product
from gamehall_server.serve import spare_the_collector
from gamehall_server.settings import Settings

from bench import dataset, machine
from bench.fill import SQLITE, fill
from bench.measure import verdict
from bench.postgres import Cluster, cluster
from bench.servers import ROOT

PAGE = ROOT / "docs" / "benchmarks-properties.md"
SHOWN, SIZES, MATCHES, PROPERTIES = 1_000, (10_000, 1_000_000), 100, 10
CALLS, ROUNDS = 300, 9
MOST_US, MOST_PAGE, MOST_FILTER = 60.0, 1.6, 2.0
COLUMNS = ("id", "name", "active", "additional_properties", "template")
VALUES = ("kind", "record", "name", "template_id", "text", "number")
TEMPLATE = "id, kind, name, allow_additional, created_date, updated_date"

METHOD = f"""\
In process, on one thread: from a request's message to the bytes of its answer, without sockets, whose cost is the same for all,
and with the garbage collector as `serve` has it. Medians of {ROUNDS} interleaved rounds of {CALLS} calls.

- **A write**: a record of {PROPERTIES} properties held to a template of as many definitions with limits, beside nothing.
- **A page**: 25 categories with three properties each, beside 25 comments with their authors, both of {SHOWN:,} and with
  their exact number.
- **A filter**: {MATCHES} records of all have the value; a page of 25 of them, with their exact number, in lists of {SIZES[0]:,}
  and {SIZES[1]:,}."""


def record() -> Category:
    """A record of ten properties."""
    made = Category(name="n", template="t")
    for number in range(PROPERTIES):
        made.additional_properties[f"p{number}"].CopyFrom(_value(number))
    return made


def _value(number: int) -> Any:
    from gamehall.common.v1.property_pb2 import Property

    made = Property()
    if number % 3 == 0:
        made.text.value = f"value {number}"
    elif number % 3 == 1:
        made.long.value = number
    else:
        made.double.value = number / 7
    return made


def template() -> Template:
    """Ten definitions with limits."""
    made = Template(name="t")
    for number in range(PROPERTIES):
        definition = PropertyDefinition(name=f"p{number}", required=True)
        if number % 3 == 0:
            definition.text.max_length = 100
        elif number % 3 == 1:
            definition.long.max = 100
        else:
            definition.double.min = -1
        made.properties.append(definition)
    return made


def validation() -> float:
    """Microseconds that a template adds to a write."""
    kept = Template(properties=template().properties).SerializeToString(deterministic=True)
    one = record()

    def held() -> None:
        wrong: list[Violation] = []
        sound(one.additional_properties, "category.additional_properties.", wrong)
        definitions_of(Template, kept, False).hold(one.additional_properties, "category.additional_properties.", wrong)
        assert not wrong

    held()
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(CALLS):
            held()
        times.append((time.perf_counter() - begun) / CALLS)
    return median(times) * 1e6


def rows(size: int) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Categories with three properties, of which few have the color that is looked for."""
    alone = Category()
    for at, name in enumerate(("color", "level", "motto")):
        alone.additional_properties[name].CopyFrom(_value(at))
    step = max(1, size // MATCHES)
    for number in range(size):
        id = f"{number:024x}"
        alone.additional_properties["level"].long.value = number
        kept = alone.SerializeToString(deterministic=True)
        color = "rare" if number % step == 0 else f"color {number % 50}"
        yield (id, f"Category {number}", True, kept, None), ("category", id, "color", "t", color, None)


def filled(url: str, size: int) -> None:
    """Fills a database whole."""
    fill(url, 10_000, 10)
    asyncio.run(fill_more(url, size))


async def fill_more(url: str, size: int) -> None:
    """Adds categories and what lists find them by to a database that is filled with comments."""
    if url.startswith(SQLITE):
        connection = sqlite3.connect(url.removeprefix(SQLITE))
        connection.execute(f"INSERT INTO template ({TEMPLATE}) VALUES ('t', 'category', 't', 1, 0, 0)")
        connection.execute("INSERT INTO indexed_property (template_id, name, kind) VALUES ('t', 'color', 'category')")
        connection.executemany(f"INSERT INTO category ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?)", (each for each, _ in rows(size)))
        connection.executemany(
            f"INSERT INTO property_value ({', '.join(VALUES)}) VALUES (?, ?, ?, ?, ?, ?)", (each for _, each in rows(size))
        )
        connection.commit()
        connection.execute("ANALYZE")
        connection.close()
        return
    database = await asyncpg.connect(url)
    await database.execute(f"INSERT INTO template ({TEMPLATE}) VALUES ('t', 'category', 't', true, 0, 0)")
    await database.execute("INSERT INTO indexed_property (template_id, name, kind) VALUES ('t', 'color', 'category')")
    await database.copy_records_to_table("category", records=(each for each, _ in rows(size)), columns=COLUMNS)
    await database.copy_records_to_table("property_value", records=(each for _, each in rows(size)), columns=VALUES)
    await database.execute("VACUUM ANALYZE")
    await database.close()


def fresh(postgresql: Cluster, name: str) -> str:
    """The address of a new database."""
    asyncio.run(postgresql.run(f"CREATE DATABASE {name}"))
    return postgresql.url(name)


class Asked:
    """One list, as both doors answer it."""

    def __init__(self, product: Product, method: str, request: Any) -> None:
        self._app, self._request = product.app, request
        self._rpc = next(rpc for name, rpc in product.app.rpcs.items() if name.endswith(f"/{method}"))
        self._binding = Binding(next(iter(routes_of(self._rpc))))

    async def http(self) -> bytes:
        """JSON."""
        return self._binding.write(await self._app.invoke(self._rpc, self._request, Arrival("r", "127.0.0.1", "http")))

    async def first(self) -> bytes:
        """JSON of what no page has shown lately."""
        forget_shown()
        return await self.http()

    async def grpc(self) -> bytes:
        """Protobuf."""
        page: Any = await self._app.invoke(self._rpc, self._request, Arrival("r", "127.0.0.1", "grpc"))
        packed: bytes = page.message().SerializeToString()
        return packed


async def compare(*calls: Callable[[], Awaitable[bytes]]) -> list[float]:
    """Microseconds of each, interleaved."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        assert await call()
    for _ in range(ROUNDS):
        for call, into in zip(calls, times, strict=True):
            begun = time.perf_counter()
            for _ in range(CALLS):
                await call()
            into.append((time.perf_counter() - begun) / CALLS)
    return [median(each) * 1e6 for each in times]


async def measure(urls: list[str]) -> tuple[list[float], list[float]]:
    """Pages (comments and categories, by both doors), and filters in the shorter and in the longer list."""
    async with AsyncExitStack() as stack:
        spare_the_collector()
        few, short, long = [
            await stack.enter_async_context(opened(Settings(database_url=url, root_key=dataset.ROOT_KEY, password_passes=1)))
            for url in urls
        ]
        comments = Asked(few, "ListComments", ListCommentsRequest(context=dataset.CONTEXT, context_id="1"))
        plain = Asked(few, "ListCategories", ListCategoriesRequest())
        pages = await compare(comments.http, plain.http, plain.first, comments.grpc, plain.grpc)
        rare = ListCategoriesRequest(size=25, filter_property="color:rare")
        found = [Asked(product, "ListCategories", rare).http for product in (short, long)]
        return pages, await compare(*found)


def main() -> None:
    """Measures and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.properties", description=__doc__)
    parser.add_argument("--date", default="", help="the date to write into the report")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--rows", type=int, default=SIZES[1], help="records of the longer list")
    told = parser.parse_args()
    sizes = (SHOWN, min(SIZES[0], told.rows), told.rows)
    lines = ["# Properties", "", f"Made by `python -m bench.properties`{f' on {told.date}' if told.date else ''}. Not edited by hand."]
    lines += [f"{machine.describe()}.", f"{machine.versions()}.", "", METHOD, "", "| what | database | beside | us | times | at most | |"]
    lines += ["|---|---|---|---|---|---|---|"]
    added = validation()
    lines.append(f"| a write held to its template | | | {added:.1f} | | {MOST_US:.0f} us | {verdict(added < MOST_US)} |")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gamehall-bench-")))
        postgresql = stack.enter_context(cluster(machine.cores()[0]))
        # A million rows leave a heap behind in which whatever comes next is slower.
        apart = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        for name in ("SQLite", "PostgreSQL"):
            urls = [f"{SQLITE}{folder}/{at}.db" if name == "SQLite" else fresh(postgresql, f"bench_{at}") for at in range(len(sizes))]
            for url, size in zip(urls, sizes, strict=True):
                apart.submit(filled, url, size).result()
            (comments, plain, first, packed, packed_plain), (short, long) = uvloop.run(measure(urls))
            for what, beside, cost, most in (
                ("a page over HTTP", comments, plain, MOST_PAGE),
                ("a page over HTTP that nobody saw lately", comments, first, MOST_PAGE),
                ("a page over gRPC", packed, packed_plain, MOST_PAGE),
                (f"a filter among {sizes[2]:,}", short, long, MOST_FILTER),
            ):
                passed = verdict(cost <= most * beside)
                lines.append(f"| {what} | {name} | {beside:.0f} us | {cost:.0f} | {cost / beside:.2f}x | {most}x | {passed} |")
    told.page.resolve().write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
