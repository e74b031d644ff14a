"""Passwords: how they are kept, how long sign-ins take that fail, how few guesses are looked at, and how many are hashed at once."""

import asyncio
import math
import os
import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from urllib.parse import quote_plus

from gamehall_server.admin import opened
from gamehall_server.kit.storage import Handle
from gamehall_server.modules import users
from gamehall_server.modules.access import ROLE_USER
from gamehall_server.modules.access.passwords import cores
from gamehall_server.settings import Settings

from bench import dataset
from prove import books
from prove.caller import Caller
from prove.ground import PASSWORD, Ground, ground
from prove.product import Product, served
from prove.proof import Found, main

BAR = (
    "argon2id >= 19 MiB, 2 passes, raised at the next sign-in 100 %; refusals alike: medians within 5 %, no p < 0.01 over 400 pairs; "
    "of 1,000 guesses in 60 s <= 10 looked at, and the owner gets in; hashing takes <= cores slots"
)
PAIRS, WITHIN, LEAST_P = 400, 0.05, 0.01
SECONDS = 60.0
WITHOUT, KNOWN = "without", "known"
LEAST_KIB, LEAST_PASSES, LEAST_LANES = 19 * 1024, 2, 1
ENCODED = re.compile(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$")
RAISED, MOST_VERIFIED, GUESSES, ATTACKERS, AT_ONCE = 100, 10, 1000, 4, 60
OWNER = "owner"


def register(on: Ground, number: int) -> None:
    """Users with a password and users without: each is asked for once, so no limit has a say. Nobody serves the database yet."""

    async def make() -> None:
        async with opened(Settings(database_url=on.url, root_key=dataset.ROOT_KEY, password_passes=LEAST_PASSES)) as product:
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


def sign_in(caller: Caller, name: str, password: str) -> int:
    """The status of one try."""
    return caller.post_form("/oauth/token", grant_type="password", client_id="web", username=name, password=password).status


def kept(on: Ground, like: str) -> list[tuple[int, ...]]:
    """Memory, passes and lanes of the hashes of users who are called so."""
    hashes = books.rows(on.url, f"SELECT password_hash FROM \"user\" WHERE username LIKE '{like}%'")
    return [tuple(map(int, match.groups())) if (match := ENCODED.match(text)) else (0, 0, 0) for (text,) in hashes]


def raised(found: Found, on: Ground, number: int) -> None:
    """As a deployment chooses by itself; then with a pass more: whoever signs in is kept so from then on."""
    before = max(passes for _, passes, _ in kept(on, KNOWN)) + 1
    with served(on, GAMEHALL_PASSWORD_PASSES=str(before)) as product, Caller(product.http_port) as caller:
        for turn in range(number):
            found.check(sign_in(caller, f"{KNOWN}{turn}", PASSWORD) == 200, "an owner was refused")
    now = [passes for _, passes, _ in kept(on, KNOWN)]
    found.count("signed in after the passes were raised", number)
    found.count("of them kept with a pass more", now.count(before))
    found.check(now.count(before) == number, f"{now.count(before)} of {number} hashes were raised")


def parameters(found: Found, on: Ground) -> None:
    """What a deployment keeps that was told nothing about passwords."""
    with served(on, GAMEHALL_PASSWORD_PASSES="0") as product, Caller(product.http_port) as caller:
        user = {"username": "costs", "email": "costs@example.com", "password": PASSWORD}
        found.check(caller.ask("POST", "/users", user).status == 200, "nobody can register")
    for what, number, least in zip(("KiB", "passes", "lanes"), kept(on, "costs")[0], (LEAST_KIB, LEAST_PASSES, LEAST_LANES), strict=True):
        found.count(f"argon2id: {what}", number)
        found.check(number >= least, f"argon2id with {number} {what}")


def besieged(found: Found, product: Product, guesses: int, seconds: float) -> None:
    """So many guesses at one account in so many seconds, from several addresses; the owner signed in from another one before."""
    with Caller(product.http_port) as owner:
        user = {"username": OWNER, "email": f"{OWNER}@example.com", "password": PASSWORD}
        assert owner.ask("POST", "/users", user).status == 200
        found.check(sign_in(owner, OWNER, PASSWORD) == 200, "the owner did not get in before")

        def guess(part: int) -> list[int]:
            began = time.monotonic()
            with Caller(product.http_port, address=f"127.0.0.{2 + part}") as caller:
                seen = []
                for turn in range(part, guesses, ATTACKERS):
                    time.sleep(max(0.0, began + seconds * turn / guesses - time.monotonic()))
                    seen.append(sign_in(caller, OWNER, f"guess {turn}"))
                # Right, and too late.
                found.check(sign_in(caller, OWNER, PASSWORD) == 429, "a guess that was right was let in")
                return seen

        with ThreadPoolExecutor(ATTACKERS) as pool:
            seen = [status for part in pool.map(guess, range(ATTACKERS)) for status in part]
        found.count("guesses", len(seen))
        found.count("guesses looked at", seen.count(400))
        found.check(seen.count(400) <= MOST_VERIFIED, f"{seen.count(400)} guesses were looked at")
        found.check(set(seen) <= {400, 429}, f"guesses ended with {set(seen)}")
        found.check(sign_in(owner, OWNER, PASSWORD) == 200, "the owner did not get in meanwhile")


def crowded(found: Found, product: Product, number: int) -> None:
    """So many sign-ins at once. Threads that hash compute only while nothing else wants to, so they are known from outside."""
    ended = threading.Event()

    def sign(turn: int) -> int:
        with Caller(product.http_port) as caller:
            return sign_in(caller, f"{KNOWN}{turn % number}", PASSWORD)

    def watch() -> int:
        most = 0
        while not ended.is_set():
            most = max(most, sum(idle(int(task.name)) for task in Path(f"/proc/{product.pid}/task").iterdir()))
            time.sleep(0.005)
        return most

    with ThreadPoolExecutor(1) as watcher, ThreadPoolExecutor(number) as pool:
        watched = watcher.submit(watch)
        seen = list(pool.map(sign, range(number)))
        ended.set()
        most = watched.result()
    found.count("sign-ins at once", number)
    found.count("slots of hashing, at most", most)
    found.check(set(seen) <= {200, 429}, f"sign-ins ended with {set(seen)}")
    found.check(0 < most <= cores(), f"{most} threads hash on {cores()} cores")


def idle(task: int) -> bool:
    """Whether a thread gives way to every other."""
    try:
        return os.sched_getscheduler(task) == os.SCHED_IDLE
    except ProcessLookupError:
        return False


def prove(seconds: float, seed: int) -> Found:
    """All of it."""
    found = Found()
    pairs = max(5, int(PAIRS * seconds / SECONDS))
    with ground("sqlite") as on:
        register(on, pairs + 10)
        with served(on, GAMEHALL_PASSWORD_PASSES=str(LEAST_PASSES)) as product:
            took = guessed(found, product, pairs, seed)
            crowded(found, product, min(pairs, AT_ONCE))
            besieged(found, product, max(20, int(GUESSES * seconds / SECONDS)), seconds)
        raised(found, on, min(pairs, RAISED))
        parameters(found, on)
    for kind in (WITHOUT, "unknown"):
        apart, p = abs(median(took[kind]) / median(took[KNOWN]) - 1), unlike(took[kind], took[KNOWN])
        print(f"{kind}: median {median(took[kind]) * 1000:.2f} ms, {apart:.1%} apart from wrong passwords, p {p:.3f}")
        found.count(f"{kind}: parts in a thousand that the median is apart", round(apart * 1000))
        found.count(f"{kind}: p, in thousandths", round(p * 1000))
        found.check(apart <= WITHIN, f"{kind}: medians are {apart:.1%} apart")
        found.check(p >= LEAST_P, f"{kind}: p is {p:.4f}")
    return found


if __name__ == "__main__":
    main("guessing", BAR, prove, SECONDS)
