"""Refresh tokens raced: many uses of one at once, and the end of a session while it goes on; one node, and two on one database."""

import asyncio
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Barrier
from typing import Any
from urllib.parse import urlencode

from gamehall_server.admin import opened
from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.auth.sessions import LONGEST_SESSION, MOST_REPLAYS, add_refresh_token, open_session
from gamehall_server.settings import Settings

from bench import dataset
from prove.caller import Caller
from prove.ground import Ground, ground
from prove.product import Product, served
from prove.proof import Found, main

BAR = "of 64 uses at once one child, the family ends and no other; after a revocation answered 200 nothing of the family works"
CROWD, PAIRS = 64, 4
ROUNDS, INTERLEAVINGS = 200, 3400
# The bars of the full form are reached in about so many seconds; a shorter run does as much less.
FULL = 60.0
FORM = "application/x-www-form-urlencoded"
GROUNDS = (("sqlite", 1), ("postgresql", 1), ("postgresql", 2))


def families(on: Ground, users: Iterable[int]) -> list[str]:
    """Refresh tokens of new sessions of these users, each of its own. Nobody serves the database yet."""

    async def add(db: Handle) -> list[str]:
        now, found = clock.real_seconds() * SECOND, []
        for user in users:
            session = await open_session(db, "web", user, now, LONGEST_SESSION)
            found.append(add_refresh_token(db, session, now, LONGEST_SESSION))
        return found

    async def make() -> list[str]:
        async with opened(Settings(database_url=on.url, root_key=dataset.ROOT_KEY, password_passes=1)) as product:
            return await product.database.write(add)

    return asyncio.run(make())


class Racer:
    """One connection to one node."""

    def __init__(self, product: Product) -> None:
        self._caller = Caller(product.http_port)

    def refresh(self, token: str) -> dict[str, Any] | None:
        """The next tokens; None when the token is refused as a wrong one is."""
        answer = self._post("token", grant_type="refresh_token", refresh_token=token)
        if answer.status == 200:
            told: dict[str, Any] = answer.json()
            return told
        assert (answer.status, answer.json()["error"]) == (400, "invalid_grant"), answer
        return None

    def revoke(self, token: str) -> bool:
        """Ends the token's session; whether the server said so."""
        return bool(self._post("revoke", token=token).status == 200)

    def opens(self, access_token: str) -> bool:
        """Whether an access token is good."""
        self._caller.token = access_token
        status = self._caller.ask("GET", "/me").status
        self._caller.token = ""
        assert status in (200, 401), status
        return status == 200

    def _post(self, path: str, **form: str) -> Any:
        return self._caller.ask("POST", f"/oauth/{path}", urlencode({"client_id": "web", **form}).encode(), content_type=FORM)

    def close(self) -> None:
        self._caller.close()


@contextmanager
def racers(nodes: list[Product], number: int) -> Iterator[list[Racer]]:
    """So many, on the nodes in turn."""
    made = [Racer(nodes[turn % len(nodes)]) for turn in range(number)]
    try:
        yield made
    finally:
        for racer in made:
            racer.close()


def crowded(found: Found, name: str, nodes: list[Product], tokens: list[str], other: str) -> None:
    """Each token is used 64 times at once; every second one only as often as a retry may be. `other` is a family that must not notice."""
    with racers(nodes, CROWD) as crowd, ThreadPoolExecutor(CROWD) as pool:
        for turn, token in enumerate(tokens):
            size = CROWD if turn % 2 == 0 else 1 + MOST_REPLAYS
            start = Barrier(size)

            def use(racer: Racer, token: str = token, start: Barrier = start) -> dict[str, Any] | None:
                start.wait()
                return racer.refresh(token)

            told = [each for each in pool.map(use, crowd[:size]) if each]
            found.count(f"{name}: rounds")
            found.check(len({each["refresh_token"] for each in told}) == 1, f"{name}: not one child")
            found.check(len(told) == 1 + MOST_REPLAYS, f"{name}: {len(told)} of {size} uses gave it")
            ended = size == CROWD
            good = [crowd[0].opens(each["access_token"]) for each in told]
            found.check(good == [not ended] * len(told), f"{name}: after {size} uses access tokens are {good}")
            found.check((crowd[-1].refresh(told[0]["refresh_token"]) is None) is ended, f"{name}: the child after {size} uses")
            going_on = crowd[turn % CROWD].refresh(other)
            if found.check(going_on is not None, f"{name}: another family ended") and going_on is not None:
                other = going_on["refresh_token"]


def interleaved(found: Found, name: str, nodes: list[Product], tokens: list[str], chance: random.Random) -> None:
    """Each family goes on while it is revoked; afterwards everything that ever came of it is tried."""
    share = [(tokens[part::PAIRS], random.Random(chance.random())) for part in range(PAIRS)]
    with ThreadPoolExecutor(PAIRS) as pool:
        for _ in pool.map(lambda each: _revoked(found, name, nodes, *each), share):
            pass


def _revoked(found: Found, name: str, nodes: list[Product], tokens: list[str], chance: random.Random) -> None:
    with racers(nodes, 2) as (one, two), ThreadPoolExecutor(2) as pool:
        for token in tokens:
            goes_on, ends = (one, two) if chance.random() < 0.5 else (two, one)
            seen: list[dict[str, Any]] = []
            start, steps = Barrier(2), chance.randint(1, 3)

            def go_on(
                token: str = token, goes_on: Racer = goes_on, seen: list[Any] = seen, start: Barrier = start, steps: int = steps
            ) -> None:
                start.wait()
                for _ in range(steps):
                    told = goes_on.refresh(token)
                    if told is None:
                        return
                    seen.append(told)
                    token = told["refresh_token"]

            def end(token: str = token, ends: Racer = ends, start: Barrier = start) -> bool:
                start.wait()
                return ends.revoke(token)

            going, ended = pool.submit(go_on), pool.submit(end)
            going.result()
            found.count(f"{name}: revocations raced")
            if found.check(ended.result(), f"{name}: a revocation was refused"):
                # Never used before, so no node has it in its memory.
                alive = [racer.opens(told["access_token"]) for told in seen for racer in (one, two)]
                alive += [
                    racer.refresh(each) is not None for each in (token, *(told["refresh_token"] for told in seen)) for racer in (one, two)
                ]
                found.check(not any(alive), f"{name}: something of a revoked family works")


def raced(found: Found, on: Ground, nodes: int, rounds: int, interleavings: int, seed: int) -> None:
    """Both races on one database with so many nodes."""
    name = f"{on.kind}, {nodes} node{'s' * (nodes > 1)}"
    other, *tokens = families(on, [1] * (1 + rounds + interleavings))
    with ExitStack() as stack:
        running = [stack.enter_context(served(on)) for _ in range(nodes)]
        crowded(found, name, running, tokens[:rounds], other)
        interleaved(found, name, running, tokens[rounds:], random.Random(seed))
        for product in running:
            found.check(not product.bugs(), f"{name}: {product.bugs()[:1]}")


def prove(seconds: float, seed: int) -> Found:
    """All of it."""
    found = Found()
    share = seconds / FULL
    for kind, nodes in GROUNDS:
        with ground(kind) as on:
            raced(found, on, nodes, max(2, int(ROUNDS * share)), max(2, int(INTERLEAVINGS * share)), seed)
    return found


if __name__ == "__main__":
    main("refresh", BAR, prove, FULL)
