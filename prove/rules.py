"""Rules, on both databases: what they do is done exactly once whoever is killed when, put off to the second, ends, and is done in time."""

import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from bench.dataset import USERS
from prove import books, rules_rate
from prove.caller import Broken, Caller
from prove.ground import Ground, ground
from prove.kill import Acks
from prove.product import Product, served
from prove.proof import Found, main
from prove.ruling import NUMBER, USER, Chief, action, applied, constant, counts, fires, settled, tags

BAR = (
    "actions of acknowledged events missing 0, doubled 0; put off: early 0; loops without end 0; events a second judged by 10 of 100 rules "
    f"{rules_rate.NONE_MATCHES:,}, with 3 actions done {rules_rate.THREE_ACTIONS:,}"
)
CLIENTS = 8
# The events of a client are numbered from its number times this.
EACH = 1_000_000
# As many as one event may lead to, and itself.
LONGEST_CHAIN = 101
LOOKS = 1.2
"""Seconds in which what is put off is surely looked at, twice."""


class Made(NamedTuple):
    """The rules of a proof: which ask each event, and which globals have one for each number of each event."""

    rules: dict[str, set[str]]
    counters: dict[str, list[str]]


def ruled(chief: Chief) -> Made:
    """Makes rules with every kind of trace: counters, tags, further events, and all of it later."""
    happened, echo = (chief.trigger(f"proof.{name}", user="user", number="integer") for name in ("happened", "echo"))
    kept, later, echoed = (chief.counter(name, number="integer") for name in ("kept", "later", "echoed"))
    registered = chief.counter("registered", user="user")
    own, word = {"number": NUMBER}, applied("string_operation", "STRING_CAST", NUMBER)
    three = chief.rule(happened, counts(kept, scopes=own), tags(word), fires(echo, user=USER, number=NUMBER))
    put_off = chief.rule(happened, counts(later, scopes=own, delay=constant(1, "integer")))
    after = chief.rule(echo, counts(echoed, scopes=own))
    new = chief.rule("user_registered", counts(registered, scopes={"user": USER}), tags(constant("new", "string")))
    asked = {happened: {three, put_off}, echo: {after}, "user_registered": {new, "default_role"}}
    return Made(asked, {"event": [kept, later, echoed], "user": [registered]})


class Client:
    """Fires events and registers users, one after the other, and asks again with the same Idempotency-Key until it is told."""

    def __init__(self, product: Product, acks: Acks, found: Found, number: int, seed: int, stop: threading.Event) -> None:
        self._acks, self._found, self._stop, self._number = acks, found, stop, number
        self._chance = random.Random(seed * 1000 + number)
        self._caller = Caller(product.http_port, self._chance.choice(product.ground.tokens))
        self._nobody = Caller(product.http_port)

    def run(self) -> None:
        """Until told to stop; the last call is repeated until it is answered."""
        for turn in itertools.count(self._number * EACH):
            if self._stop.is_set():
                break
            key = f"k{turn}"
            if self._chance.random() < 0.2:
                user = {"username": key, "email": f"{key}@example.com", "password": "password of " + key}
                self._make(self._nobody, "user", "/users", user, key)
            else:
                told = {"user": self._chance.randint(1, USERS), "number": turn}
                self._make(self._caller, f"event:{told['user']}", "/bre/events", {"event_name": "proof.happened", "params": told}, key)
        self._caller.close()
        self._nobody.close()

    def _make(self, caller: Caller, kind: str, path: str, body: object, key: str) -> None:
        deaf = self._chance.random() < 0.1
        while True:
            try:
                told = caller.ask("POST", path, body, key=key, deaf=deaf)
            except Broken:
                self._found.count("asked again")
                deaf = False
                time.sleep(0.02)
                continue
            if self._found.check(told.status in (200, 201), f"{path}: {told.status} {told.body[:200].decode(errors='replace')}"):
                self._acks.note(kind, key, str(told.json()["id"]) if kind == "user" else key)
            return


def killed(found: Found, on: Ground, seconds: float, seed: int, least: int = 1) -> None:
    """Part 1: clients at work, kills again and again, at least so often; then every action of every event is looked for."""
    chance, stop = random.Random(seed), threading.Event()
    product, acks = Product(on), Acks(on.folder / "acks")
    product.start()
    made = ruled(Chief(product))
    clients = [Client(product, acks, found, number, seed, stop) for number in range(1, CLIENTS + 1)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    try:
        began, kills = time.monotonic(), 0
        while time.monotonic() - began < seconds or kills < least:
            time.sleep(chance.uniform(0.1, 0.8))
            product.kill()
            kills += 1
            product.start()
        stop.set()
        for thread in threads:
            thread.join()
        # What is left is done by a server that is killed as well.
        product.kill()
        product.start()
        settled(found, on.url, f"{on.kind}: after {kills + 1} kills")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        product.stop()
    found.count(f"{on.kind}: kills", kills + 1)
    exactly_once(found, on, made, acks.all())
    found.check(not product.bugs(), f"{on.kind}: {product.bugs()[:1]}")


def exactly_once(found: Found, on: Ground, made: Made, told: list[tuple[str, str, str]]) -> None:
    """Compares what clients were told (kind, key, what was made) with what rules have done."""
    events = {int(key[1:]): int(kind[6:]) for kind, key, _ in told if kind != "user"}
    users = {int(number) for kind, _, number in told if kind == "user"}
    found.count(f"{on.kind}: acknowledged", len(events) + len(users))
    done: Counter[tuple[str, int]] = Counter()
    for which, scope, value in books.rows(on.url, "SELECT global_id, scope, value FROM bre_global_value"):
        done[which, next(iter(json.loads(scope).values()))] += int(value)
    for key, user in books.rows(on.url, "SELECT tag, user_id FROM user_tag"):
        done[f"tag {user}", int(user) if key == "new" else int(key)] += 1
    for body, *_ in books.rows(on.url, "SELECT body FROM outbox WHERE type = 'proof.echo'"):
        done["fired", json.loads(body)["number"]] += 1
    wanted = {(counter, number) for counter in made.counters["event"] for number in events} | {("fired", number) for number in events}
    wanted |= {(counter, user) for counter in made.counters["user"] for user in users}
    wanted |= {(f"tag {user}", number) for number, user in events.items()} | {(f"tag {user}", user) for user in users}
    # A second tag is none, but is told a second time.
    updates = int(books.rows(on.url, "SELECT count(*) FROM outbox WHERE type = 'user_updated'")[0][0])
    found.count(f"{on.kind}: actions", len(wanted))
    found.zero(f"{on.kind}: missing", sum(done[each] < 1 for each in wanted))
    found.zero(f"{on.kind}: doubled", sum(number > 1 for number in done.values()) + max(0, updates - len(events) - len(users)))
    found.zero(f"{on.kind}: of nothing", len(done.keys() - wanted))
    given_up = "SELECT count(*) FROM delivery WHERE consumer = 'rules' AND due IS NULL"
    found.zero(f"{on.kind}: given up", int(books.rows(on.url, given_up)[0][0]))
    _logged(found, on, made, {"proof.happened": len(events), "proof.echo": len(events), "user_registered": len(users)})


def _logged(found: Found, on: Ground, made: Made, expected: dict[str, int]) -> None:
    """The log of each event tells each of its rules once, and that all of it was done."""
    otherwise = 0
    seen: Counter[str] = Counter()
    names = ", ".join(f"'{name}'" for name in expected)
    sql = f"SELECT type, coalesce(told, '[]') FROM outbox LEFT JOIN bre_event_rules ON event_id = id WHERE type IN ({names})"
    for name, told in books.rows(on.url, sql):
        log = json.loads(told)
        seen[name] += 1
        done = {each["status"] for rule in log for each in rule["actions"]} <= {"ran", "scheduled"}
        otherwise += sorted(rule["rule_id"] for rule in log) != sorted(made.rules[name]) or not done
    found.zero(f"{on.kind}: logs that tell otherwise", otherwise + sum(seen[name] != number for name, number in expected.items()))
    for rule, asked, ran in books.rows(on.url, "SELECT id, evaluation_count, run_count FROM bre_rule WHERE id <> 'default_role'"):
        number = next(expected[name] for name, rules in made.rules.items() if rule in rules)
        found.check((int(asked), int(ran)) == (number, number), f"{on.kind}: a rule counts {asked} and {ran} of {number}")


def put_off(found: Found, on: Ground, seed: int, number: int) -> None:
    """Part 2: actions put off by so many different times: none is done before its second, all are once it has come."""
    chance = random.Random(seed)
    delays = sorted(chance.sample(range(1, 7 * 24 * 3600), number))
    with served(on, GAMEHALL_SANDBOX="1") as product:
        chief = Chief(product)
        event, done = chief.trigger("proof.later", number="integer"), chief.counter("done", number="integer")
        chief.rule(event, counts(done, scopes={"number": NUMBER}, delay=NUMBER))
        now = int(chief.ask("GET", "/sandbox/clock")["now"]) + 1
        chief.ask("PUT", "/sandbox/clock", {"now": now, "frozen": True})
        for delay in delays:
            chief.fire(event, number=delay)
        settled(
            found, on.url, f"{on.kind}: put off", lambda url: len(delays) - int(books.rows(url, "SELECT count(*) FROM bre_delayed")[0][0])
        )
        early = late = 0
        for which, delay in enumerate(delays):
            chief.ask("PUT", "/sandbox/clock", {"now": now + delay - 1})
            time.sleep(LOOKS)
            early += abs(_done(on, done) - sum(each < delay for each in delays[: which + 1]))
            chief.ask("PUT", "/sandbox/clock", {"now": now + delay})
            settled(found, on.url, f"{on.kind}: a second that has come", partial(_left, number=len(delays) - which - 1))
            late += abs(_done(on, done) - which - 1)
    found.count(f"{on.kind}: put off", len(delays))
    found.zero(f"{on.kind}: done before their second", early)
    found.zero(f"{on.kind}: not done in their second", late)
    found.check(not product.bugs(), f"{on.kind}: {product.bugs()[:1]}")


def _done(on: Ground, counter: str) -> int:
    return sum(int(value) for (value,) in books.rows(on.url, f"SELECT value FROM bre_global_value WHERE global_id = '{counter}'"))


def _left(url: str, number: int) -> int:
    return abs(int(books.rows(url, "SELECT count(*) FROM bre_delayed")[0][0]) - number)


def ended(found: Found, on: Ground, number: int) -> None:
    """Part 3: so many loops, and so many events with rules that fail, while others want to be judged."""
    with served(on) as product:
        chief = Chief(product)
        ping, pong = (chief.trigger(f"proof.{name}", number="integer") for name in ("ping", "pong"))
        for one, other in ((ping, pong), (pong, ping)):
            for delay in ({}, {}, {"delay": constant(1, "integer")}):
                chief.rule(one, fires(other, delay, number=NUMBER), fires(other, delay, number=NUMBER))
        event, count, bug = chief.trigger("proof.failing", number="integer"), chief.counter("count"), chief.counter("bug")
        chief.rule(event, counts(count), sort=900)
        _broken(chief, event, bug)
        chief.rule(event, counts(count), sort=1)
        for turn in range(number):
            for name, told in ((ping, turn), (event, 0)):
                status = chief.fire(name, number=told)
                found.check(status == 200, f"{on.kind}: a caller heard {status}")
        settled(found, on.url, f"{on.kind}: loops and failures")
        events = Counter(
            json.loads(body)["number"]
            for (body,) in books.rows(on.url, "SELECT body FROM outbox WHERE type IN ('proof.ping', 'proof.pong')")
        )
        found.count(f"{on.kind}: loops", number)
        found.count(f"{on.kind}: longest chain", max(events.values()))
        found.zero(f"{on.kind}: loops without end", sum(each > LONGEST_CHAIN for each in events.values()))
        found.count(f"{on.kind}: rules that failed", number * len(BROKEN))
        found.zero(f"{on.kind}: neighbours held up", 2 * number - _done(on, count))
        logs = books.rows(on.url, "SELECT told FROM bre_event_rules JOIN outbox ON id = event_id WHERE type = 'proof.failing'")
        failed = sum("failed" in json.dumps(rule) for (told,) in logs for rule in json.loads(told))
        found.zero(f"{on.kind}: failures that the log does not tell", number * len(BROKEN) - failed)
    found.check(not product.bugs(), f"{on.kind}: {product.bugs()[:1]}")


ZERO, MOST = constant(0, "integer"), constant(2**62, "integer")
NO_NUMBER = applied("predicate", "GT", applied("double_operation", "DIV", constant(1, "integer"), NUMBER), ZERO)
# What goes wrong: a condition, and actions. None of them is foreseen when the rule is made, for values come with events.
BROKEN: dict[str, Callable[[str], dict[str, Any]]] = {
    "a condition that divides by zero": lambda bug: {"condition": NO_NUMBER, "actions": [counts(bug)]},
    "nobody to tag": lambda bug: {"actions": [tags(constant("x", "string"), NUMBER)]},
    "no tag": lambda bug: {"actions": [tags(constant("", "string"), constant(1, "user"))]},
    "a time beyond all clocks": lambda bug: {"actions": [counts(bug, delay=MOST)]},
    "more than a counter holds": lambda bug: {"actions": [counts(bug, amount=MOST)] * 3},
    "a property of no kind": lambda bug: {
        "actions": [
            action("set_user_property", user=constant(1, "user"), property=constant("x" * 141, "string"), value=constant("x", "string"))
        ]
    },
}


def _broken(chief: Chief, event: str, bug: str) -> None:
    for name, make in BROKEN.items():
        told = make(bug)
        chief.rule(event, *told.pop("actions"), name=name, sort=500, **told)


def prove(seconds: float, seed: int, kinds: tuple[str, ...] = ("sqlite", "postgresql")) -> Found:
    """`seconds` of kills on each database, and the other parts, each on a database of its own."""
    found = Found()
    for kind in kinds:
        with ground(kind) as on:
            killed(found, on, seconds, seed)
        with ground(kind) as on:
            put_off(found, on, seed, 20)
        with ground(kind) as on:
            ended(found, on, 50)
        rules_rate.rates(found, kind)
    return found


if __name__ == "__main__":
    main("rules", BAR, prove, 20)
