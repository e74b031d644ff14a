"""Time and chance: the only place that reads the machine's clock or its random source.

Moments are integer microseconds since the unix epoch, UTC: exact, ordered, the same in Python and in both databases.
"""

import itertools
import secrets
import time
import uuid
from typing import Protocol

Micros = int
SECOND: Micros = 1_000_000


class Clock(Protocol):
    """Where `call.now` comes from."""

    def now(self) -> Micros:
        """The deployment's time."""
        ...


class SystemClock:
    """The machine's time."""

    def now(self) -> Micros:
        return time.time_ns() // 1000


class SandboxClock:
    """A clock that a tester sets, freezes and advances. It runs at the machine's pace from wherever it was set."""

    def __init__(self) -> None:
        self._offset: Micros = 0
        self._frozen_at: Micros | None = None

    def now(self) -> Micros:
        if self._frozen_at is not None:
            return self._frozen_at
        return time.time_ns() // 1000 + self._offset

    @property
    def frozen(self) -> bool:
        return self._frozen_at is not None

    def set(self, moment: Micros) -> None:
        """Moves the clock to a moment; it goes on running, or standing, from there."""
        if self._frozen_at is not None:
            self._frozen_at = moment
        else:
            self._offset = moment - time.time_ns() // 1000

    def freeze(self, frozen: bool) -> None:
        """Stops the clock where it is, or lets it run on from there."""
        if frozen and self._frozen_at is None:
            self._frozen_at = self.now()
        elif not frozen and self._frozen_at is not None:
            moment, self._frozen_at = self._frozen_at, None
            self.set(moment)


def real_seconds() -> int:
    """Unix seconds of the machine: what access tokens are judged by, sandbox or not."""
    return int(time.time())


def real_micros() -> Micros:
    """The machine's time, sandbox or not: what leases and limits are measured by."""
    return time.time_ns() // 1000


def chance() -> float:
    """A number from 0 up to 1, for pauses that must not be everybody's. It is no secret."""
    return secrets.randbelow(1 << 30) / (1 << 30)


def token(size: int = 32) -> str:
    """A secret of `size` random bytes in URL-safe text."""
    return secrets.token_urlsafe(size)


def random_bytes(size: int) -> bytes:
    """So many random bytes, for secrets that are written otherwise."""
    return secrets.token_bytes(size)


def random_uuid() -> str:
    """A random UUID (RFC 9562 section 5.4)."""
    return str(uuid.uuid4())


def text_id(now: Micros) -> str:
    """An id for a record whose ids are texts: 24 hexadecimal digits, which rise with time and end by chance. It is no secret."""
    return f"{now:014x}{secrets.token_hex(5)}"


# Seconds of a counter that only runs forward: how long something took.
ticks = time.perf_counter
# Nanoseconds of the machine's time, for what tells other machines when something was.
wall_nanoseconds = time.time_ns

# Random per process, then counted: unique without asking the kernel for randomness on every call.
_process = secrets.token_hex(5)
_calls = itertools.count(1)


def request_id() -> str:
    """A number that finds one call in the log. It is no secret."""
    return f"{_process}{next(_calls):08x}"
