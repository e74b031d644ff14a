"""The dispatcher: at least once, in order per key, and one at a time, whatever dies or fails."""

import asyncio
from collections import Counter, defaultdict
from contextlib import asynccontextmanager

import pytest
from gamehall_server.kit import dispatch
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.dispatch import Consumer, Dispatcher, GiveUp
from gamehall_server.kit.errors import Unavailable
from gamehall_server.kit.events import Task, task
from gamehall_server.kit.outbox import Outbox, deliveries, outbox, waiting
from gamehall_server.kit.storage import Query, open_database
from gamehall_server.migrate import migrate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select
from sqlmodel import SQLModel
from worlds import sqlite_url

from tests.databases import shared_postgres

empty = [Query(delete(table.table)) for table in (deliveries, outbox)]
left = Query(select(func.count()).select_from(deliveries.table))
kept = Query(select(func.count()).select_from(outbox.table))
problems = Query(select(deliveries.table.c.problem, deliveries.table.c.fence, deliveries.table.c.due))


class Said(Task, frozen=True):
    number: int


class Clock:
    """A clock that the test advances, so that no pause takes any time."""

    def __init__(self, monkeypatch):
        self.moment = 10**15
        monkeypatch.setattr("gamehall_server.kit.clock.real_micros", lambda: self.moment)

    def now(self):
        return self.moment


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request, tmp_path_factory):
    url = shared_postgres().fresh() if request.param == "postgresql" else sqlite_url(tmp_path_factory.mktemp("dispatch"))
    migrate(url)
    return url


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@asynccontextmanager
async def opened(url):
    database = open_database(url, SQLModel.metadata.tables.values())
    await database.open()
    try:
        await database.write(lambda db: _empty(db))
        yield database
    finally:
        await database.close()


async def _empty(db):
    for query in empty:
        await db.run(query)


def dispatcher_of(database, clock, *consumers):
    kept = Outbox()
    made = Dispatcher(database, kept, now=clock.now, look_seconds=0.01)
    for consumer in consumers:
        made.register(consumer)
    return made, kept


async def say(database, kept, *said):
    """Events (key, number), in one transaction."""
    await database.write(lambda db: kept.keep(db, 0, [task("said", Said(key, number)) for key, number in said]))


async def until(clock, database, wanted, seconds=1):
    """Lets time pass until it is so."""
    while not await wanted():
        clock.moment += seconds * SECOND
        await asyncio.sleep(0.01)


def nothing_waits(database):
    async def wanted():
        return (await waiting(database.reader())).events == 0

    return wanted


def at_least(number, things):
    async def wanted():
        return len(things) >= number

    return wanted


def run(work):
    return asyncio.run(work)


def test_what_nobody_wants_waits_for_nobody(url, clock):
    async def work():
        async with opened(url) as database:
            _, kept_of = dispatcher_of(database, clock)
            await say(database, kept_of, ("a", 1))
            before = await database.reader().value(kept)
            await database.write(lambda db: kept_of.sweep(db, 1))
            return before, await database.reader().value(left), await database.reader().value(kept)

    assert run(work()) == (1, 0, 0)


def test_an_event_stays_until_everybody_has_it(url, clock):
    heard = []

    async def hear(delivery):
        heard.append((delivery.type, delivery.key, delivery.body))

    async def never(delivery):
        raise ConnectionError

    async def work():
        async with opened(url) as database:
            made, kept_of = dispatcher_of(database, clock, Consumer("one", ("said",), hear), Consumer("two", ("said",), never))
            made.start()
            await say(database, kept_of, ("a", 1))
            await until(clock, database, at_least(1, heard), 0)
            await made.stop(1)
            await database.write(lambda db: kept_of.sweep(db, 1))
            return await database.reader().value(left), await database.reader().value(kept)

    assert run(work()) == (1, 1)
    assert heard == [("said", "a", {"key": "a", "number": 1})]


def test_one_that_fails_is_tried_again_and_given_up(url, clock):
    tries = []

    async def fail(delivery):
        tries.append(delivery.fence)
        raise ConnectionError("the text may hold anything")

    async def work():
        async with opened(url) as database:
            made, kept_of = dispatcher_of(database, clock, Consumer("one", ("said",), fail))
            made.start()
            await say(database, kept_of, ("a", 1))
            await until(clock, database, nothing_waits(database), 3600)
            await made.stop(1)
            return await database.reader().all(problems), (await waiting(database.reader())).dead

    assert run(work()) == ([("ConnectionError", dispatch.MOST_TRIES, None)], 1)
    assert tries == list(range(1, dispatch.MOST_TRIES + 1))


def test_what_no_try_can_help_is_given_up_at_once_and_the_next_of_its_key_goes(url, clock):
    heard = []

    async def refuse_the_first(delivery):
        if delivery.body["number"] == 1:
            raise GiveUp
        heard.append(delivery.body["number"])

    async def work():
        async with opened(url) as database:
            made, kept_of = dispatcher_of(database, clock, Consumer("one", ("said",), refuse_the_first))
            made.start()
            await say(database, kept_of, ("a", 1), ("a", 2))
            await until(clock, database, nothing_waits(database))
            await made.stop(1)

    run(work())
    assert heard == [2]


def test_a_consumer_that_hangs_holds_up_no_other(url, clock):
    heard, hung = [], []

    async def hang(delivery):
        hung.append(delivery)
        await asyncio.Event().wait()

    async def hear(delivery):
        heard.append(delivery.body["number"])

    async def work():
        async with opened(url) as database:
            made, kept_of = dispatcher_of(database, clock, Consumer("one", ("said",), hang), Consumer("two", ("said",), hear))
            made.start()
            await say(database, kept_of, *((f"k{number}", number) for number in range(50)))
            await until(clock, database, at_least(50, heard), 0)
            await until(clock, database, at_least(dispatch.MOST_AT_ONCE, hung), 0)
            # What is broken off is anybody's again at once.
            await made.stop(0)
            return [due for _, _, due in await database.reader().all(problems)]

    assert {due for due in run(work()) if due > clock.moment} == set()
    assert sorted(heard) == list(range(50))


def test_what_a_consumer_writes_at_the_end_is_written_once(url, clock):
    """Though its first try lost the lease, and ends after the second."""
    slow, first = asyncio.Event, []
    finished = []

    async def work():
        gate = slow()

        async def take(delivery):
            first.append(delivery.fence)
            if delivery.fence == 1:
                await gate.wait()

            async def finish(db):
                finished.append(delivery.fence)

            return finish

        async with opened(url) as database:
            one, kept_of = dispatcher_of(database, clock, Consumer("one", ("said",), take))
            two, _ = dispatcher_of(database, clock, Consumer("one", ("said",), take))
            one.start()
            await say(database, kept_of, ("a", 1))
            await until(clock, database, at_least(1, first), 0)
            clock.moment += dispatch.LEASE + 1
            two.start()
            await until(clock, database, nothing_waits(database), 0)
            gate.set()
            await one.stop(1)
            await two.stop(1)

    run(work())
    assert first == [1, 2]
    assert finished == [2]


def test_a_finish_that_fails_is_tried_again_whole(url, clock):
    tries = []

    async def take(delivery):
        async def finish(db):
            tries.append(delivery.fence)
            if delivery.fence == 1:
                raise Unavailable

        return finish

    async def work():
        async with opened(url) as database:
            made, kept_of = dispatcher_of(database, clock, Consumer("one", ("said",), take))
            made.start()
            await say(database, kept_of, ("a", 1))
            await until(clock, database, nothing_waits(database))
            await made.stop(1)

    run(work())
    # SQLite runs a group again without the one that failed in it.
    assert list(dict.fromkeys(tries)) == [1, 2]


class Died(BaseException):
    """The process is no more."""


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    keys=st.lists(st.sampled_from("abc"), min_size=1, max_size=12),
    deaths=st.lists(st.tuples(st.sampled_from(["claimed", "taken", "before the end", "after the end"]), st.integers(1, 6)), max_size=4),
    failures=st.sets(st.integers(0, 11), max_size=4),
    processes=st.integers(1, 3),
)
def test_whatever_dies_and_fails_each_is_taken_in_order_and_none_is_lost(url, clock, keys, deaths, failures, processes):
    """Dispatchers that die at any point, tries that fail: every event is taken, those of a key in order, and never two tries at once."""
    numbered = list(enumerate(keys))
    taken = defaultdict(list)
    failed, under_way, overlaps = set(), Counter(), []
    to_die = list(deaths)
    steps = Counter()

    def step(name):
        steps[name] += 1
        for death in to_die:
            if death == (name, steps[name]):
                to_die.remove(death)
                raise Died

    async def take(delivery):
        key, number = delivery.key, delivery.body["number"]
        if under_way[key]:
            overlaps.append(number)
        under_way[key] += 1
        try:
            await asyncio.sleep(0)
            if number in failures and number not in failed:
                failed.add(number)
                raise ConnectionError
            taken[key].append(number)
            step("taken")
        finally:
            under_way[key] -= 1

    class Dying:
        """A database in a process that may die around what it writes."""

        def __init__(self, database):
            self._database = database
            self.reader = database.reader

        async def write(self, work):
            step("before the end")
            result = await self._database.write(work)
            step("after the end")
            if isinstance(result, list) and result:
                step("claimed")
            return result

    async def process(database):
        """Starts again whenever it has died."""
        while True:
            loop = dispatch._Loop(Dying(database), Consumer("one", ("said",), take), clock.now, 0.001)
            tasks = loop.tries
            try:
                while True:
                    await loop._turn()
            except Died:
                # Nothing of it goes on, and nothing is put back: its leases run out.
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                clock.moment += dispatch.LEASE + 1

    async def work():
        async with opened(url) as database:
            _, kept_of = dispatcher_of(database, clock, Consumer("one", ("said",), take))
            for number, key in numbered:
                await say(database, kept_of, (key, number))
            running = [asyncio.create_task(process(database)) for _ in range(processes)]
            await until(clock, database, nothing_waits(database))
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            return (await waiting(database.reader())).dead

    # Time passes faster than any try: a pause of the dead and of the failed is over at once, a lease of the living is not.
    assert run(work()) == 0
    assert overlaps == []
    for key in set(keys):
        wanted = [number for number, each in numbered if each == key]
        # Again and again perhaps, but none before the one before it.
        assert list(dict.fromkeys(taken[key])) == wanted
        firsts = [number for at, number in enumerate(taken[key]) if at == 0 or taken[key][at - 1] != number]
        assert firsts == sorted(firsts)
