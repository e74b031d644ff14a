"""Reads by key on PostgreSQL that arrive at once: one round trip for all, and nobody pays for another."""

import asyncio
from typing import Any

import pytest
from gamehall_server.kit.errors import Unavailable
from gamehall_server.kit.storage import Database, Handle, Query
from gamehall_server.kit.storage.postgres_together import of_many
from sqlalchemy import BigInteger, Boolean, Numeric, Text, bindparam, func, literal_column, select

from tests.databases import TOYS, PostgresServer, create_tables, notes, opened, shared_postgres, told
from tests.kit.test_storage_postgres import statements_of

note = notes.table
by_id = Query(select(note).where(note.c.id == bindparam("id", type_=BigInteger())), notes.Row, seeks=True)
of_owner = Query(
    select(note.c.title, note.c.title)
    .where(note.c.id == bindparam("id", type_=BigInteger()), note.c.owner == bindparam("owner", type_=Text()))
    .where(note.c.pinned == bindparam("pinned", type_=Boolean())),
    seeks=True,
)
slow = Query(select(func.pg_sleep(bindparam("id", type_=BigInteger())), bindparam("id", type_=BigInteger())), seeks=True)


@pytest.fixture(scope="module")
def url() -> str:
    address = shared_postgres().fresh()
    asyncio.run(create_tables(address, TOYS))
    fill(address)
    return address


@told
async def fill(url: str) -> None:
    async with opened(url) as database:

        async def work(db: Handle) -> None:
            for number in range(1, 51):
                owner = "ann" if number % 2 else "bob"
                db.later(notes.insert, id=number, owner=owner, title=f"note {number}", stars=0, pinned=number % 3 == 0, body=None)

        await database.write(work)


async def titles(database: Database, ids: list[int]) -> list[str | None]:
    rows: list[Any] = await asyncio.gather(*(database.reader().one(by_id, id=id) for id in ids))
    return [None if row is None else row.title for row in rows]


@told
async def test_each_has_its_own_row_and_those_of_none_have_none(url: str) -> None:
    async with opened(url) as database:
        ids = [7, 999, 7, 1, -5, *range(50, 0, -1), 2**40]
        assert await titles(database, ids) == [f"note {id}" if 1 <= id <= 50 else None for id in ids]


@told
async def test_many_at_once_are_two_round_trips(url: str) -> None:
    async with opened(url, most_connections=1) as database:
        # What is prepared at its first use is prepared then.
        await titles(database, [1, 2, 3])
        statements = await statements_of(database)
        await titles(database, list(range(1, 51)))
        assert len(statements) == 2


@told
async def test_one_after_the_other_each_is_asked_as_ever(url: str) -> None:
    async with opened(url, most_connections=1) as database:
        await titles(database, [1])
        statements = await statements_of(database)
        assert [await titles(database, [id]) for id in (3, 4)] == [["note 3"], ["note 4"]]
        assert statements == [by_id.postgres.sql] * 2


@told
async def test_several_parameters_and_names_that_come_twice(url: str) -> None:
    async with opened(url) as database:
        asked = [(id, owner, pinned) for id in range(1, 20) for owner in ("ann", "bob", "O'Neill $1") for pinned in (True, False)]
        rows = await asyncio.gather(*(database.reader().one(of_owner, id=id, owner=owner, pinned=pinned) for id, owner, pinned in asked))
        for (id, owner, pinned), row in zip(asked, rows, strict=True):
            there = owner == ("ann" if id % 2 else "bob") and pinned is (id % 3 == 0)
            assert row == ((f"note {id}",) * 2 if there else None)


@told
async def test_a_value_that_the_driver_does_not_take_is_its_callers_problem_alone(url: str) -> None:
    async with opened(url) as database:
        ids = [1, 2, 2**70, 3]
        told: list[Any] = await asyncio.gather(*(database.reader().one(by_id, id=id) for id in ids), return_exceptions=True)
        assert [row.title for row in (told[0], told[1], told[3])] == ["note 1", "note 2", "note 3"]
        assert isinstance(told[2], Exception)


@told
async def test_one_that_takes_long_holds_up_nobody_for_long(url: str) -> None:
    async with opened(url) as database:
        first = asyncio.create_task(database.reader().one(slow, id=5))
        await asyncio.sleep(0)
        rows = await asyncio.gather(*(database.reader().one(slow, id=0) for _ in range(3)))
        assert (first.done(), [row and row[1] for row in rows]) == (False, [0, 0, 0])
        first.cancel()


@told
async def test_who_goes_away_takes_nobody_along(url: str) -> None:
    async with opened(url) as database:
        waiting = [asyncio.create_task(database.reader().one(by_id, id=id)) for id in range(1, 6)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        waiting[2].cancel()
        told: list[Any] = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(row, asyncio.CancelledError) for row in told] == [True, False, True, False, False]
        assert [told[at].title for at in (1, 3, 4)] == ["note 2", "note 4", "note 5"]
        assert await titles(database, [9]) == ["note 9"]


def test_a_server_that_goes_away_is_unavailable_to_all_and_comes_back(server: PostgresServer) -> None:
    address = server.fresh()
    asyncio.run(create_tables(address, TOYS))
    fill(address)

    async def go() -> None:
        async with opened(address) as database:
            assert await titles(database, [1, 2, 3]) == ["note 1", "note 2", "note 3"]
            await asyncio.to_thread(server.stop)
            told = await asyncio.gather(*(database.reader().one(by_id, id=id) for id in range(1, 9)), return_exceptions=True)
            assert all(isinstance(each, Unavailable) for each in told)
            await asyncio.to_thread(server.start)
            assert await titles(database, [1, 2, 3]) == ["note 1", "note 2", "note 3"]

    asyncio.run(go())


def test_a_parameter_of_another_type_is_not_asked_together() -> None:
    price = Query(select(note).where(note.c.stars == bindparam("stars", type_=Numeric())), seeks=True)
    assert of_many(price.postgres.sql) is None
    assert of_many(Query(select(note)).postgres.sql) is None
    quoted = select(note).where(note.c.id == bindparam("id", type_=BigInteger()), note.c.title == literal_column("'$1'"))
    assert of_many(Query(quoted, seeks=True).postgres.sql) is None
    assert of_many(by_id.postgres.sql) is not None
