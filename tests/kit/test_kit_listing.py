"""Pages against a plain Python model: every order, ties and nulls, jumps and walks, with and without changes meanwhile."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from gamehall.options.v1 import options_pb2
from gamehall_server.kit import listing
from gamehall_server.kit.errors import Conflict
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.storage import Handle
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.databases import create_tables, fresh_database
from tests.kit.things import SHOWN, TABLES, Shelf, Thing, ThingRow, in_order, shelf, things

thorough = settings(max_examples=60, deadline=None, database=None)
PARTS = (
    st.sampled_from(["", "a", "A", "b", "é", "z z"]),
    st.none() | st.sampled_from(["", "x", "y"]),
    st.none() | st.integers(-1, 1),
    st.booleans(),
    st.integers(0, 3).map(lambda half: half * 500_000),
)
ROWS = st.lists(st.tuples(*PARTS), max_size=24).map(lambda rows: [(number, *row) for number, row in enumerate(rows, 1)])
ORDERS = st.lists(st.tuples(st.sampled_from(list(SHOWN)), st.booleans()), max_size=3, unique_by=lambda pair: pair[0])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database, with limits so low that short lists count as long and near as far."""
    address = fresh_database(request.param, tmp_path_factory.mktemp("listing"))
    asyncio.run(create_tables(address, TABLES))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "NEAR", 3)
        patch.setattr(listing, "LARGE", 5)
        patch.setattr(listing, "MOST_PAGES", 3)
        patch.setattr(listing, "USUAL", frozenset({2, 5}))
        yield address


def spelt(order: list[tuple[str, bool]]) -> str:
    return ",".join(f"{name}:{'ASC' if rises else 'DESC'}" for name, rises in order)


def told(answer: Any) -> tuple[Any, ...]:
    info = answer.page_info
    assert info.number_of_elements == len(answer.content)
    return [thing.id for thing in answer.content], info.number, info.total_elements, info.total_pages, info.first, info.last


def expected(rows: list[Thing], number: int, size: int) -> tuple[Any, ...]:
    pages = -(-len(rows) // size)
    return [row[0] for row in rows[(number - 1) * size : number * size]], number - 1, len(rows), pages, number == 1, number >= pages


@thorough
@given(ROWS, ORDERS, st.integers(1, 7), st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_a_page_holds_what_its_number_says_however_one_came_there(url, rows, order, size, jumps):
    """Of a list that does not change, whoever jumps, walks, goes back or comes for the first time sees the same."""
    wanted = in_order(rows, order)

    async def story() -> None:
        async with shelf(url) as here:
            await here.put(*rows)
            pages = [*jumps, *range(1, len(rows) // size + 3), *reversed(jumps)]
            for number in pages:
                assert told(await here.ask(page=number, size=size, order=spelt(order))) == expected(wanted, number, size), number
            for number in jumps:
                assert told(await here.ask(f"stranger{number}", page=number, size=size, order=spelt(order))) == expected(
                    wanted, number, size
                )

    asyncio.run(story())


CHANGES = st.lists(st.lists(st.tuples(*PARTS) | st.integers(1, 24), max_size=4), max_size=12)


@thorough
@given(ROWS, ORDERS, st.integers(1, 5), CHANGES)
def test_who_walks_meets_once_and_in_order_what_was_there_all_along(url, rows, order, size, changes):
    """Whatever is added or removed between two pages; and each page agrees with itself."""

    async def story() -> None:
        async with shelf(url) as here:
            await here.put(*rows)
            there, constant, number, met = list(rows), {row[0] for row in rows}, 0, []
            while True:
                number += 1
                answer = await here.ask(page=number, size=size, order=spelt(order))
                met.extend(_consistent(answer, number, size, len(there)))
                if answer.page_info.last:
                    break
                for change in changes[number - 1] if number <= len(changes) else []:
                    there = await _apply(here, change, there)
                constant &= {row[0] for row in there}
            assert [id for id in met if id in constant] == [row[0] for row in in_order(rows, order) if row[0] in constant]

    asyncio.run(story())


def _consistent(answer: Any, number: int, size: int, total: int) -> list[int]:
    info = answer.page_info
    assert info.total_elements == total
    assert (info.number, info.first, info.size) == (number - 1, number == 1, size)
    assert info.number_of_elements == len(answer.content)
    assert info.last is (info.total_pages <= number)
    assert info.last or len(answer.content) == size
    return [thing.id for thing in answer.content]


async def _apply(here: Shelf, change: Any, there: list[Thing]) -> list[Thing]:
    if isinstance(change, int):
        await here.take(change)
        return [row for row in there if row[0] != change]
    new = (max([100, *(row[0] for row in there)]) + 1, *change)
    await here.put(new)
    return [*there, new]


def test_two_who_walk_the_same_list_do_not_disturb_each_other(url):
    async def story() -> None:
        async with shelf(url) as here:
            await here.put(*((number, "a", None, 0, False, 0) for number in range(10, 30)))
            first = await here.ids("ann", size=5)
            await here.put(*((number, "a", None, 0, False, 0) for number in range(1, 6)))
            assert await here.ids("bob", size=5) == [1, 2, 3, 4, 5]
            second = await here.ids("ann", size=5, page=2)
            assert (first, second) == ([10, 11, 12, 13, 14], [15, 16, 17, 18, 19])
            assert await here.ids("bob", size=5, page=2) == [10, 11, 12, 13, 14]

    asyncio.run(story())


def test_what_was_seen_long_ago_is_forgotten(url):
    async def story() -> None:
        async with shelf(url) as here:
            await here.put(*((number, "a", None, 0, False, 0) for number in range(10, 30)))
            await here.ask(size=5)
            await here.put((1, "a", None, 0, False, 0))
            later = await here.ask(size=5, page=2, now=listing.LASTS)
            assert [thing.id for thing in later.content] == [14, 15, 16, 17, 18]

    asyncio.run(story())


def test_a_total_that_is_remembered_is_that_of_now(url):
    """Also when a row comes or goes through another table, and while many write."""

    async def story() -> None:
        async with shelf(url) as here:
            await here.put(*((number, "a", None, 0, False, 0) for number in range(1, 31)), tags=[(n, "red") for n in range(1, 21)])
            for gone in range(1, 11):
                for _ in range(3):
                    assert (await here.ask(size=5)).page_info.total_elements == 31 - gone
                    assert (await here.ask(size=5, filter_tagset="red")).page_info.total_elements == 21 - gone
                await here.take(gone)
            numbers = range(1000, 1040)
            writes = [asyncio.ensure_future(here.put((number, "a", None, 0, False, 0))) for number in numbers]
            while not all(write.done() for write in writes):
                answer = await here.ask(size=1000)
                assert answer.page_info.total_elements == len(answer.content)
                await asyncio.sleep(0)
            await asyncio.gather(*writes)
            assert (await here.ask(size=5)).page_info.total_elements == 60

    asyncio.run(story())


def test_what_is_remembered_has_an_end(url):
    async def story() -> None:
        async with shelf(url) as here:
            await here.put(*((number, "a" * 3_000, None, 0, False, 0) for number in range(1, 31)))
            for number in range(1, 11):
                await here.ask(size=3, page=number)
                assert await here.ids(size=3, page=number, order="name") == [3 * number - 2, 3 * number - 1, 3 * number]
            (memory,) = here.database.reader().kept.values()
            assert [list(pages) for pages in memory.walks.values()] == [[7, 8, 9]]
            assert len(memory.firsts) == 1, "of long texts nothing is kept"

    asyncio.run(story())


def test_in_a_transaction_a_list_has_what_was_written_there_and_nothing_of_it_is_remembered(url):
    """Whoever reads beside it, or after it failed, sees what is committed."""

    async def story() -> None:
        async with shelf(url) as here:
            await here.put(*((number, "a", None, 0, False, 0) for number in range(1, 31)))
            await here.ask("ann", size=5)

            async def work(db: Handle) -> None:
                db.later(things.insert, id=31, name="a", motto=None, stars=0, pinned=False, made=0)
                for page, ids in [(1, [1, 2, 3, 4, 5]), (4, [16, 17, 18, 19, 20]), (7, [31]), (9, [])]:
                    answer = await here.ask("ann", db=db, size=5, page=page)
                    assert ([thing.id for thing in answer.content], answer.page_info.total_elements) == (ids, 31)
                raise Conflict("not this time")

            with pytest.raises(Conflict):
                await here.database.write(work)
            assert (await here.ask("ann", size=5)).page_info.total_elements == 30
            assert await here.ids("ann", size=5, page=7) == []

    asyncio.run(story())


def test_what_not_everybody_may_read_is_nothing_to_sort_by():
    """The order of users by their addresses would tell the addresses."""
    file = descriptor_pb2.FileDescriptorProto(name="secrets.proto", package="secrets", syntax="proto3")
    message = file.message_type.add(name="Thing")
    rules = {"name": {}, "motto": {"private": True}, "stars": {"secret": True}}
    for number, (name, rule) in enumerate(rules.items(), 1):
        field = message.field.add(name=name, number=number, type=SHOWN[name], label=1)
        field.options.Extensions[options_pb2.field].CopyFrom(options_pb2.FieldRules(**rule))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())

    thing = message_factory.GetMessageClass(pool.FindMessageTypeByName("secrets.Thing"))

    assert Resource(ThingRow, thing).sortable == {"name"}
