"""How many events a second rules take: a backlog that the product's own outbox has written, and a server that finds it when it starts."""

import asyncio
import time

from gamehall_server.admin import opened
from gamehall_server.kit import clock
from gamehall_server.kit.events import custom
from gamehall_server.kit.storage import Handle
from gamehall_server.settings import Settings

from bench import dataset, machine
from prove import books
from prove.ground import Ground, ground
from prove.product import Product, served
from prove.proof import Found
from prove.ruling import NUMBER, PATIENCE, USER, Chief, above, constant, counts, fires, tags

# Events a second.
NONE_MATCHES, THREE_ACTIONS = 5000, 1000
RULES, ASKED = 100, 10
EVENT, OTHER, LED_TO = "proof.asked", "proof.other", "proof.led_to"
TOGETHER = 500
LEFT = "SELECT count(*) FROM delivery WHERE consumer = 'rules' AND due IS NOT NULL"


def rates(found: Found, kind: str, *, events: int = 20_000, timed: bool = True) -> None:
    """Part 4: both bars on one kind of database."""
    for what, bar, matching in (("none matches", NONE_MATCHES, False), ("3 actions", THREE_ACTIONS, True)):
        with ground(kind) as on:
            measured(found, on, what, bar if timed else 0, events, matching=matching)


def measured(found: Found, on: Ground, what: str, bar: int, events: int, *, matching: bool) -> None:
    """One bar on one database."""
    with served(on) as product:
        _ruled(Chief(product), matching=matching)
    asyncio.run(_backlog(on, events))
    product = Product(on)
    product.spawn()
    try:
        rate, busy = _taken(found, product, events, what)
    finally:
        product.stop()
    found.count(f"{on.kind}, {what}: events a second", rate)
    found.count(f"{on.kind}, {what}: percent of a core", busy)
    found.check(rate >= bar, f"{on.kind}, {what}: {rate:,} events a second, and {bar:,} are wanted")
    judged, told = books.rows(
        on.url, f"SELECT count(*), min(length(told)) FROM bre_event_rules JOIN outbox ON id = event_id WHERE type = '{EVENT}'"
    )[0]
    found.check(int(judged) == events and int(told) > 2, f"{on.kind}, {what}: {judged} of {events} were judged")
    if matching:
        done = sum(int(value) for (value,) in books.rows(on.url, "SELECT value FROM bre_global_value"))
        fired = int(books.rows(on.url, f"SELECT count(*) FROM outbox WHERE type = '{LED_TO}'")[0][0])
        found.check((done, fired) == (events, events), f"{on.kind}, {what}: counted {done}, fired {fired} of {events}")


def _ruled(chief: Chief, *, matching: bool) -> None:
    """A hundred rules: ten are asked of the event, and none or one of them matches."""
    for event in (EVENT, OTHER, LED_TO):
        chief.trigger(event, user="user", number="integer")
    count = chief.counter("count", user="user")
    three = (counts(count, scopes={"user": USER}), tags(constant("seen", "string")), fires(LED_TO, user=USER, number=NUMBER))
    for number in range(RULES):
        holds = matching and number == 0
        chief.rule(EVENT if number < ASKED else OTHER, *three, condition=above(-1 if holds else 10**9 + number))


async def _backlog(on: Ground, events: int) -> None:
    """Events as calls write them, while nobody takes any."""
    async with opened(Settings(database_url=on.url, root_key=dataset.ROOT_KEY, password_passes=1)) as product:
        for first in range(0, events, TOGETHER):

            async def keep(db: Handle, first: int = first) -> None:
                told = [
                    custom(EVENT, {"user": number % dataset.USERS + 1, "number": number})
                    for number in range(first, min(first + TOGETHER, events))
                ]
                await product.outbox.keep(db, clock.real_micros(), told)

            await product.database.write(keep)


def _taken(found: Found, product: Product, events: int, what: str) -> tuple[int, int]:
    """Events a second from the first look at which some were gone to the last, and the share of a core that the server used."""
    first: tuple[float, int, float] | None = None
    deadline = time.monotonic() + PATIENCE
    while True:
        left, now, used = int(books.rows(product.ground.url, LEFT)[0][0]), time.monotonic(), machine.cpu_seconds(product.pid)
        if first is None and left < events:
            first = now, left, used
        if left == 0 or now > deadline or not product.alive:
            break
        time.sleep(0.05)
    found.check(left == 0, f"{product.ground.kind}, {what}: {left} of {events} still wait after {PATIENCE:.0f} s")
    if first is None or now == first[0]:
        return 0, 0
    return round((first[1] - left) / (now - first[0])), round(100 * (used - first[2]) / (now - first[0]))
