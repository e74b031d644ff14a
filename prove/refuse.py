"""Start-up refuses what is known to lose data or to let strangers in, and says so in a sentence."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import asyncpg
from gamehall_server.kit.storage import UnsafeSQLite
from gamehall_server.kit.storage.sqlite_file import Driver

from prove.doors import Doors
from prove.ground import Ground, ground
from prove.product import Product
from prove.proof import Found, main

BAR = "12 hazards, each refused at start with one sentence; without it the same start succeeds"
# A start without the pysqlite3 wheel: on the SQLite of Python itself.
WITHOUT_WHEEL = """
import runpy, sys
sys.modules["pysqlite3"] = None
runpy.run_module("gamehall_server", run_name="__main__", alter_sys=True)
"""
# Name, what makes it so, what undoes it, and the word that the refusal must hold.
POSTGRESQL = (
    ("fsync=off", "ALTER SYSTEM SET fsync=off", "ALTER SYSTEM RESET fsync", "fsync=off"),
    ("full_page_writes=off", "ALTER SYSTEM SET full_page_writes=off", "ALTER SYSTEM RESET full_page_writes", "full_page_writes=off"),
    ("commits not flushed", "ALTER SYSTEM SET synchronous_commit=off", "ALTER SYSTEM RESET synchronous_commit", "synchronous_commit=off"),
    (
        "not for this database",
        'ALTER DATABASE "{0}" SET synchronous_commit=off',
        'ALTER DATABASE "{0}" RESET ALL',
        "synchronous_commit=off",
    ),
    ("not for this role", "ALTER ROLE postgres SET synchronous_commit=off", "ALTER ROLE postgres RESET ALL", "synchronous_commit=off"),
)
SERVES = "  HTTP/JSON  "
PASSWORDS = ("admin", "password", "ChangeMe", "12345678", "gamehall")


def refused(found: Found, on: Ground, what: str, word: str, *, password: str = "") -> None:
    """A start that ends with 1 and one sentence with this word."""
    product = Product(on, GAMEHALL_ADMIN_PASSWORD=password)
    process = product.spawn()
    while process.poll() is None and SERVES not in product.told:
        time.sleep(0.02)
    code = product.stop()
    told = product.told
    clear = code == 1 and word in " ".join(told.split()) and "Traceback" not in told and told.count("\n") <= 4
    found.check(clear, f"{what}: {code}, {told[-400:]}")
    found.count("refused", clear)


def accepted(found: Found, on: Ground, what: str, command: tuple[str, ...] = ()) -> None:
    """A start that succeeds, and serves through both doors."""
    product = Product(on)
    product.command = command or product.command
    product.start()
    doors = Doors(product, found, what)
    found.check(doors.write_http("a") is not None and doors.write_grpc("b") is not None, f"{what}: does not write")
    found.check(doors.read_http("1") is not None and doors.read_grpc("1") is not None, f"{what}: does not read")
    if command:
        found.check(product.open_times(on.file) == 1, f"{what}: {product.open_times(on.file)} connections")
    doors.close()
    product.stop()
    found.count("accepted")


def old_sqlite(found: Found, on: Ground) -> None:
    """SQLite before 3.51.3: a second connection is refused, and the product does with one."""

    class Older:
        """Python's own SQLite, which says of itself that it is 3.51.2."""

        Error, sqlite_version_info, connect = sqlite3.Error, (3, 51, 2), staticmethod(sqlite3.connect)

    driver = Driver(Older)  # type: ignore[arg-type]  # It has what is used of the module.
    for writer in (False, True):
        try:
            driver.connect(on.file, writer=writer).close()
            found.check(False, f"SQLite 3.51.2, another connection, writer={writer}: accepted")
        except UnsafeSQLite:
            found.count("refused")
    if sqlite3.sqlite_version_info < (3, 51, 3):
        accepted(found, on, "Python's own SQLite", ("-c", WITHOUT_WHEEL, "serve"))


def default_secrets(found: Found, on: Ground, passwords: Sequence[str] = PASSWORDS) -> None:
    """An administrator's password that everybody knows, in a deployment that has none yet."""
    new = on._replace(url=f"sqlite:///{on.folder}/new.db")
    for password in passwords:
        refused(found, new, f"password {password}", "GAMEHALL_ADMIN_PASSWORD", password=password)


def unsafe_postgresql(found: Found, on: Ground, hazards: Sequence[tuple[str, str, str, str]] = POSTGRESQL) -> None:
    """Settings with which PostgreSQL may forget what it committed."""
    database = on.url.partition("@/")[2].partition("?")[0]
    for what, wrong, right, word in hazards:
        asyncio.run(_set(on.url, wrong.format(database)))
        refused(found, on, what, word)
        asyncio.run(_set(on.url, right.format(database)))
    accepted(found, on, "PostgreSQL as it should be")


async def _set(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


def old_postgresql(found: Found, on: Ground) -> None:
    """A server that says it is PostgreSQL 13: the real one, with its number changed on the way."""
    folder = on.folder / "old"
    folder.mkdir()
    old = on._replace(url=on.url.partition("?")[0] + f"?host={folder}")

    async def story() -> None:
        real = on.url.partition("?host=")[2] + "/.s.PGSQL.5432"
        async with _older(real, str(folder / ".s.PGSQL.5432"), await _version(on.url)):
            await asyncio.to_thread(refused, found, old, "PostgreSQL 13", "PostgreSQL 13 is too old")

    asyncio.run(story())


async def _version(url: str) -> bytes:
    connection = await asyncpg.connect(url)
    number: str = await connection.fetchval("SHOW server_version_num")
    await connection.close()
    return number.encode()


@asynccontextmanager
async def _older(real: str, socket: str, version: bytes) -> AsyncIterator[None]:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Callable[[bytes], bytes]) -> None:
        while part := await reader.read(65536):
            writer.write(change(part))
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_unix_connection(real)
        back = carry(upstream, writer, lambda part: part.replace(version, b"130009"))
        await asyncio.gather(carry(reader, downstream, lambda part: part), back)

    async with await asyncio.start_unix_server(serve, socket):
        yield


def prove(seconds: float, seed: int) -> Found:
    """Every hazard once."""
    found = Found()
    with ground("sqlite") as on:
        old_sqlite(found, on)
        default_secrets(found, on)
    with ground("postgresql") as on:
        unsafe_postgresql(found, on)
        old_postgresql(found, on)
    found.check(found.counts["refused"] >= 12, "fewer than 12 cases")
    return found


if __name__ == "__main__":
    main("refuse", BAR, prove, 0)
