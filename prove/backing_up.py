"""A backup is made while servers write, and a database from it: what was acknowledged before it ended is there, whole, and the writers
hardly notice."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from bench.servers import environment
from prove import books
from prove.doors import Doors
from prove.ground import Ground, ground
from prove.product import Product, served
from prove.proof import Found, main
from tests.databases import PostgresServer

BAR = "the copy of >= 100 MB holds every change acknowledged before the moment it tells, whole; writers' p99 <= 2x while it is made"
COMMENTS, LEAST_MB = 600_000, 100
PG_DUMP = (
    "on PostgreSQL `gamehall backup` is pg_dump, which holds what was acknowledged before it began, and tells that moment. PostgreSQL's "
    "own pg_basebackup holds what was acknowledged up to its end; of what it costs the writers nothing is promised (docs/decisions/0019)."
)
WRITERS, PAUSE = 4, 0.004
SLOWER = 2.0
TOLD = re.compile(r"every change acknowledged up to (\S+) \([\d,]+ bytes\)")
FILLED = "SELECT count(*) FROM comment WHERE content NOT LIKE 'k%.%'"
SIZE = "SELECT pg_database_size(current_database())"
COPYING = "SELECT 1 FROM pg_stat_progress_basebackup WHERE phase = 'streaming database files'"


class Writers:
    """Users who write through both doors, with a short rest after each answer."""

    def __init__(self, product: Product, found: Found) -> None:
        self.told: list[tuple[float, float, str, str]] = []
        """When it was asked, when it was answered, the key, and what was made."""
        self._stop = threading.Event()
        self._doors = [Doors(product, found, "while a backup is made", token) for token in product.ground.tokens[:WRITERS]]
        self._threads = [threading.Thread(target=self._run, args=each) for each in enumerate(self._doors)]

    def _run(self, number: int, doors: Doors) -> None:
        turn = 0
        while not self._stop.wait(PAUSE):
            key, asked = f"k{number}.{turn}", time.time()
            made = doors.write(key)
            if made is not None:
                self.told.append((asked, time.time(), key, made))
            turn += 1
        doors.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write during the block."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def wait(self, count: int) -> None:
        """Until so many more calls were answered."""
        wanted = len(self.told) + count
        while len(self.told) < wanted:
            time.sleep(0.01)


def command(on: Ground, *arguments: str) -> str:
    """A command of `gamehall` on a database, with PostgreSQL's own tools on the PATH; gives what it tells."""
    given = environment(on.url) | {"GAMEHALL_DATABASE_URL": on.url, "COLUMNS": "300"}
    if on.postgres is not None:
        given["PATH"] = f"{on.postgres._binaries}{os.pathsep}{given['PATH']}"
    done = subprocess.run([sys.executable, "-m", "gamehall_server", *arguments], env=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


def dumped(on: Ground, target: Path) -> float:
    """`gamehall backup`; gives the moment up to which the copy holds everything."""
    told = TOLD.search(command(on, "backup", str(target)))
    assert told is not None
    return datetime.fromisoformat(told[1]).timestamp()


class Copied(PostgresServer):
    """A server made by PostgreSQL's own pg_basebackup from one that runs. It has not been started."""

    def __init__(self, of: PostgresServer) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gamehall-pg-"))
        self.folder.chmod(0o777)
        self.data = self.folder / "data"
        self._binaries, self._user = of._binaries, of._user
        source = ("-h", str(of.folder), "-U", "postgres", "-D", str(self.data), "-X", "stream", "--checkpoint=fast")
        self._run("pg_basebackup", *source, user=self._user)


def copied(on: Ground, copies: list[Copied]) -> float:
    """pg_basebackup; gives the last moment at which it was seen copying."""
    assert on.postgres is not None
    moment = 0.0
    with ThreadPoolExecutor(1) as pool:
        copying = pool.submit(Copied, on.postgres)
        while not copying.done():
            before = time.time()
            if books.rows(on.url, COPYING):
                moment = before
        copies.append(copying.result())
    return moment


class Backup(NamedTuple):
    """One that was made: how, when it began, the moment up to which it holds everything, and when it ended."""

    way: str
    began: float
    moment: float
    ended: float


def backed_up(found: Found, on: Ground, *, rounds: int, least: int, timed: bool) -> None:
    """Backups one after the other, so many calls in between; then a database is made from each and looked at."""
    size = on.file.stat().st_size if on.postgres is None else int(books.rows(on.url, SIZE)[0][0])
    filled = books.rows(on.url, FILLED)
    made: list[Backup] = []
    copies: list[Copied] = []
    ways: dict[str, Callable[[], float]] = {"backup": lambda: dumped(on, on.folder / f"{len(made)}.backup")}
    if on.postgres is not None:
        ways["pg_basebackup"] = lambda: copied(on, copies)
    with served(on) as product:
        writers = Writers(product, found)
        with writers.writing():
            writers.wait(least)
            for way, make in list(ways.items()) * rounds:
                began = time.time()
                made.append(Backup(way, began, make(), time.time()))
                writers.wait(least)
        found.check(product.stop() == 0, f"{on.kind}: the server did not end well")
    found.check(not product.bugs(), f"{on.kind}: {product.bugs()[:1]}")
    for number, backup in enumerate(made):
        with _restored(on, on.folder / f"{number}.backup") if backup.way == "backup" else _started(on, copies.pop(0)) as there:
            _whole(found, there, writers, backup, filled)
    if timed:
        found.count(f"{on.kind}: MB", size // 10**6)
        found.check(size >= LEAST_MB * 10**6, f"{on.kind}: only {size:,} bytes")
        for way in ways:
            _slower(found, writers, f"{on.kind}, {way}", [backup for backup in made if backup.way == way], made)


@contextmanager
def _restored(on: Ground, backup: Path) -> Iterator[Ground]:
    url = f"sqlite:///{backup}.db" if on.postgres is None else on.postgres.fresh()
    command(on._replace(url=url), "restore", str(backup))
    yield on._replace(url=url)


@contextmanager
def _started(on: Ground, copy: Copied) -> Iterator[Ground]:
    assert on.postgres is not None
    try:
        copy.start()
        yield on._replace(url=on.url.replace(str(on.postgres.folder), str(copy.folder)))
    finally:
        copy.remove()


def _whole(found: Found, there: Ground, writers: Writers, backup: Backup, filled: object) -> None:
    name = f"{there.kind}, {backup.way}"
    acknowledged = [("comment", key, made) for _, at, key, made in writers.told if at <= backup.moment]
    found.count(f"{name}: acknowledged", len(acknowledged))
    found.count(f"{name}: of them while it ran", sum(backup.began < at <= backup.moment for _, at, *_ in writers.told))
    books.audit(found, there.url, acknowledged)
    found.check(books.rows(there.url, FILLED) == filled, f"{name}: not all that was there before")
    held = {key for (key,) in books.rows(there.url, "SELECT content FROM comment WHERE content LIKE 'k%.%'")}
    found.zero("comments that nobody asked for", len(held - {key for _, _, key, _ in writers.told}))
    with served(there) as product:
        doors = Doors(product, found, f"{name}, restored")
        calls = (doors.write_http("a"), doors.write_grpc("b"), doors.read_http("1"), doors.read_grpc("1"))
        found.check(None not in calls, f"{name}: a call was refused after it was restored")
        doors.close()
    found.count(f"{name}: restored")


def _slower(found: Found, writers: Writers, name: str, these: list[Backup], every: list[Backup]) -> None:
    """Compares calls during these backups with calls during none."""
    during = [d - a for a, d, *_ in writers.told if any(a < backup.ended and d > backup.began for backup in these)]
    quiet = [d - a for a, d, *_ in writers.told if not any(a < backup.ended and d > backup.began for backup in every)]
    slow, usual = (sorted(times)[int(len(times) * 0.99)] for times in (during, quiet))
    found.count(f"{name}: calls while it ran", len(during))
    found.count(f"{name}: p99 us while none ran", round(usual * 1e6))
    found.count(f"{name}: p99 us while it ran", round(slow * 1e6))
    if these[0].way == "backup":
        found.check(slow <= SLOWER * usual, f"{name}: the writers' p99 is {slow / usual:.1f} times as long")


def prove(seconds: float, seed: int) -> Found:
    """Three backups of each database, by every way there is."""
    found = Found()
    for kind in ("sqlite", "postgresql"):
        with ground(kind, comments=COMMENTS, objects=1000) as on:
            backed_up(found, on, rounds=3, least=2000, timed=True)
    found.exceptions.append(PG_DUMP)
    return found


if __name__ == "__main__":
    main("backing_up", BAR, prove, 0)
