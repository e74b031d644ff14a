"""An upgrade without a pause: the version before, then both beside each other on one PostgreSQL, every call answered."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
from gamehall_server.migrate import migrate, newest, on_connection
from sqlalchemy import Connection

from bench import dataset
from bench.servers import ROOT
from prove import books
from prove.caller import Caller
from prove.doors import Doors
from prove.ground import PASSWORD, Ground
from prove.product import Product, paths, served
from prove.proof import Found, Missing, main
from tests.databases import PostgresServer

BAR = "0 failed calls while a new version starts, migrates and serves beside the old one; all migrations <= 10 s; no way down"
# The commit that closed the skeleton.
BEFORE = "6805da43941e983b0eb7f1fafb9a84d9b14d674a"
CALLERS = 4
MOST_SECONDS = 10
FILL = "import json, sys; from bench.fill import fill; print(json.dumps(fill(sys.argv[1], int(sys.argv[2]))))"
# As a migration does that changes what tables are made of: every text of every table is of another type afterwards.
CHANGES = """
    SELECT format('ALTER TABLE %I ', c.relname)
    || string_agg(format('ALTER %I TYPE %s COLLATE "POSIX"', a.attname, format_type(a.atttypid, a.atttypmod)), ', ')
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0
    AND a.attcollation IN ('"C"'::regcollation, '"default"'::regcollation)
    GROUP BY c.relname
"""


@contextmanager
def before() -> Iterator[Path]:
    """The tree of the version before. Raises Missing."""
    if problem := _git("cat-file", "-e", f"{BEFORE}^{{commit}}"):
        raise Missing(f"commit {BEFORE[:7]} is not in this clone; a shallow one gets it by `git fetch --unshallow`\n{problem}")
    with tempfile.TemporaryDirectory(prefix="gamehall-prove-") as folder:
        tree = Path(folder) / "before"
        if problem := _git("worktree", "add", "--quiet", "--detach", str(tree), BEFORE):
            raise Missing(problem)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*arguments: str) -> str:
    """Gives what went wrong."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, check=False, capture_output=True, text=True)
    except FileNotFoundError as error:
        return str(error)
    return (done.stderr or "git does not say why") if done.returncode else ""


class Users:
    """Callers of one server through both doors, each a user of its own who signs in there."""

    def __init__(self, product: Product, found: Found, name: str, tokens: list[str]) -> None:
        self.told: list[tuple[str, str, str]] = []
        self.calls = 0
        self._stop = threading.Event()
        self._all = [(Doors(product, found, name, token), number) for number, token in enumerate(tokens)]
        self._found, self._name = found, name
        self._threads = [threading.Thread(target=self._run, args=each) for each in self._all]

    def _run(self, doors: Doors, number: int) -> None:
        turn = 0
        while not self._stop.is_set() or turn < 4:
            key = f"k{self._name}{number}.{turn}"
            made = (doors.write_http, doors.write_grpc)[turn % 2](key)
            if self._found.check(made is not None, f"{self._name}: a write failed") and made is not None:
                self.told.append(("comment", key, made))
                read = (doors.read_grpc, doors.read_http)[turn % 2](made)
                self._found.check(read == made, f"{self._name}: a read failed")
            self.calls += 2
            turn += 1
        doors.close()

    def start(self) -> None:
        """From here on they call."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends when each has heard its last answer."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


def signed_in(product: Product, count: int) -> list[str]:
    """Tokens of new users."""
    tokens = []
    with Caller(product.http_port) as caller:
        for number in range(count):
            name = f"k9.{number}"
            user = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
            assert caller.ask("POST", "/users", user, key=name).status == 200
            form = f"grant_type=password&client_id=web&username={name}&password={PASSWORD.replace(' ', '+')}".encode()
            told = caller.ask("POST", "/oauth/token", form, content_type="application/x-www-form-urlencoded")
            tokens.append(told.json()["access_token"])
    return tokens


def upgraded(found: Found, server: PostgresServer, tree: Path | None, seconds: float) -> str:
    """The tree's version alone, then this one beside it: for so many seconds together. Without a tree the first is this version as well,
    and a migration is made up. Gives the database."""
    name = "old" if tree else "own"
    with tempfile.TemporaryDirectory(prefix="gamehall-prove-") as folder:
        # In a database of a language's order the texts of a schema get the order of bytes once, at the first migration that this version
        # brings. A server of before answers a call or two with an error then: it does not know that statements must be prepared anew.
        on = Ground("postgresql", server.fresh("LOCALE 'C'"), Path(folder), [""], server)
        old, new = Product(on, tree=tree), Product(on)
        with _ending(old), _ending(new):
            old.start()
            tokens = signed_in(old, CALLERS)
            users = [Users(old, found, name, tokens)]
            users[0].start()
            with _stopping(users):
                new.start()
                if tree is None:
                    for (change,) in books.rows(on.url, CHANGES):
                        asyncio.run(_set(on.url, change))
                found.check(books.rows(on.url, "SELECT version_num FROM alembic_version") == [(newest(),)], "not migrated")
                users.append(Users(new, found, "new", tokens))
                users[1].start()
                time.sleep(seconds)
        told = [one for each in users for one in each.told]
        found.count(f"calls of the first ({name})", users[0].calls)
        found.count("calls of the new version", users[1].calls)
        books.audit(found, on.url, told)
        for product in (old, new):
            found.check(not product.bugs(), f"{product.bugs()[:1]}")
        return on.url


@contextmanager
def _ending(product: Product) -> Iterator[None]:
    try:
        yield
    finally:
        if product.alive:
            product.stop()


@contextmanager
def _stopping(users: list[Users]) -> Iterator[None]:
    try:
        yield
    finally:
        for each in users:
            each.stop()


def migrated(found: Found, kind: str, server: PostgresServer, tree: Path, comments: int, *, timed: bool) -> None:
    """A database that the version before made and filled is brought to this version's schema: all is there, and old tokens are good."""
    with tempfile.TemporaryDirectory(prefix="gamehall-prove-") as folder:
        url = server.fresh() if kind == "postgresql" else f"sqlite:///{folder}/gamehall.db"
        given = os.environ | {"PYTHONPATH": paths(tree)}
        tokens = json.loads(subprocess.check_output([sys.executable, "-c", FILL, url, str(comments)], env=given, cwd=folder))
        began = time.monotonic()
        found.check(migrate(url) or newest() == "0001", f"{kind}: nothing was migrated")
        took = time.monotonic() - began
        found.check(books.rows(url, "SELECT count(*) FROM comment") == [(str(comments),)], f"{kind}: comments are gone")
        with served(Ground(kind, url, Path(folder), tokens, server)) as product:
            doors = Doors(product, found, f"{kind}, migrated")
            calls = (doors.write_http("a"), doors.write_grpc("b"), doors.read_http("1"), doors.read_grpc("1"))
            found.check(None not in calls, f"{kind}, migrated: a call was refused")
            doors.close()
        if timed:
            found.count(f"{kind}: ms for all migrations of {comments:,} comments and {dataset.USERS:,} users", round(took * 1000))
            found.check(took <= MOST_SECONDS, f"{kind}: the migrations took {took:.1f} s")


def no_way_down(found: Found, url: str) -> None:
    """A newer schema is refused at start with a sentence, and Alembic's way down is closed."""
    on_connection(url, _downgrade(found))
    asyncio.run(_set(url, "UPDATE alembic_version SET version_num = '9999'"))
    with tempfile.TemporaryDirectory(prefix="gamehall-prove-") as folder:
        product = Product(Ground("postgresql", url, Path(folder), [""]))
        code = product.spawn().wait()
        clear = code == 1 and "newer" in product.told and "Traceback" not in product.told
        found.check(clear, f"a newer schema: {code}, {product.told[-600:]}")
    asyncio.run(_set(url, f"UPDATE alembic_version SET version_num = '{newest()}'"))
    found.count("ways down refused", 2)
    found.check(not migrate(url), "a current database was migrated")


def _downgrade(found: Found) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        from alembic import command
        from alembic.config import Config
        from gamehall_server.migrate import FOLDER

        config = Config()
        config.set_main_option("script_location", str(FOLDER))
        config.attributes["connection"] = connection
        with suppress(RuntimeError), connection.begin_nested():
            command.downgrade(config, "0001")
            found.check(False, "Alembic went down")

    return work


async def _set(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def prove(seconds: float, seed: int) -> Found:
    """Both versions beside each other for so many seconds, then the migrations alone. Raises Missing."""
    found, server = Found(), PostgresServer()
    try:
        no_way_down(found, upgraded(found, server, None, seconds / 2))
        with before() as tree:
            upgraded(found, server, tree, seconds)
            for kind in ("sqlite", "postgresql"):
                migrated(found, kind, server, tree, dataset.COMMENTS, timed=True)
    finally:
        server.remove()
    return found


if __name__ == "__main__":
    main("upgrade", BAR, prove, 20)
