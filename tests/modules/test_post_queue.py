"""Which posts of a lane are next, on both databases."""

import asyncio

import pytest
from gamehall_server.kit.clock import real_micros
from gamehall_server.modules.forwards import tables
from gamehall_server.modules.forwards.tables import Forward, add, forwards

from tests.databases import create_tables, fresh_database, opened, told

LANE = "webhook/1"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    address = fresh_database(request.param, tmp_path)
    asyncio.run(create_tables(address, [forwards.table]))
    return address


async def keep(database, *keys):
    """A post for each of these keys, in this order."""

    async def work(db):
        for key in keys:
            add(db, Forward("webhook", "1", key, "{}", real_micros()))

    await database.write(work)


async def next_of(database, after, most):
    return await tables.ready(database.reader(), LANE, after, real_micros(), most)


@told
async def test_the_first_of_each_key_is_next_and_keys_take_turns(url):
    async with opened(url) as database:
        await keep(database, *("dcba" * 30))

        assert sorted((await next_of(database, None, 10)).values()) == ["a", "b", "c", "d"]
        assert list((await next_of(database, None, 3)).values()) == ["a", "b", "c"]
        assert list((await next_of(database, "c", 3)).values()) == ["d", "a", "b"]
        assert list((await next_of(database, "z", 1)).values()) == ["a"]
        assert sorted(await next_of(database, None, 10)) == sorted((await next_of(database, "b", 10)).keys())


@told
async def test_what_is_under_way_or_waits_for_its_next_try_holds_up_its_own_key_alone(url):
    async with opened(url) as database:
        await keep(database, *("ab" * 3))
        first = {key: id for id, key in (await next_of(database, None, 2)).items()}
        now = real_micros()

        async def claim(db):
            return await tables.claim(db, [first["a"]], now, now + 60_000_000)

        assert [row[0] for row in await database.write(claim)] == [first["a"]]
        assert await database.write(claim) == []
        assert list((await next_of(database, None, 9)).values()) == ["b"]
        assert await tables.lanes(database.reader(), real_micros()) == [LANE]


@told
async def test_a_lane_that_waits_for_later_is_not_looked_at(url):
    async with opened(url) as database:
        await keep(database, "a")
        (id,) = await next_of(database, None, 1)
        await database.write(lambda db: tables.claim(db, [id], real_micros(), real_micros() + 60_000_000))

        assert await tables.lanes(database.reader(), real_micros()) == []
        assert await tables.lanes(database.reader(), real_micros() + 61_000_000) == [LANE]
