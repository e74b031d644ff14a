"""What both databases promise."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from gamehall_server.kit.errors import Duplicate, NotFound
from gamehall_server.kit.storage import Handle, Query, any_of, open_database
from sqlalchemy import bindparam, func, insert, select, update

from tests.databases import TOYS, create_tables, fresh_database, notes, opened, seen_from_outside, tags, told

note = notes.table
count = Query(select(func.count()).select_from(note))
titles = Query(select(note.c.title).order_by(note.c.id))
rename = Query(update(note).where(note.c.id == bindparam("key")).values(title=bindparam("title")))
star = Query(update(note).where(note.c.id == bindparam("key")).values(stars=bindparam("stars")))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    address = fresh_database(request.param, tmp_path)
    asyncio.run(create_tables(address, TOYS))
    return address


async def jot(db: Handle, title: str, owner: str = "ann", **columns: Any) -> int:
    number = await db.new_id("note")
    values = {"stars": 0, "pinned": False, "body": None, **columns}
    db.later(notes.insert, id=number, owner=owner, title=title, **values)
    return number


@told
async def test_a_row_comes_back_as_it_was_written(url: str) -> None:
    async with opened(url) as database:

        async def work(db: Handle) -> int:
            return await jot(db, "naïve ✓", stars=2**62, pinned=True, body=b"\x00\xff")

        number = await database.write(work)
        row = await database.reader().one(notes.get, id=number)

        assert row is not None
        assert (row.id, row.owner, row.title, row.stars, row.pinned, row.body) == (number, "ann", "naïve ✓", 2**62, True, b"\x00\xff")
        assert row.pinned is True
        assert await database.reader().one(notes.get, id=-1) is None


@told
async def test_what_is_answered_is_committed(url: str) -> None:
    async with opened(url) as database:
        for title in ("one", "two", "three"):
            await database.write(lambda db, title=title: jot(db, title))  # type: ignore[misc]

            assert (title,) in await seen_from_outside(url, "SELECT title FROM note")


@told
async def test_readers_see_nothing_that_is_not_committed(url: str) -> None:
    async with opened(url) as database:

        async def work(db: Handle) -> tuple[Any, Any, Any]:
            await jot(db, "mine")
            inside = await db.value(count)
            outside = await seen_from_outside(url, "SELECT count(*) FROM note") if database.dialect == "postgresql" else [(0,)]
            return inside, await database.reader().value(count), outside[0][0]

        assert await database.write(work) == (1, 0, 0)
        assert await database.reader().value(count) == 1


@told
async def test_a_call_that_fails_takes_back_its_own_writes_and_nobody_elses(url: str) -> None:
    async with opened(url) as database:

        async def work(db: Handle, number: int) -> int:
            await db.run(notes.insert, id=await db.new_id("note"), owner="ann", title=str(number), stars=0, pinned=False, body=None)
            await jot(db, f"second of {number}")
            await db.value(count)
            if number % 3 == 0:
                raise NotFound(f"number {number}")
            return number

        results = await asyncio.gather(*(database.write(lambda db, n=n: work(db, n)) for n in range(30)), return_exceptions=True)  # type: ignore[misc]

        good = [n for n in range(30) if n % 3]
        assert [r for r in results if isinstance(r, int)] == good
        assert sum(isinstance(r, NotFound) for r in results) == 10
        rows = await database.reader().all(titles)
        assert sorted(rows) == sorted([(str(n),) for n in good] + [(f"second of {n}",) for n in good])


@told
async def test_a_taken_value_names_its_columns(url: str) -> None:
    async with opened(url) as database:
        await database.write(lambda db: jot(db, "taken"))

        with pytest.raises(Duplicate) as refused:
            await database.write(lambda db: jot(db, "taken"))

        assert [violation.field for violation in refused.value.violations] == ["owner", "title"]


@told
async def test_a_taken_value_among_several_deferred_writes_names_its_columns(url: str) -> None:
    async with opened(url) as database:

        async def work(db: Handle) -> None:
            number = await jot(db, "fresh")
            db.later(tags.insert, note_id=number, word="red")
            db.later(tags.insert, note_id=number, word="red")

        with pytest.raises(Duplicate) as refused:
            await database.write(work)

        assert [violation.field for violation in refused.value.violations] == ["note_id", "word"]
        assert await database.reader().value(count) == 0


@told
async def test_a_caught_fault_of_a_statement_still_ends_the_call(url: str) -> None:
    async with opened(url) as database:
        await database.write(lambda db: jot(db, "taken"))

        async def work(db: Handle) -> None:
            await jot(db, "other")
            try:
                await jot(db, "taken")
                await db.value(count)
            except Duplicate:
                pass

        with pytest.raises(Duplicate):
            await database.write(work)
        assert await database.reader().all(titles) == [("taken",)]


@told
async def test_deferred_writes_keep_their_order_and_come_before_reads(url: str) -> None:
    async with opened(url) as database:

        async def work(db: Handle) -> Any:
            number = await jot(db, "first")
            db.later(rename, key=number, title="second")
            row = await db.one(notes.get, id=number)
            assert row is not None
            assert row.title == "second"
            db.later(rename, key=number, title="third")
            db.later(rename, key=number, title="fourth")
            return number

        await database.write(work)

        assert await database.reader().all(titles) == [("fourth",)]


@told
async def test_fifty_writers_of_one_row_lose_nothing(url: str) -> None:
    async with opened(url) as database:
        number = await database.write(lambda db: jot(db, "counted"))

        async def add(db: Handle) -> int:
            row = await db.one(notes.lock, id=number)
            assert row is not None
            assert await db.run(star, key=number, stars=row.stars + 1) == 1
            return row.stars + 1

        results = await asyncio.gather(*(database.write(add) for _ in range(50)))

        assert sorted(results) == list(range(1, 51))
        row = await database.reader().one(notes.get, id=number)
        assert row is not None
        assert row.stars == 50


@told
async def test_numbers_are_never_used_again(url: str) -> None:
    async with opened(url) as database:
        numbers = await asyncio.gather(*(database.write(lambda db, n=n: jot(db, str(n))) for n in range(100)))  # type: ignore[misc]
        assert len(set(numbers)) == 100
        last = max(numbers)
        await database.write(lambda db: db.run(notes.delete, id=last))
    async with opened(url) as database:
        assert await database.write(lambda db: jot(db, "new")) > last


@told
async def test_several_numbers_of_one_call_are_different(url: str) -> None:
    async with opened(url) as database:

        async def work(db: Handle) -> list[int]:
            return [await jot(db, str(n)) for n in range(200)]

        numbers = await database.write(work)

        assert numbers == sorted(set(numbers))
        assert await database.reader().value(count) == 200


@told
async def test_a_caller_that_goes_away_disturbs_nobody(url: str) -> None:
    async with opened(url) as database:
        calls = [asyncio.ensure_future(database.write(lambda db, n=n: jot(db, str(n)))) for n in range(30)]  # type: ignore[misc]
        await asyncio.sleep(0)
        for call in calls[::3]:
            call.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)

        kept = {title for (title,) in await database.reader().all(titles)}
        assert {str(n) for n in range(30) if n % 3} <= kept
        assert all(isinstance(results[n], int) for n in range(30) if n % 3)
        assert await database.write(lambda db: jot(db, "afterwards"))


@told
async def test_callbacks_run_after_the_commit_and_only_then(url: str) -> None:
    async with opened(url) as database:
        heard: list[str] = []

        async def work(db: Handle, fail: bool) -> None:
            db.after(lambda: heard.append("committed" if not fail else "wrong"))
            await jot(db, "noted")
            await db.value(count)
            assert heard == []
            if fail:
                raise NotFound

        with pytest.raises(NotFound):
            await database.write(lambda db: work(db, True))
        assert heard == []
        await database.write(lambda db: work(db, False))
        assert heard == ["committed"]

        async def nothing(db: Handle) -> None:
            db.after(lambda: heard.append("idle"))

        await database.write(nothing)
        assert heard == ["committed", "idle"]


@told
async def test_a_handle_is_of_no_use_when_its_transaction_has_ended(url: str) -> None:
    async with opened(url) as database:
        kept: list[Handle] = []

        async def work(db: Handle) -> None:
            kept.append(db)

        await database.write(work)

        with pytest.raises(RuntimeError, match="ended"):
            await kept[0].value(count)
        with pytest.raises(RuntimeError, match="ended"):
            kept[0].later(rename, key=1, title="x")


@told
async def test_a_reader_does_not_write(url: str) -> None:
    async with opened(url) as database:
        returning = Query(insert(tags.table).values(note_id=1, word="x").returning(tags.table.c.word))
        with pytest.raises(RuntimeError, match=r"Database\.write"):
            await database.reader().run(rename, key=1, title="x")
        with pytest.raises(RuntimeError, match=r"Database\.write"):
            await database.reader().one(returning)


@told
async def test_lists_of_any_length_are_one_parameter(url: str) -> None:
    async with opened(url) as database:
        wanted = Query(select(note).where(any_of(note.c.id, "ids")).order_by(note.c.id), notes.Row)
        named = Query(
            select(note.c.title).where(any_of(note.c.title, "names"), note.c.owner.in_(["ann", "bob"])).order_by(note.c.id).limit(2)
        )
        numbers = [await database.write(lambda db, n=n: jot(db, f"it's {n}")) for n in range(5)]  # type: ignore[misc]

        rows = await database.reader().all(wanted, ids=numbers[1:4])

        assert [row.id for row in rows] == numbers[1:4]
        assert await database.reader().all(wanted, ids=[]) == []
        assert await database.reader().all(named, names=["it's 4", "it's 3", "it's 2", '"']) == [("it's 2",), ("it's 3",)]
        assert len(await database.scan(wanted, ids=numbers)) == 5


@told
async def test_a_missing_parameter_is_an_error(url: str) -> None:
    async with opened(url) as database:
        with pytest.raises(KeyError, match="id"):
            await database.reader().one(notes.get)

        async def forgetful(db: Handle) -> None:
            await jot(db, "whole")
            with pytest.raises(KeyError, match="title"):
                db.later(rename, key=1)

        await database.write(forgetful)
        assert await database.reader().all(titles) == [("whole",)]
        with pytest.raises(TypeError, match="any_of"):
            await database.reader().one(Query(select(note).where(note.c.id.in_(bindparam("ids", expanding=True)))), ids=[1])


@told
async def test_a_database_that_is_open_answers(url: str) -> None:
    async with opened(url) as database:
        await database.ping()
        assert database.dialect in ("sqlite", "postgresql")


def test_other_urls_are_refused() -> None:
    for address in ("mysql://localhost/x", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(ValueError, match="sqlite:///path"):
            open_database(address, TOYS)


@told
async def test_a_list_of_keys_is_looked_up_and_not_looked_for(tmp_path: Path) -> None:
    """A condition that is compared with something, as `(id IN …) = 1`, has no index on SQLite."""
    address = fresh_database("sqlite", tmp_path)
    await create_tables(address, TOYS)
    for query in (
        Query(select(note.c.title).where(any_of(note.c.id, "ids"), note.c.pinned)),
        Query(update(note).where(note.c.id.in_(select(note.c.id).where(any_of(note.c.id, "ids")))).values(stars=note.c.stars + 1)),
    ):
        sql = query.sqlite.sql.replace("json_each(?)", "json_each('[1, 2]')").replace("+ ?", "+ 1")
        plan = [row[3] for row in await seen_from_outside(address, f"EXPLAIN QUERY PLAN {sql}")]
        assert any(step.startswith("SEARCH note") for step in plan)
        assert not any(step.startswith("SCAN note") for step in plan)
