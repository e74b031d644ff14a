"""The machine under the server goes wrong: a full disk, a file it may not write, somebody else's lock, a clock that jumps."""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gamehall_server.kit.storage.sqlite_file import Driver

from prove import books
from prove.doors import Doors
from prove.ground import Ground, ground
from prove.product import Product, served
from prove.proof import Found, main

BAR = "clear errors, reads go on, nothing lost or corrupt, recovery without a restart"
ROOM = 64 * 1024
HOUR = 3600


class Book:
    """Comments that were asked for, and which of them were promised."""

    def __init__(self, doors: Doors, found: Found) -> None:
        self._doors, self._found = doors, found
        self.told: list[tuple[str, str, str]] = []
        self.refused: list[str] = []

    def write(self, times: int) -> int:
        """Asks for so many comments; gives how many were made."""
        made = 0
        for _ in range(times):
            key = f"k0.{len(self.told) + len(self.refused)}"
            number = self._doors.write(key)
            if number is None:
                self.refused.append(key)
            else:
                self.told.append(("comment", key, number))
                made += 1
        return made

    def read(self, times: int) -> int:
        """Asks for so many comments through both doors; gives how many were answered."""
        return sum(self._doors.read(number) is not None for number in range(1, times + 1))

    def close(self, url: str) -> None:
        """Compares with what is there. What was refused must not be."""
        self._doors.close()
        books.audit(self._found, url, self.told)
        there = {key for (key,) in books.rows(url, "SELECT content FROM comment WHERE content LIKE 'k0.%'")}
        self._found.zero("refused and yet done", len(there.intersection(self.refused)))


def full_disk(found: Found, on: Ground, seconds: float) -> None:
    """The files may not grow any more, for a while: writes are told to come back, reads are answered, then all goes on."""
    with served(on) as product:
        book = Book(Doors(product, found, "full disk"), found)
        book.write(20)
        largest = max(file.stat().st_size for file in on.folder.iterdir() if file.name.startswith(on.file.name))
        resource.prlimit(product.pid, resource.RLIMIT_FSIZE, (largest + ROOM, resource.RLIM_INFINITY))
        refused, until = 0, time.monotonic() + seconds
        while refused < 40 or time.monotonic() < until:
            refused += 8 - book.write(8)
            found.check(book.read(8) == 8, "full disk: a read was refused")
        resource.prlimit(product.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        found.check(book.write(20) == 20, "full disk: a write was refused after there was room again")
        found.count("refused for want of room", refused)
        found.check(product.stop() == 0, "full disk: the server did not end well")
    book.close(on.url)


def foreign_lock(found: Found, on: Ground) -> None:
    """Somebody's sqlite3 holds the file's lock for writing."""
    with served(on) as product:
        book = Book(Doors(product, found, "foreign lock"), found)
        book.write(4)
        other = Driver().module.connect(str(on.file), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        found.check(book.write(4) == 0, "foreign lock: a write in spite of it")
        found.check(book.read(8) == 8, "foreign lock: a read was refused")
        other.execute("ROLLBACK")
        other.close()
        found.check(book.write(8) == 8, "foreign lock: a write was refused after it")
        found.count("refused for a lock", len(book.refused))
    book.close(on.url)


def second_process(found: Found, on: Ground) -> None:
    """A second server on the file refuses to start, names the first, and the first does not notice."""
    with served(on) as product:
        second = Product(on)
        code = second.spawn().wait()
        sentence = f"in use by another process (pid {product.pid})"
        found.check(code == 1 and sentence in " ".join(second.told.split()), f"second process: {code}, {second.told}")
        book = Book(Doors(product, found, "second process"), found)
        found.check(book.write(8) == 8, "second process: the first one refuses")
        found.count("second processes refused", 1)
    book.close(on.url)


def read_only(found: Found, on: Ground) -> None:
    """A file, and then a folder, that may not be written: one sentence and exit 1; as soon as it may, a start like any other."""
    for what, path, mode in (("file", on.file, 0o444), ("folder", on.folder, 0o555)):
        before = path.stat().st_mode
        path.chmod(mode)
        try:
            product = Product(on)
            product.log = Path(tempfile.mkstemp(prefix="gamehall-prove-")[1])
            product.command = ("-c", LIKE_ANYBODY, "serve")
            code = product.spawn().wait()
        finally:
            path.chmod(before)
        told = product.told
        product.log.unlink()
        clear = code == 1 and "Traceback" not in told and told.count("\n") <= 4 and "gamehall:" in told
        found.check(clear, f"read-only {what}: {code}, {told[-600:]}")
        found.count("read-only starts refused", 1)
    with served(on) as product:
        book = Book(Doors(product, found, "read-only"), found)
        found.check(book.write(4) == 4, "read-only: refuses afterwards")
    book.close(on.url)


# A start like anybody's: it lets go of root's right to write anywhere (CAP_DAC_OVERRIDE), from what the next program may have at most.
LIKE_ANYBODY = """
import ctypes, os, sys
if os.geteuid() == 0:
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "gamehall_server", *sys.argv[1:]])
"""

# A start with another clock: it reads how far it is off from the first eight bytes of a file.
SHIM = """
import mmap, runpy, struct, sys, time
from datetime import datetime
with open(sys.argv.pop(1), "rb") as file:
    shared = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
real = time.time_ns
time.time_ns = lambda: real() + struct.unpack("q", shared[:8])[0] * 10**9
time.time = lambda: time.time_ns() / 1e9
import jwt.api_jwt
class Moment(datetime):
    now = classmethod(lambda cls, tz=None: datetime.fromtimestamp(time.time(), tz))
jwt.api_jwt.datetime = Moment
runpy.run_module("gamehall_server", run_name="__main__", alter_sys=True)
"""


def clock_jump(found: Found, on: Ground, chance: random.Random) -> None:
    """The machine's clock jumps while the server runs: tokens stay good, and no call is refused, doubled or lost."""
    clock = on.folder / "clock"

    def off_by(seconds: int) -> None:
        with clock.open("r+b" if clock.exists() else "wb") as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))

    off_by(0)
    product = Product(on)
    product.command = ("-c", SHIM, str(clock), "serve")
    product.start()
    try:
        book = Book(Doors(product, found, "clock jump"), found)
        book.write(4)
        for jump in (HOUR, -HOUR, 0, chance.randint(-HOUR, HOUR), -24 * HOUR, 0):
            off_by(jump)
            fresh = Doors(product, found, "clock jump, token not seen before", chance.choice(on.tokens))
            late = jump == -24 * HOUR
            found.check(book.write(4) == 4, f"clock jump of {jump}: a write was refused")
            found.check(fresh.read(1) is not None, f"clock jump of {jump}: a good token was refused")
            fresh.close()
            _, key, number = book.told[0]
            told = Doors(product, found, "clock jump, same key")
            found.check(told.write(key) == number or late, f"clock jump of {jump}: done twice")
            told.close()
            found.count("clock jumps", 1)
    finally:
        product.stop()
    book.close(on.url)
    found.check(not product.bugs(), f"clock jump: {product.bugs()[:1]}")


def prove(seconds: float, seed: int) -> Found:
    """Each fault on a database of its own; the full disk lasts `seconds`."""
    found = Found()
    faults: list[Callable[[Ground], None]] = [
        lambda on: full_disk(found, on, seconds),
        lambda on: foreign_lock(found, on),
        lambda on: second_process(found, on),
        lambda on: read_only(found, on),
        lambda on: clock_jump(found, on, random.Random(seed)),
    ]
    for fault in faults:
        with ground("sqlite") as on:
            fault(on)
    return found


if __name__ == "__main__":
    main("faults", BAR, prove, 5)
