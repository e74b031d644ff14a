"""Totals that are kept beside a table: always what counting gives, whoever changed the rows."""

import asyncio
from typing import Any

import pytest
from gamehall_server.kit.storage import Database, Handle, Query, Totals, table_of
from gamehall_server.kit.storage.totals import filled, triggers
from gamehall_server.migrate import migrate, on_connection
from gamehall_server.modules.comments.tables import CommentRow, comment_totals
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, bindparam, delete, func, select, update
from sqlalchemy.schema import CreateTable

from tests.databases import fresh_database, opened

comments = table_of(CommentRow)
_t, _kept = comments.table, comment_totals.table
counted = Query(select(_t.c.context, _t.c.context_id, func.count()).group_by(_t.c.context, _t.c.context_id))
kept = Query(select(_kept.c.context, _kept.c.context_id, func.sum(_kept.c.held)).group_by(_kept.c.context, _kept.c.context_id))
move = Query(update(_t).where(_t.c.id % 3 == bindparam("rest", type_=BigInteger)).values(context_id=bindparam("to")))
edit = Query(update(_t).values(content=bindparam("to")))
drop = Query(delete(_t).where(_t.c.id % 2 == bindparam("rest", type_=BigInteger)))
clear = Query(delete(_t))
WORDS = st.sampled_from(["1", "2", "12", "a"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), WORDS, WORDS),
        st.tuples(st.just("move"), st.integers(0, 2), WORDS),
        st.tuples(st.just("drop"), st.integers(0, 1), WORDS),
        st.tuples(st.just("edit"), WORDS, WORDS),
        st.tuples(st.just("fail"), WORDS, WORDS),
    ),
    max_size=20,
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    address = fresh_database(request.param, tmp_path_factory.mktemp("totals"))
    migrate(address)
    return address


async def add(db: Handle, context: str, context_id: str) -> None:
    values = {"id": await db.new_id("comment"), "context": context, "context_id": context_id, "content": "x", "user_id": None}
    db.later(comments.insert, **values, created_date=1, updated_date=1)


async def step(database: Database, kind: str, first: Any, second: str) -> None:
    async def work(db: Handle) -> None:
        if kind in ("add", "fail"):
            await add(db, first, second)
        if kind == "move":
            await db.run(move, rest=first, to=second)
        if kind == "drop":
            await db.run(drop, rest=first)
        if kind == "edit":
            await db.run(edit, to=second)
        if kind == "fail":
            await db.run(edit, to="never")
            raise KeyError(kind)

    try:
        await database.write(work)
    except KeyError:
        assert kind == "fail"


async def told(database: Database) -> tuple[dict[Any, int], dict[Any, int]]:
    """Lengths as they are counted, and as they are kept."""
    rows, totals = await database.reader().all(counted), await database.reader().all(kept)
    return {(row[0], row[1]): row[2] for row in rows}, {(row[0], row[1]): int(row[2]) for row in totals if row[2]}


@settings(max_examples=40, deadline=None, database=None)
@given(STEPS)
def test_what_is_kept_is_what_there_is(url: str, steps: list[tuple[str, Any, str]]) -> None:
    async def check() -> None:
        async with opened(url) as database:
            await database.write(lambda db: db.run(clear))
            for each in steps:
                await step(database, *each)
            there, held = await told(database)
            assert held == there

    asyncio.run(check())


def test_writers_beside_each_other_lose_no_count(url: str) -> None:
    async def check() -> None:
        async with opened(url) as database:
            await database.write(lambda db: db.run(clear))
            await asyncio.gather(*(step(database, "add", "one", "object") for _ in range(100)))
            await asyncio.gather(*(step(database, kind, 0, "2") for kind in ("drop", "move") for _ in range(9)))
            there, held = await told(database)
            assert held == there
            assert sum(there.values()) > 40

    asyncio.run(check())


def test_a_table_that_has_rows_already_is_counted_when_its_totals_come(url: str) -> None:
    whole = Totals.__new__(Totals)
    whole.counted, whole.table = (
        _t,
        Table("comment_total", MetaData(), Column("part", Integer, primary_key=True), Column("held", BigInteger)),
    )

    def come(connection: Connection) -> None:
        connection.execute(CreateTable(whole.table))
        for statement in (*triggers(connection.dialect.name, "comment", ()), filled("comment", ())):
            connection.exec_driver_sql(statement)

    async def check() -> None:
        async with opened(url) as database:
            await asyncio.gather(*(step(database, "add", "one", "object") for _ in range(7)))
        await asyncio.to_thread(on_connection, url, come)
        async with opened(url) as database:
            await step(database, "add", "one", "object")
            await step(database, "drop", 0, "")
            there = sum((await told(database))[0].values())
            assert await database.reader().value(Query(whole.count(()))) == there > 0

    asyncio.run(check())
