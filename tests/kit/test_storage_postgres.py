"""What is particular to PostgreSQL: round trips, locks between processes, and a server that may go away."""

import asyncio
from typing import Any

import asyncpg
import pytest
from gamehall_server.kit.errors import Conflict, Unavailable
from gamehall_server.kit.storage import Database, Handle, Query
from gamehall_server.modules.forwards.tables import Forward, add, forwards
from sqlalchemy import bindparam, delete, func, insert, select, update

from tests.databases import TOYS, PostgresServer, create_tables, notes, opened, shared_postgres, tags, told
from tests.kit.things import TABLES, Shelf, shelf

note = notes.table
count = Query(select(func.count()).select_from(note))
star = Query(update(note).where(note.c.id == bindparam("key")).values(stars=bindparam("stars")))


@pytest.fixture
def url() -> str:
    address = shared_postgres().fresh()
    asyncio.run(create_tables(address, TOYS))
    return address


async def jot(db: Handle, title: str) -> int:
    number = await db.new_id("note")
    db.later(notes.insert, id=number, owner="ann", title=title, stars=0, pinned=False, body=None)
    return number


async def statements_of(database: Database) -> list[str]:
    """Fills with the statements of a pool's only connection."""
    statements: list[str] = []
    pool: Any = database.pool  # type: ignore[attr-defined]
    connection = await pool.take()
    connection.add_query_logger(lambda record: statements.append(record.query))
    pool.give(connection)
    return statements


@told
async def test_a_call_that_only_defers_is_one_round_trip(url: str) -> None:
    async with opened(url, most_connections=1) as database:

        async def work(db: Handle) -> None:
            number = await jot(db, "tagged")
            db.later(tags.insert, note_id=number, word="red")
            db.later(tags.insert, note_id=number, word="blue")

        await database.write(lambda db: jot(db, "first"))
        statements = await statements_of(database)

        await database.write(work)

        assert len(statements) == 1
        assert statements[0].startswith("WITH ")
        assert await database.reader().value(count) == 2
        assert sorted(await database.reader().all(Query(select(tags.table.c.word)))) == [("blue",), ("red",)]


@told
async def test_writes_that_depend_on_their_order_are_not_joined(url: str) -> None:
    async with opened(url, most_connections=1) as database:
        number = await database.write(lambda db: jot(db, "one"))
        twice = Query(update(note).where(note.c.id == bindparam("key")).values(stars=note.c.stars * 2 + 1))
        copied = Query(insert(tags.table).from_select(["note_id", "word"], select(note.c.id, note.c.title)))
        statements = await statements_of(database)

        async def work(db: Handle) -> None:
            db.later(twice, key=number)
            db.later(copied)
            db.later(twice, key=number)

        await database.write(work)

        assert len(statements) == 5
        row = await database.reader().one(notes.get, id=number)
        assert row is not None
        assert row.stars == 3


@told
async def test_one_write_with_many_values_is_one_round_trip_all_or_nothing(url: str) -> None:
    async with opened(url, most_connections=1) as database:
        number = await database.write(lambda db: jot(db, "one"))
        step = Query(update(note).where(note.c.id == bindparam("key")).values(stars=note.c.stars * 10 + bindparam("more")))
        statements = await statements_of(database)

        async def work(db: Handle) -> None:
            for more in (1, 2, 3):
                db.later(step, key=number, more=more)

        async def too_much(db: Handle) -> None:
            for more in (4, 5, 2**63 - 1):
                db.later(step, key=number, more=more)

        await database.write(work)
        row = await database.reader().one(notes.get, id=number)
        assert row is not None
        assert row.stars == 123
        assert statements[0].startswith("UPDATE ")
        assert "BEGIN" not in statements

        with pytest.raises(asyncpg.DataError):
            await database.write(too_much)
        assert await database.reader().one(notes.get, id=number) == row


@told
async def test_many_deferred_writes_are_exact(url: str) -> None:
    async with opened(url) as database:

        async def work(db: Handle) -> None:
            for n in range(100):
                number = await jot(db, str(n))
                db.later(tags.insert, note_id=number, word=str(n))
            db.later(Query(delete(tags.table).where(tags.table.c.word == "7")))

        await database.write(work)

        assert await database.reader().value(count) == 100
        assert await database.reader().value(Query(select(func.count()).select_from(tags.table))) == 99


@told
async def test_a_deadlock_is_resolved_by_running_again(url: str) -> None:
    async with opened(url) as database:
        one = await database.write(lambda db: jot(db, "one"))
        two = await database.write(lambda db: jot(db, "two"))
        tries: list[str] = []
        # Each has what the other one wants next, before either asks for it.
        both = asyncio.Barrier(2)

        async def work(db: Handle, first: int, second: int) -> None:
            again = f"from {first}" in tries
            tries.append(f"from {first}")
            for number in (first, second):
                row = await db.one(notes.lock, id=number)
                assert row is not None
                await db.run(star, key=number, stars=row.stars + 1)
                if number == first and not again:
                    await both.wait()

        await asyncio.gather(database.write(lambda db: work(db, one, two)), database.write(lambda db: work(db, two, one)))

        assert len(tries) > 2
        assert {row.stars for row in await database.reader().all(Query(select(note), notes.Row))} == {2}


@told
async def test_a_row_that_stays_locked_is_a_conflict(url: str) -> None:
    async with opened(url) as database:
        number = await database.write(lambda db: jot(db, "held"))
        stranger = await asyncpg.connect(url)
        await stranger.execute("BEGIN")
        await stranger.execute(f"UPDATE note SET stars = 1 WHERE id = {number}")

        with pytest.raises(Conflict):
            await database.write(lambda db: db.run(star, key=number, stars=2))

        await stranger.close()
        assert await database.write(lambda db: db.run(star, key=number, stars=3)) == 1


@told
async def test_two_processes_give_different_numbers(url: str) -> None:
    async with opened(url) as one, opened(url) as two:
        numbers = await asyncio.gather(
            *(database.write(lambda db, n=n, d=d: jot(db, f"{d} {n}")) for n in range(100) for d, database in enumerate((one, two)))  # type: ignore[misc]
        )

        assert len(set(numbers)) == 200


@told
async def test_a_caller_that_goes_away_leaves_no_lock_and_no_connection_behind(url: str) -> None:
    async with opened(url, most_connections=1) as database:
        number = await database.write(lambda db: jot(db, "locked"))

        async def work(db: Handle) -> None:
            await db.run(star, key=number, stars=7)
            await asyncio.sleep(3600)

        call = asyncio.ensure_future(database.write(work))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        row = await database.write(lambda db: db.one(notes.lock, id=number))
        assert row is not None
        assert row.stars == 0


@told
async def test_who_goes_away_while_a_connection_is_looked_at_loses_none(url: str) -> None:
    async with opened(url) as database:
        pool: Any = database.pool  # type: ignore[attr-defined]
        connection = await pool.take()
        pool.give(connection)
        pool._free = [(connection, -1e9)]
        taker = asyncio.ensure_future(pool.take())
        await asyncio.sleep(0)
        taker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taker

        assert await pool.take() is connection
        pool.give(connection)


@told
async def test_a_commit_goes_on_when_its_caller_goes_away(url: str) -> None:
    async with opened(url) as database:
        await database.write(lambda db: jot(db, "first"))
        heard: list[str] = []

        async def work(db: Handle) -> None:
            db.after(lambda: heard.append("committed"))
            await db.value(count)
            await jot(db, "orphan")

        call = asyncio.ensure_future(database.write(work))
        while not database._ending:  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await database.close()

        assert heard == ["committed"]
        await database.open()
        assert await database.reader().value(count) == 2


def test_a_server_that_goes_away_is_unavailable_and_comes_back_by_itself(server: PostgresServer) -> None:
    url = server.fresh()

    async def hundred(database: Database) -> None:
        await asyncio.gather(*(database.reader().value(count) for _ in range(100)))

    async def read_and_write(db: Handle) -> int:
        await db.value(count)
        return await jot(db, f"after {await db.value(count)}")

    async def story() -> None:
        await create_tables(url, TOYS)
        async with opened(url) as database:
            await database.write(lambda db: jot(db, "kept"))
            await hundred(database)

            # The loop sees nothing of a restart that happens while it is held up; its idle connections are dead.
            server.stop()
            server.start()
            await hundred(database)
            server.stop()
            server.start()
            await database.write(read_and_write)

            server.stop()
            for attempt in (database.ping(), database.write(read_and_write), database.write(lambda db: jot(db, "lost"))):
                with pytest.raises(Unavailable) as refused:
                    await attempt
                assert refused.value.retry_after == 1
            server.start()
            await database.write(lambda db: jot(db, "back"))
            titles = await database.reader().all(Query(select(note.c.title).order_by(note.c.id)))
            assert titles == [("kept",), ("after 1",), ("back",)]

    asyncio.run(story())


@told
async def test_a_server_that_is_not_there_is_unavailable_at_the_start() -> None:
    with pytest.raises(Unavailable):
        async with opened("postgresql://nobody@127.0.0.1:1/nothing"):
            pass


@told
async def test_a_migration_beside_us_that_changes_a_type_fails_no_transaction(url: str) -> None:
    async with opened(url, most_connections=2) as database:

        async def work(db: Handle) -> Any:
            await db.run(star, key=1, stars=5)
            return await db.one(notes.get, id=1)

        await database.write(lambda db: jot(db, "before"))
        await database.write(work)
        other = await asyncpg.connect(url)
        await other.execute('ALTER TABLE note ALTER title TYPE varchar COLLATE "POSIX"')
        await other.close()

        assert (await database.write(work)).title == "before"


@told
async def test_rows_that_the_database_numbers_stand_in_the_order_of_their_writes() -> None:
    """Whatever is written between them: the parts of one statement are carried out in no certain order."""
    address = shared_postgres().fresh()
    await create_tables(address, [*TOYS, forwards.table])
    read = Query(select(forwards.table.c.key).order_by(forwards.table.c.id))
    async with opened(address) as database:

        async def write(db: Handle) -> None:
            for number in range(40):
                add(db, Forward("x", "x", str(number), "{}", number))
                if number % 7 == 3:
                    db.later(star, key=1, stars=number)

        await database.write(write)

        assert [int(key) for (key,) in await database.reader().all(read)] == list(range(40))


@told
async def test_a_usual_page_is_planned_once() -> None:
    """PostgreSQL plans a statement anew for every call where it does not know how many rows are wanted; that costs more than the page."""
    address = shared_postgres().fresh()
    await create_tables(address, TABLES)

    async def plans_of(here: Shelf, size: int, ends: str) -> list[tuple[int, int]]:
        for number in (1, 2):
            for _ in range(10):
                assert len(await here.ids(size=size, page=number)) == size
        pool: Any = here.database.pool  # type: ignore[attr-defined]
        connection = await pool.take()
        found = await connection.fetch("SELECT * FROM pg_prepared_statements ORDER BY prepare_time")
        pool.give(connection)
        return [(row["custom_plans"], row["generic_plans"]) for row in found if ends in row["statement"]]

    async with shelf(address) as here:
        await here.put(*((number, "a", None, 0, False, 0) for number in range(1, 5001)))
        assert await plans_of(here, 25, "LIMIT 2") == [(0, 10), (5, 5)]
        assert await plans_of(here, 30, "LIMIT $") == [(10, 0), (10, 0)], "so it would show"
