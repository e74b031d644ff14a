"""What is particular to SQLite: one writer, groups, and one process that owns the file."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from gamehall_server.kit.errors import Unavailable
from gamehall_server.kit.storage import DatabaseInUse, Handle, Query, UnsafeSQLite
from gamehall_server.kit.storage.sqlite import SQLiteDatabase
from gamehall_server.kit.storage.sqlite_file import Driver
from sqlalchemy import bindparam, delete, func, literal, select, text

from tests.databases import TOYS, create_tables, notes, opened, seen_from_outside, told

count = Query(select(func.count()).select_from(notes.table))


@pytest.fixture
def url(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'gamehall.db'}"
    asyncio.run(create_tables(address, TOYS))
    return address


async def jot(db: Handle, title: str, body: bytes | None = None) -> int:
    number = await db.new_id("note")
    await db.run(notes.insert, id=number, owner="ann", title=title, stars=0, pinned=False, body=body)
    return number


@told
async def test_a_call_that_suspends_inside_its_transaction_is_refused_and_leaves_nothing(url: str) -> None:
    async with opened(url) as database:

        async def slow(db: Handle) -> None:
            await jot(db, "slow")
            await asyncio.sleep(0)
            await jot(db, "never")

        async def stubborn(db: Handle) -> None:
            await jot(db, "stubborn")
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                await jot(db, "in spite")

        results = await asyncio.gather(
            database.write(lambda db: jot(db, "before")),
            database.write(slow),
            database.write(stubborn),
            database.write(lambda db: jot(db, "after")),
            return_exceptions=True,
        )

        assert [type(result) for result in results] == [int, RuntimeError, RuntimeError, int]
        assert await seen_from_outside(url, "SELECT title FROM note ORDER BY id") == [("before",), ("after",)]


@told
async def test_a_transaction_inside_a_transaction_is_refused(url: str) -> None:
    async with opened(url) as database:

        async def outer(db: Handle) -> None:
            await jot(db, "outer")
            await database.write(lambda inner: jot(inner, "inner"))

        with pytest.raises(RuntimeError, match="inside a transaction"):
            await database.write(outer)
        assert await database.reader().value(count) == 0


@told
async def test_calls_that_arrive_together_share_a_commit(url: str) -> None:
    async with opened(url) as database:
        statements: list[str] = []
        database._writer.connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]

        await asyncio.gather(*(database.write(lambda db, n=n: jot(db, str(n))) for n in range(50)))  # type: ignore[misc]

        assert statements.count("COMMIT") == 1
        assert await database.reader().value(count) == 50


@told
async def test_a_failed_commit_fails_its_whole_group_and_nobody_after_it(url: str) -> None:
    connection = Driver().connect(Path(url.removeprefix("sqlite:///")), writer=True, alone=True)
    connection.execute("CREATE TABLE debt (of INTEGER REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED)")
    connection.close()
    owe = Query(text("INSERT INTO debt VALUES (:of)"))
    async with opened(url) as database:
        heard: list[str] = []

        async def heedful(db: Handle) -> None:
            db.after(lambda: heard.append("wrong"))
            await jot(db, "heedful")

        results = await asyncio.gather(
            database.write(heedful),
            database.write(lambda db: db.run(owe, of=4711)),
            database.write(lambda db: jot(db, "other")),
            return_exceptions=True,
        )

        assert [type(result) for result in results] == [Unavailable] * 3
        assert heard == []
        await database.write(lambda db: jot(db, "later"))
        assert await seen_from_outside(url, "SELECT title FROM note") == [("later",)]


@told
async def test_a_full_disk_refuses_writes_while_reads_go_on_and_recovers(url: str) -> None:
    async with opened(url) as database:
        await database.write(lambda db: jot(db, "first"))
        writing: Any = database._writer.connection  # type: ignore[attr-defined]
        (pages,) = writing.execute("PRAGMA page_count").fetchone()
        writing.execute(f"PRAGMA max_page_count={pages}").fetchone()

        results = await asyncio.gather(
            *(database.write(lambda db, n=n: jot(db, str(n), bytes(20_000))) for n in range(5)),  # type: ignore[misc]
            return_exceptions=True,
        )

        assert [type(result) for result in results] == [Unavailable] * 5
        assert await database.reader().value(count) == 1
        writing.execute("PRAGMA max_page_count=1000000").fetchone()
        await database.write(lambda db: jot(db, "again", bytes(20_000)))
        assert await seen_from_outside(url, "SELECT title FROM note ORDER BY id") == [("first",), ("again",)]


@told
async def test_a_file_that_somebody_else_locks_is_unavailable_until_they_are_done(url: str) -> None:
    async with opened(url) as database:
        stranger = Driver().module.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        stranger.execute("BEGIN IMMEDIATE")

        with pytest.raises(Unavailable) as refused:
            await database.write(lambda db: jot(db, "meanwhile"))

        assert refused.value.retry_after == 1
        assert await database.reader().value(count) == 0
        stranger.execute("ROLLBACK")
        stranger.close()
        assert await database.write(lambda db: jot(db, "afterwards")) > 0


@told
async def test_a_call_whose_caller_goes_away_during_the_commit_is_kept(url: str) -> None:
    async with opened(url) as database:
        heard: list[str] = []

        async def work(db: Handle) -> None:
            db.after(lambda: heard.append("committed"))
            await jot(db, "orphan")

        call = asyncio.ensure_future(database.write(work))
        while not database._writer.committing:  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await database.write(lambda db: jot(db, "next"))

        assert heard == ["committed"]
        assert await database.reader().value(count) == 2


@told
async def test_a_second_owner_of_a_file_is_refused_with_a_sentence(url: str) -> None:
    async with opened(url):
        with pytest.raises(DatabaseInUse, match=r"in use by another process \(pid \d+\)"):
            async with opened(url):
                pass
        script = (
            "import asyncio, sys\n"
            "from gamehall_server.kit.storage import DatabaseInUse, open_database\n"
            "try:\n    asyncio.run(open_database(sys.argv[1], []).open())\n"
            "except DatabaseInUse as refused:\n    print(refused)\n"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, url, stdout=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
        )
        output, _ = await process.communicate()
        assert b"A SQLite file belongs to one process" in output
    async with opened(url) as database:
        await database.ping()


def test_what_was_answered_survives_a_kill(url: str) -> None:
    script = (
        "import asyncio, sys\n"
        "from tests.databases import opened\n"
        "from tests.kit.test_storage_sqlite import jot\n"
        "async def main():\n"
        "    async with opened(sys.argv[1]) as database:\n"
        "        async def go_on(name):\n"
        "            for n in range(10**6):\n"
        "                print(await database.write(lambda db: jot(db, f'{name} {n}')), flush=True)\n"
        "        await asyncio.gather(*map(go_on, 'abcd'))\n"
        "asyncio.run(main())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, url], stdout=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}, text=True
    )
    assert process.stdout is not None
    heard = [int(process.stdout.readline()) for _ in range(200)]
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.wait()
    process.stdout.close()
    heard += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]

    async def story() -> None:
        async with opened(url) as database:
            kept = {number for (number,) in await database.reader().all(Query(select(notes.table.c.id)))}
            assert set(heard) <= kept
            assert await database.write(lambda db: jot(db, "again")) > max(kept)

    asyncio.run(story())


def old_sqlite() -> ModuleType:
    module = ModuleType("old")
    module.__dict__.update(vars(Driver().module))
    module.sqlite_version_info = (3, 40, 1)  # type: ignore[attr-defined]
    return module


@told
async def test_an_old_sqlite_gets_one_connection_for_everything(url: str) -> None:
    database = SQLiteDatabase(Path(url.removeprefix("sqlite:///")), TOYS, old_sqlite())
    await database.open()
    seen: list[int] = []

    async def watch() -> None:
        for _ in range(50):
            seen.append(await database.reader().value(count))
            await asyncio.sleep(0)

    await asyncio.gather(watch(), *(database.write(lambda db, n=n: jot(db, str(n))) for n in range(10)))  # type: ignore[misc]

    assert len(database._connections) == 1
    assert set(seen) <= {0, 10}
    assert len(await database.scan(Query(select(notes.table), notes.Row))) == 10
    await database.close()


def test_an_old_sqlite_is_refused_a_second_connection(url: str) -> None:
    for writer, alone in ((False, False), (True, False), (False, True)):
        with pytest.raises(UnsafeSQLite, match=r"3\.40\.1"):
            Driver(old_sqlite()).connect(Path(url.removeprefix("sqlite:///")), writer=writer, alone=alone)


@told
async def test_numbers_are_refused_for_a_table_that_has_none(url: str) -> None:
    async with opened(url) as database:
        with pytest.raises(RuntimeError, match="tag is not a table with numbered rows"):
            await database.write(lambda db: db.new_id("tag"))


@told
async def test_a_read_that_turns_out_to_be_long_goes_on_in_another_thread(url: str) -> None:
    numbers = select(literal(1).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < bindparam("most")))
    long = Query(select(func.sum(numbers.c.n), func.count()).select_from(numbers))
    async with opened(url) as database:
        reader = database.reader()
        for _ in range(3):
            # The short one is the same prepared statement: what the long one had used up is not held against it.
            assert await reader.one(long, most=10) == (55, 10)
            turned = False

            def turn() -> None:
                nonlocal turned
                turned = True

            for read, found in ((reader.one, (500_000_500_000, 10**6)), (reader.value, 500_000_500_000)):
                turned = False
                asyncio.get_running_loop().call_soon(turn)
                assert await read(long, most=10**6) == found
                assert turned
            assert await reader.all(long, most=10**6) == [(500_000_500_000, 10**6)]


@told
async def test_the_version_of_a_table_changes_with_its_rows_and_only_with_them(url: str) -> None:
    async with opened(url) as database:
        reader, of_notes, of_tags = database.reader(), frozenset(["note"]), frozenset(["tag"])
        before, other = await reader.version(of_notes), await reader.version(of_tags)

        writing = asyncio.ensure_future(database.write(lambda db: jot(db, "one")))
        while not database._writer.touched:  # type: ignore[attr-defined]  # noqa: ASYNC110  # It has no event to wait for.
            await asyncio.sleep(0)
        assert await reader.version(of_notes) is None, "nobody knows whether readers see it yet"
        await writing

        assert await reader.version(of_notes) not in (before, None)
        assert await reader.version(of_tags) == other
        assert await reader.version(of_notes | of_tags) is not None
        await database.write(lambda db: db.run(Query(delete(notes.table))))
        assert await reader.version(of_notes) not in (before, before + 1)
