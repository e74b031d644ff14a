"""Sign-ins that fail: how long they take tells nobody whether the user exists."""

import asyncio
import math
import random
import time
from statistics import median
from urllib.parse import quote_plus

from gamehall_server.admin import opened
from gamehall_server.kit.storage import Handle
from gamehall_server.modules import users
from gamehall_server.modules.access import ROLE_USER
from gamehall_server.settings import Settings

from bench import dataset
from prove.caller import Caller
from prove.ground import PASSWORD, Ground, ground
from prove.product import Product, served
from prove.proof import Found, main

BAR = "unknown users, wrong passwords and users without one take equally long: medians within 5 %, and no p below 0.01 over 400 pairs"
PAIRS, WITHIN, LEAST_P = 400, 0.05, 0.01
SECONDS = 60.0
WITHOUT, KNOWN = "without", "known"


def register(on: Ground, number: int) -> None:
    """Users with a password and users without: each is asked for once, so no limit has a say. Nobody serves the database yet."""

    async def make() -> None:
        async with opened(Settings(database_url=on.url, root_key=dataset.ROOT_KEY)) as product:
            now, hashed = product.app.clock.now(), await product.hasher.hash(PASSWORD)

            async def add(db: Handle) -> None:
                for turn in range(number):
                    for word, password in ((KNOWN, hashed), (WITHOUT, None)):
                        name = f"{word}{turn}"
                        who = users.Identity(name, f"{name}@example.com")
                        await users.register(db, now, users.Registration(who, password, {}), ROLE_USER)

            await product.database.write(add)

    asyncio.run(make())


def guessed(found: Found, product: Product, pairs: int, seed: int) -> dict[str, list[float]]:
    """Seconds of each refused sign-in, kind by kind, in an order that nothing else of the machine follows."""
    chance = random.Random(seed)
    took: dict[str, list[float]] = {KNOWN: [], WITHOUT: [], "unknown": []}
    with Caller(product.http_port) as caller:
        for turn in range(-10, pairs):
            for word in chance.sample(sorted(took), len(took)):
                # The first ones warm up, on users who are not measured.
                form = f"grant_type=password&client_id=web&username={word}{turn % (pairs + 10)}&password={quote_plus('not it')}"
                started = time.perf_counter()
                answer = caller.ask("POST", "/oauth/token", form.encode(), content_type="application/x-www-form-urlencoded")
                if turn >= 0:
                    took[word].append(time.perf_counter() - started)
                found.check(answer.status == 400 and answer.json()["error"] == "invalid_grant", f"{word}: {answer.body[:80]!r}")
    found.count("sign-ins refused", 3 * pairs)
    return took


def unlike(one: list[float], other: list[float]) -> float:
    """p of the Mann-Whitney U test, two-sided, by its normal approximation: how likely two samples of one kind are so far apart."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(place for place, (_, kind) in enumerate(ranked, 1) if kind == 0)
    n, m = len(one), len(other)
    z = (ranks - n * (n + m + 1) / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


def prove(seconds: float, seed: int) -> Found:
    """All of it."""
    found = Found()
    pairs = max(5, int(PAIRS * seconds / SECONDS))
    with ground("sqlite") as on:
        register(on, pairs + 10)
        with served(on, GAMEHALL_PASSWORD_PASSES="2") as product:
            took = guessed(found, product, pairs, seed)
    for kind in (WITHOUT, "unknown"):
        apart, p = abs(median(took[kind]) / median(took[KNOWN]) - 1), unlike(took[kind], took[KNOWN])
        print(f"{kind}: median {median(took[kind]) * 1000:.2f} ms, {apart:.1%} apart from wrong passwords, p {p:.3f}")
        found.check(apart <= WITHIN, f"{kind}: medians are {apart:.1%} apart")
        found.check(p >= LEAST_P, f"{kind}: p is {p:.4f}")
    return found


if __name__ == "__main__":
    main("guessing", BAR, prove, SECONDS)
