"""The copy of a SQLite file in use. Commits are made at the worst moments, between two steps of the copying."""

import sqlite3
from contextlib import closing
from threading import Event

import pytest
from gamehall_server.kit.storage import sqlite_copy
from gamehall_server.kit.storage.sqlite_copy import CopyFailed, check_sqlite, copy_sqlite
from gamehall_server.kit.storage.sqlite_file import Driver


class Meanwhile(Event):
    """Does something whenever the copying asks whether to give up."""

    def __init__(self, work):
        super().__init__()
        self.asked = 0
        self._work = work

    def is_set(self):
        self.asked += 1
        self._work(self.asked)
        return super().is_set()


@pytest.fixture
def driver(monkeypatch):
    monkeypatch.setattr(sqlite_copy, "PAGES", 3)
    return Driver()


@pytest.fixture
def source(driver, tmp_path):
    """A database of a hundred pages, half of them in the log."""
    path = tmp_path / "source.db"
    with closing(driver.connect(path, writer=True)) as first:
        first.execute("CREATE TABLE alembic_version (version_num TEXT)")
        first.execute("INSERT INTO alembic_version VALUES ('0001')")
        first.execute("CREATE TABLE thing (id INTEGER PRIMARY KEY, body BLOB)")
        fill(first, range(50))
    connection = driver.connect(path, writer=True)
    fill(connection, range(50, 100))
    yield connection, path
    connection.close()


def fill(connection, numbers):
    connection.executemany("INSERT INTO thing VALUES (?, zeroblob(4000))", [(number,) for number in numbers])


def things_of(driver, path):
    with closing(driver.module.connect(str(path))) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM thing ORDER BY id")]


@pytest.mark.parametrize("checkpoint", [None, "PASSIVE", "RESTART", "TRUNCATE"])
@pytest.mark.parametrize("emptied", [False, True], ids=["with a log", "log taken in before"])
def test_what_is_committed_while_it_is_copied_is_in_the_copy(driver, source, tmp_path, checkpoint, emptied):
    writing, path = source
    if emptied:
        writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    writing.execute("PRAGMA busy_timeout=0")

    states = []

    def commit(asked):
        states.append(things_of(driver, path))
        if asked > 200:
            return
        fill(writing, [1000 + asked])
        # Pages that were copied already change too, and others become free.
        writing.execute("UPDATE thing SET body = zeroblob(5000) WHERE id = ?", (asked,))
        writing.execute("DELETE FROM thing WHERE id = ?", (40 + asked,))
        if checkpoint:
            writing.execute(f"PRAGMA wal_checkpoint({checkpoint})").fetchall()

    meanwhile = Meanwhile(commit)
    copy_sqlite(driver, path, tmp_path / "copy.db", meanwhile, alone=False)

    # It does not begin anew with every commit either: under load it would never end.
    assert 20 < meanwhile.asked < 100
    # The last time it is asked, nothing is copied any more.
    assert things_of(driver, tmp_path / "copy.db") == states[-1] != states[0]
    assert check_sqlite(driver, tmp_path / "copy.db") == "0001"


def test_a_transaction_that_is_open_is_not_in_the_copy(driver, source, tmp_path):
    writing, path = source
    writing.execute("PRAGMA cache_size=5")
    writing.execute("BEGIN IMMEDIATE")
    fill(writing, range(200, 300))

    copy_sqlite(driver, path, tmp_path / "copy.db", Event(), alone=False)

    writing.execute("COMMIT")
    assert things_of(driver, tmp_path / "copy.db") == list(range(100))


def test_the_copy_is_one_file_that_only_its_owner_reads(driver, source, tmp_path):
    (tmp_path / "new").mkdir()

    copy_sqlite(driver, source[1], tmp_path / "new" / "copy.db", Event(), alone=False)

    assert [(path.name, path.stat().st_mode & 0o777) for path in (tmp_path / "new").iterdir()] == [("copy.db", 0o600)]


def test_a_copy_can_be_given_up(driver, source, tmp_path):
    told = Event()
    told.set()

    with pytest.raises(CopyFailed, match="given up"):
        copy_sqlite(driver, source[1], tmp_path / "copy.db", told, alone=False)


def test_a_damaged_source_gives_no_copy(driver, source, tmp_path):
    writing, path = source
    writing.execute("CREATE INDEX of_body ON thing (body)")
    writing.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"x" * 4096 * 4)

    with pytest.raises(CopyFailed):
        copy_sqlite(driver, path, tmp_path / "copy.db", Event(), alone=True)


def test_a_sqlite_that_allows_one_connection_is_not_given_a_second(tmp_path, source):
    old = Driver(sqlite3)
    old.version = (3, 40, 1)

    with pytest.raises(Exception, match="install pysqlite3"):
        copy_sqlite(old, source[1], tmp_path / "copy.db", Event(), alone=False)
