"""Texts that would be more than texts: thrown at expressions, at lists and at letters, while PostgreSQL writes down every statement that it
is told."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from gamehall_server.modules.rules.expressions.lookups import LOOKUPS

from bench.machine import memory_mb
from prove.caller import Broken, Caller
from prove.canaries import run
from prove.ground import Ground, ground
from prove.payloads import LEAKS, MARK, Maker
from prove.product import Product, served
from prove.proof import Found, main

BAR = (
    "10,000 payloads: statements that only they lead to 0, statements that hold one 0, evaluated 0, 5xx 0; an answer within 2 s, +128 MB at"
    " most; letters say what they were told, to nobody else"
)
PAYLOADS, SLOWEST, MORE_MB = 10_000, 2.0, 128
EVENT = "proof.told"
# What a list may be asked for in earnest: enough for every shape of every filter.
HARMLESS = (
    "plain",
    "1",
    "a,b",
    "1,2",
    "GT,1",
    "LT,9",
    "GT,1,LT,9",
    "EQ,1",
    "true",
    "false",
    "id:asc",
    "id:desc",
    "2",
    "1700000000",
    "user",
)
STATEMENT = re.compile(r"LOG:  (?:execute [^:]*|statement): (.*)", re.DOTALL)
ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\d )", re.MULTILINE)


class Ask(NamedTuple):
    """A request with a payload. `where`: what it is thrown at."""

    where: str
    verb: str
    path: str
    body: Any = None


def told_to(on: Ground, since: int) -> tuple[set[str], int]:
    """Every statement that this database was told, from a place of its server's log on; and where the log ends."""
    assert on.postgres is not None
    told = (on.postgres.folder / "log").read_bytes()
    entries = ENTRY.split(told[since:].decode(errors="replace"))
    return {part for entry in entries if (match := STATEMENT.search(entry)) for part in parts_of(match[1].strip())}, len(told)


def parts_of(statement: str) -> set[str]:
    """A statement without the numbers of its parameters; of one that does several writes each: how many go together is chance."""
    plain = re.sub(r"\$\d+", "$", statement)
    pieces = [plain] if not plain.startswith("WITH w0 AS (") else re.split(r"(?:^WITH |, )w\d+ AS \(", plain.removesuffix(") SELECT 1"))
    # Rows of one INSERT.
    return {re.sub(r"(\([^()]*\))(?:, \1)+", r"\1", piece.strip().removesuffix(")")) for piece in pieces if piece.strip()}


def lists(caller: Caller) -> list[tuple[str, list[str]]]:
    """Every list that needs no id, and what it may be asked."""
    paths = caller.ask("GET", "/swagger-doc").json()["paths"]
    found = []
    for path, verbs in paths.items():
        names = [each["name"] for each in verbs.get("get", {}).get("parameters", ()) if each.get("in") == "query"]
        if "{" not in path and any(name.startswith("filter") or name == "order" for name in names):
            found.append((path, sorted(set(names) - {"size", "page"})))
    return found


def asks(maker: Maker, count: int, user: int) -> Iterator[Ask]:
    """So many requests at expressions."""
    chance, params = maker.chance, {"user": user}
    for _ in range(count):
        turn = chance.random()
        if turn < 0.5:
            yield Ask("texts of expressions", "POST", "/bre/expressions/parse", {"value": maker.written()})
            continue
        is_large = chance.random() < 0.03
        tree = maker.large() if is_large else maker.tree()
        if turn < 0.6:
            yield Ask("trees that are written", "POST", "/bre/expressions", tree)
            continue
        rule = {
            "name": maker.text(90),
            "event_name": EVENT,
            "condition": tree,
            "actions": [tags(chance.choice(("STRING", "plain")), maker)],
        }
        text = "\\'\"" * 20_000 if is_large else maker.text()
        yield Ask("trees that are tried", "POST", "/bre/rules/try", {"rule": rule, "params": {**params, "text": text}})


def lookups(user: int) -> Iterator[Ask]:
    """One of each, in earnest."""
    for name, lookup in LOOKUPS.items():
        key = {"type": "constant", "value": user if lookup.key == "user" else "plain", "value_type": lookup.key}
        found = {"type": "lookup", "value_type": f"{name}plain" if name[-1] in ":." else name, "lookup_key": key}
        condition = {"type": "predicate", "op": "IS_NULL", "args": [found]}
        rule = {"name": "plain", "event_name": EVENT, "condition": condition, "actions": [tags("plain", Maker(0, harmless=True))]}
        yield Ask("", "POST", "/bre/rules/try", {"rule": rule, "params": {"user": user, "text": "plain"}})


def tags(type: str, maker: Maker) -> dict[str, Any]:
    """An action whose tag is an expression."""
    tag = maker.tree(type) if type == "STRING" else {"type": "constant", "value": maker.text(60), "value_type": "string"}
    return {"type": "add_user_tag", "mapping": {"user": {"type": "parameter", "of": "user"}, "tag": tag}}


def asks_of_lists(maker: Maker, found: list[tuple[str, list[str]]], count: int) -> Iterator[Ask]:
    """So many requests at lists, each with one parameter that is a payload: whole, or within what a filter may be."""
    for _ in range(count):
        path, names = maker.chance.choice(found)
        name, form = maker.chance.choice(names), maker.chance.choice(("{}", "{}", "{}", "GT,{}", "1,{}", "id:{}", "{}:asc", "EQ,1,{},2"))
        yield Ask("lists", "GET", f"{path}?{urlencode({name: form.replace('{}', maker.text(180))})}")


def thrown(found: Found, product: Product, caller: Caller, wanted: Iterator[Ask], *, timed: bool) -> None:
    """Asks, and looks at the answers."""
    slowest = 0.0
    for ask in wanted:
        began = time.perf_counter()
        try:
            answer = caller.ask(ask.verb, ask.path, ask.body)
        except Broken as broken:
            found.check(False, f"{ask.verb} {ask.path[:200]}: {broken}")
            if not product.alive:
                raise AssertionError(f"the server ended: {ask} {product.told[-3000:]}") from broken
            continue
        took = time.perf_counter() - began
        slowest = max(slowest, took)
        found.check(not timed or took <= SLOWEST, f"{took:.1f} s: {ask.path[:200]} {json.dumps(ask.body)[:2000]}")
        found.check(answer.status < 500, f"{answer.status}: {ask.verb} {ask.path[:300]} {json.dumps(ask.body)[:3000]}")
        leaks = [leak for leak in LEAKS if leak in answer.body]
        found.check(not leaks, f"{ask.path[:200]} {json.dumps(ask.body)[:1000]}: {leaks}")
        found.count(f"payloads: {ask.where}")
        found.count(f"taken: {ask.where}", answer.status < 300)
        found.count("5xx", answer.status >= 500)
        found.count("evaluated", bool(leaks))
    if timed:
        found.count("slowest answer, ms", max(found.counts.pop("slowest answer, ms", 0), round(slowest * 1000)))


def prepared(caller: Caller) -> int:
    """The trigger, and a rule that sends what it tells to the administrator; gives the administrator's id."""
    parameters = [{"name": "user", "type": "user"}, {"name": "text", "type": "string"}]
    trigger = {"event_name": EVENT, "trigger_name": "told", "trigger_description": "told", "parameters": parameters}
    user, text = ({"type": "parameter", "of": name} for name in ("user", "text"))
    mapping = {"user": user, "subject": text, "body": text}
    rule = {"name": "letters", "event_name": EVENT, "actions": [{"type": "send_email", "mapping": mapping}]}
    for path, body in (("/bre/triggers", trigger), ("/bre/rules", rule)):
        answer = caller.ask("POST", path, body)
        assert answer.status == 201, answer
    return int(caller.ask("GET", "/users/me").json()["id"])


def letters(found: Found, caller: Caller, mail: Path, maker: Maker, count: int, user: int) -> None:
    """So many events whose text goes into letters: each says it as it is, in its body, to the one whom it is for."""
    texts = []
    before = set(mail.glob("[!.]*.eml"))
    for _ in range(count):
        text = maker.text()
        answer = caller.ask("POST", "/bre/events", {"event_name": EVENT, "params": {"user": user, "text": text}})
        found.check(answer.status == 200, f"an event with {text!r}: {answer.status} {answer.body[:200]!r}")
        found.count("payloads: letters of rules")
        texts.append(text)
    deadline = time.monotonic() + 60
    while len(files := set(mail.glob("[!.]*.eml")) - before) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    made = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    strangers = sum(each["To"] != "chief@example.com" or bool({"bcc", "cc"} & {name.lower() for name in each.keys()}) for each in made)
    found.zero("letters to somebody else", strangers)
    said = sorted(_lines(each.get_content()) for each in made)
    found.check(said == sorted(map(_lines, texts)), f"{len(said)} letters, and they do not say what {len(texts)} events told")
    found.count("letters that say what they were told", len(said))


def _lines(text: str) -> str:
    """A text whose lines end in one way, which is all that mail changes."""
    return "\n".join(re.sub("\r\n|\r", "\n", text).rstrip("\n").split("\n"))


def escaped(found: Found, on: Ground, count: int, seed: int, *, timed: bool) -> None:
    """So many payloads, three in ten of them at lists, one at letters, the others at expressions."""
    name = urlsplit(on.url).path[1:]

    asyncio.run(run(on.url, f"ALTER DATABASE {name} SET log_statement = 'all'"))
    asyncio.run(run(on.url, f"ALTER DATABASE {name} SET log_parameter_max_length = 0"))
    mail = on.folder / "mail"
    with served(on, GAMEHALL_MAIL_FOLDER=str(mail)) as product, Caller(product.http_port, product.chief()) as caller:
        user, known = prepared(caller), lists(caller)
        # What is asked in earnest: the same shapes, with plain words.
        plain, nothing = Maker(seed, harmless=True), Found()
        for path, names in known:
            for field in names:
                thrown(nothing, product, caller, (Ask("", "GET", f"{path}?{urlencode({field: value})}") for value in HARMLESS), timed=False)
        thrown(nothing, product, caller, lookups(user), timed=False)
        found.check(nothing.counts["taken: "] >= len(LOOKUPS), "lookups are not taken")
        thrown(nothing, product, caller, asks(plain, max(500, count // 10), user), timed=False)
        letters(nothing, caller, mail, plain, 20, user)
        found.check(not nothing.counts["5xx"], f"what is harmless: {nothing.wrong}")
        before, end = told_to(on, 0)
        memory, maker = memory_mb(product.pid), Maker(seed + 1)
        thrown(found, product, caller, asks(maker, count * 6 // 10, user), timed=timed)
        thrown(found, product, caller, asks_of_lists(maker, known, count * 3 // 10), timed=timed)
        letters(found, caller, mail, maker, count // 10, user)
        grown = memory_mb(product.pid) - memory
        after, _ = told_to(on, end)
        found.check(not timed or grown <= MORE_MB, f"{grown:.0f} MB more")
        if timed:
            found.count("MB more", round(grown))
        found.count("lists", len(known))
        found.check(not product.bugs(), f"{product.bugs()[:3]}")
    found.count("statements: known before", len(before))
    found.check(len(before) > 100, f"only {len(before)} statements were seen: the log is not what was meant")
    found.count("statements: seen meanwhile", len(after))
    found.zero("statements: that only payloads lead to", len(after - before))
    for statement in sorted(after - before):
        found.check(False, f"a statement of its own: {statement[:3000]}")
    found.zero("statements: that hold a payload", sum(MARK in each for each in before | after))


def prove(_seconds: float, seed: int) -> Found:
    """All of it."""
    found = Found()
    with ground("postgresql") as on:
        escaped(found, on, PAYLOADS, seed, timed=True)
    found.check(
        sum(number for what, number in found.counts.items() if what.startswith("payloads: ")) >= 10_000, "fewer than 10,000 payloads"
    )
    return found


if __name__ == "__main__":
    main("escapes", BAR, prove, 0)
