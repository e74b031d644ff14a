"""Attempts to get in, counted where a restart does not forget them.

A try is counted before it is judged, so that a thousand at once are counted as well, and what was right is taken back. After a few failures
each further try has to wait longer, up to a quarter of an hour: nobody is ever locked out for good. The failures of strangers do not hold
up an account's owner: from a network where somebody signed in before, the account's tries are counted apart.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv6Address
from typing import Any, NamedTuple

from gamehall.options.v1.errors_pb2 import ErrorReason
from sqlalchemy import BigInteger, bindparam, delete, exists, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.columns import Moment
from gamehall_server.kit.errors import Exhausted
from gamehall_server.kit.proxies import parsed
from gamehall_server.kit.storage import Database, Handle, Query, table_of, upsert

PLACES_KEPT: Micros = 180 * 24 * 3600 * SECOND
KEPT: Micros = 24 * 3600 * SECOND


class AttemptRow(SQLModel, table=True):
    """Tries of one account, or from one network, by a digest of its name. Until `until` there is no further one."""

    __tablename__ = "attempt"

    key: str = Field(primary_key=True)
    failures: int = Field(nullable=False)
    at: int = Field(sa_type=Moment, nullable=False, index=True)
    until: int = Field(sa_type=Moment, nullable=False)


class KnownPlaceRow(SQLModel, table=True):
    """An account and a network from which it was signed in to, by one digest of both."""

    __tablename__ = "known_place"

    key: str = Field(primary_key=True)
    at: int = Field(sa_type=Moment, nullable=False, index=True)


class Limit(NamedTuple):
    """So many tries are free; the next waits `pause`, and each further one twice as long, up to `longest`. One is forgotten each `leak`."""

    free: int
    pause: Micros
    longest: Micros
    leak: Micros


ACCOUNT = Limit(5, 2 * SECOND, 900 * SECOND, 900 * SECOND)
# A client is many machines, of which one may still have an old secret.
CLIENT = Limit(10, SECOND, 60 * SECOND, 60 * SECOND)
NETWORK = Limit(100, SECOND, 60 * SECOND, 10 * SECOND)
# Codes that are asked for: each is a message to somebody.
ASKED = Limit(3, 60 * SECOND, 900 * SECOND, 600 * SECOND)


class Counted(NamedTuple):
    """What a try is counted under."""

    key: str
    limit: Limit


_big = BigInteger
_a, _p = table_of(AttemptRow).table, table_of(KnownPlaceRow).table
_key: Any = bindparam("this")
_at, _until, _failures = bindparam("now", type_=_big), bindparam("until", type_=_big), bindparam("failures", type_=_big)
# Several may count the first try at once.
_begin = Query(upsert(_a).values(key=bindparam("key"), failures=0, at=_at, until=0))
_lock = Query(select(_a.c.failures, _a.c.at, _a.c.until).where(_a.c.key == _key).with_for_update())
_count = Query(update(_a).where(_a.c.key == _key).values(failures=_failures, at=_at, until=_until))
_take_back = Query(update(_a).where(_a.c.key == _key, _a.c.failures > 0).values(failures=_a.c.failures - 1, until=0))
_clear = Query(delete(_a).where(_a.c.key == _key))
_known = Query(select(_p.c.key).where(_p.c.key == _key))
_trusted = Query(select(_p.c.key).where(_p.c.key == _key, ~exists().where(_a.c.key == _key)))
_know = Query(upsert(_p, by=("key",), renewed=("at",)).values(key=bindparam("key"), at=_at))
_old, _old_places = (Query(delete(table).where(table.c.at < bindparam("before", type_=_big))) for table in (_a, _p))


def network(address: str) -> str:
    """What one household or machine usually has: an IPv4 address, or the first 64 bits of an IPv6 one."""
    found = parsed(address)
    return str(IPv6Address(int(found) >> 64 << 64)) if isinstance(found, IPv6Address) else str(found or address)


def digest(*parts: str) -> str:
    """Names as they are kept: who reads the table learns none of them at once."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _place(name: str, address: str) -> str:
    """A network from which somebody who is called so got in."""
    return digest("place", name, network(address))


async def count(db: Handle, counted: Iterable[Counted]) -> None:
    """Counts one try under each of these, in the transaction of `db`. Raises Exhausted, and counts none, while one of them has to wait."""
    now, wait = clock.real_micros(), 0
    found: list[tuple[Counted, int]] = []
    # In one order, so that no two calls wait for each other.
    for each in sorted(counted):
        row: Any = None
        # Whoever got in meanwhile may have cleared it between the two.
        while row is None:
            await db.run(_begin, key=each.key, now=now)
            row = await db.one(_lock, this=each.key)
        wait = max(wait, row[2] - now)
        found.append((each, max(0, row[0] - max(0, now - row[1]) // each.limit.leak) + 1))
    if wait > 0:
        seconds = -(-wait // SECOND)
        reason = ErrorReason.ERROR_REASON_TOO_MANY_ATTEMPTS
        raise Exhausted(f"Too many attempts: try again in {seconds} seconds.", reason=reason, retry_after=seconds)
    for each, failures in found:
        over = failures - each.limit.free
        # Nothing, not even this moment, while tries are free: of two at once the one that began first may be counted last.
        until = now + min(each.limit.longest, each.limit.pause * 2 ** min(over, 40)) if over >= 0 else 0
        await db.run(_count, this=each.key, failures=failures, now=now, until=until)


class Attempts:
    """Tries to prove who somebody is."""

    def __init__(self, database: Database, network_tries: int) -> None:
        self._database = database
        self._network = NETWORK._replace(free=network_tries)

    def from_there(self, address: str, what: str = "sign in") -> Counted:
        """What tries from an address are counted under."""
        return Counted(digest("network", what, network(address)), self._network)

    async def judged(self, name: str, address: str, judge: Callable[[], Awaitable[bool]], limit: Limit = ACCOUNT) -> bool:
        """What `judge` finds: whether somebody at an address may get into the account that is called so. Call it outside of transactions.

        Raises Exhausted, and asks no judge, after too many failures. It is the same work for names that nobody has.
        """
        from_there = self.from_there(address)
        place = _place(name, address)

        async def begin(db: Handle) -> Counted:
            known = await db.one(_known, this=place)
            account = Counted(digest("account", name) if known is None else place, limit)
            await count(db, (account, from_there))
            return account

        account = await self._database.write(begin)
        try:
            right = await judge()
        except BaseException:
            await self._database.write(lambda db: _forget(db, account, from_there))
            raise
        if right:

            async def clear(db: Handle) -> None:
                db.later(_clear, this=account.key)
                db.later(_take_back, this=from_there.key)
                db.later(_know, key=place, now=clock.real_micros())

            await self._database.write(clear)
        return right

    async def of_client(self, client_key: str, address: str, right: bool) -> bool:
        """As `judged`, for a client whose secret was looked at already, which costs nothing. It is `right` all day long: where it was
        before, and nothing failed since, that is one read and no write."""
        name = f"client\0{client_key}"
        if right and await self._database.reader().one(_trusted, this=_place(name, address)) is not None:
            return True

        async def judge() -> bool:
            return right

        return await self.judged(name, address, judge, CLIENT)

    async def counted(self, address: str, what: str) -> None:
        """Counts what everybody may do, but nobody all the time. Raises Exhausted."""
        await self._database.write(lambda db: count(db, (self.from_there(address, what),)))

    async def guarded(self, address: str, judge: Callable[[], Awaitable[bool]]) -> bool:
        """As `judged`, for a secret that is too long to guess: counted by network alone."""
        from_there = self.from_there(address)
        await self._database.write(lambda db: count(db, (from_there,)))
        right = await judge()
        if right:
            await self._database.write(lambda db: _forget(db, from_there))
        return right


async def _forget(db: Handle, *counted: Counted) -> None:
    for each in counted:
        db.later(_take_back, this=each.key)


async def sweep_attempts(db: Handle) -> None:
    """Removes what counts no more."""
    now = clock.real_micros()
    await db.run(_old, before=now - KEPT)
    await db.run(_old_places, before=now - PLACES_KEPT)
