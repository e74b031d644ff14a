"""Posts to webhooks, as a running product sends them, judged by other people's libraries: they believe each of them, and nothing that was
changed on its way, nothing that is late, and no secret that was given up."""

import base64
import json
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from unittest import mock

from standardwebhooks.webhooks import Webhook
from svix.webhooks import Webhook as Svix

from bench.servers import ROOT
from prove.caller import Caller
from prove.ground import ground
from prove.product import served
from prove.proof import Found, Missing, main
from tests.modules.receivers import Got, Receiver, receiving

BAR = (
    "every post believed by standardwebhooks and svix of PyPI, standardwebhooks of npm, Ed25519 of Node; while a secret changes, with both;"
    " changed in any byte of body, id or moment, given up or > 5 min old: 0"
)
SDK = ROOT / "tests" / "sdk"
NAMES, POSTS = ("webhook-id", "webhook-timestamp", "webhook-signature"), 24
# Judged so many seconds after they were sent, or before: the proof itself takes some.
LATE, EARLY = 301, 900
JUDGES: dict[str, Callable[[str], Any]] = {"standardwebhooks of PyPI": Webhook, "svix of PyPI": Svix}
NODE = ("standardwebhooks of npm", "Ed25519 of Node")
TEXTS = ("", "plain", "späße 🎮 漢字", '"\\/\b\f\n\r\t', "\u2028\u2029\u200b\ufeff", "1e999 -0.0", "x" * 300, "</script>&lt;")


class Post(NamedTuple):
    """A post as it came, or changed, and what its receiver was told: secrets, and the key of v1a."""

    secrets: tuple[str, ...]
    public: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def later(seconds: float) -> Iterator[None]:
    """The moment that Python's libraries go by."""

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Later":
            return super().now(tz) + timedelta(seconds=seconds)

    with mock.patch("standardwebhooks.webhooks.datetime", Later):
        yield


def believed(judge: Callable[[str], Any], secret: str, post: Post) -> bool:
    """Whether a library takes a post; what it cannot even read it refuses."""
    try:
        judge(secret).verify(post.body, post.headers)
    except Exception:  # Each library has its own, and those of Python for what is no text.
        return False
    return True


def verdicts(posts: list[Post], seconds: float = 0) -> list[dict[str, set[int]]]:
    """Of each post: which of its secrets each judge believes; of Ed25519, which has one key, the first."""
    with later(seconds):
        told = [
            {name: {at for at, secret in enumerate(post.secrets) if believed(judge, secret, post)} for name, judge in JUDGES.items()}
            for post in posts
        ]
    given = {"later": seconds, "posts": [{**post._asdict(), "body": base64.b64encode(post.body).decode()} for post in posts]}
    node = shutil.which("node")
    if node is None or not (SDK / "node_modules" / "standardwebhooks").is_dir():
        raise Missing("node and `npm ci --prefix tests/sdk --ignore-scripts`")
    done = subprocess.run([node, "webhooks.js"], cwd=SDK, input=json.dumps(given).encode(), capture_output=True, check=True)
    for each, (*by_secret, by_key) in zip(told, json.loads(done.stdout), strict=True):
        each[NODE[0]] = {at for at, good in enumerate(by_secret) if good}
        each[NODE[1]] = {0} if by_key else set()
    return told


def changed(post: Post, chance: random.Random) -> Iterator[tuple[str, Post]]:
    """The post with another byte in the place of each, and with each taken out."""
    parts = {"body": post.body, **{name: post.headers[name].encode() for name in NAMES[:2]}}
    for name, told in parts.items():
        for at in range(len(told)):
            # Headers hold letters: another one of them.
            other = told[at] ^ chance.randrange(1, 256) if name == "body" else chance.choice(b"0123456789".replace(told[at : at + 1], b""))
            for made in (told[:at] + bytes([other]) + told[at + 1 :], told[:at] + told[at + 1 :]):
                if name == "body":
                    yield name, post._replace(body=made)
                else:
                    yield name, post._replace(headers={**post.headers, name: made.decode()})


def judged(found: Found, posts: list[Post], what: str, good: set[int], seconds: float = 0) -> None:
    """Each judge must believe each post with these of its secrets and no other. `good` empty: nobody believes anything."""
    told = verdicts(posts, seconds)
    for name in (*JUDGES, *NODE):
        # Ed25519 has one key, that of the first secret.
        wanted = good & {0} if name == NODE[1] else good
        wrong = [each for each in told if each[name] != wanted]
        found.check(not wrong, f"{what}: {name}: {len(wrong)} of {len(told)}")
        if good:
            found.count(f"{what}: believed by {name}", sum(bool(each[name]) for each in told))
        else:
            found.zero(f"{what}: believed by {name}", len(wrong))
    found.count(f"{what}: posts", len(posts))


class Sender:
    """An administrator of a running product, who has a webhook."""

    def __init__(self, caller: Caller, there: Receiver) -> None:
        self._caller, self._there = caller, there
        event = {"event_name": "proof.posted", "trigger_name": "posted", "trigger_description": "posted"}
        self._ask("POST", "/bre/triggers", {**event, "parameters": [{"name": "text", "type": "string"}]})
        told = {"name": "proof", "url": there.url, "event_names": ["proof.posted"], "asymmetric": True}
        self._path = f"/webhooks/{self._ask('POST', '/webhooks', told)['id']}/secret"

    def _ask(self, verb: str, path: str, body: object = None) -> Any:
        answer = self._caller.ask(verb, path, body)
        assert answer.status in (200, 201), answer
        return answer.json() if answer.body.startswith((b"{", b"[")) else answer.body.decode()

    def told(self) -> dict[str, Any]:
        """The secret and the key of v1a."""
        return dict(self._ask("GET", self._path))

    def rotate(self, overlap: int) -> None:
        """Another secret; the one before stays good for so many seconds."""
        self._ask("POST", self._path, {"overlap_seconds": overlap})

    def posted(self, texts: list[str]) -> list[Got]:
        """Fires an event for each text; gives what came of them."""
        before = len(self._there.got)
        for text in texts:
            self._ask("POST", "/bre/events", {"event_name": "proof.posted", "params": {"text": text}})
        deadline = time.monotonic() + 60
        while len(self._there.got) < before + len(texts) and time.monotonic() < deadline:
            time.sleep(0.02)
        return self._there.got[before:]


def posts_of(got: list[Got], keys: list[dict[str, Any]], key: int = 0) -> list[Post]:
    """What came, with what the receiver knows."""
    secrets = tuple(each["secret"] for each in keys)
    return [Post(secrets, keys[key]["public_key"], {name: each.headers[name] for name in NAMES}, each.body) for each in got]


def signed(found: Found, number: int, seed: int) -> None:
    """So many posts of each kind."""
    chance = random.Random(seed)
    texts = [TEXTS[turn % len(TEXTS)] for turn in range(number)]
    # The first two are answered so that they are sent again: signed anew, for the same id.
    failing = iter([503, 500])
    with (
        ground("sqlite") as on,
        receiving(lambda got, handler: (next(failing, 200), {}, b"")) as there,
        served(on, GAMEHALL_EGRESS_ALLOW="127.0.0.0/8", GAMEHALL_POST_PAUSES="1.1,1.1,1.1") as product,
        Caller(product.http_port, product.chief()) as caller,
    ):
        sender = Sender(caller, there)
        keys = [sender.told()]
        again = sender.posted(["again"])
        deadline = time.monotonic() + 60
        while len(there.got) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        again = list(there.got)
        found.check(len({(each.headers[NAMES[0]], each.body) for each in again}) == 1, "sent again, and it was another post")
        found.check(len({each.headers[NAMES[1]] for each in again}) == len(again) == 3, "sent again with the moment of the first try")
        one = sender.posted(texts)
        judged(found, posts_of(again + one, keys), "as they are", {0})
        sender.rotate(3600)
        keys.insert(0, sender.told())
        both = sender.posted(texts)
        judged(found, posts_of(both, keys), "while the secret is changed", {0, 1})
        # v1a of the key before.
        judged(found, posts_of(both, keys[::-1]), "while the secret is changed, for who knows the former key", {0, 1})
        sender.rotate(0)
        keys.insert(0, sender.told())
        after = sender.posted(texts)
        judged(found, posts_of(after, keys), "after it", {0})
        judged(found, posts_of(after, keys[1:]), "after it, for who knows the former ones alone", set())
        found.check(len(one + both + after) == 3 * number, f"{len(one + both + after)} posts came of {3 * number}")
        found.check(not product.bugs(), f"{product.bugs()[:1]}")
    good = posts_of(one, keys[2:]) + posts_of(both, keys[1:]) + posts_of(after, keys[:1])
    by_part: dict[str, list[Post]] = {}
    for post in good:
        for part, made in changed(post, chance):
            by_part.setdefault(part, []).append(made)
    for part, several in by_part.items():
        judged(found, several, f"another byte of the {part}", set())
    judged(found, good, "more than 5 minutes old", set(), LATE)
    judged(found, good, "more than 5 minutes early", set(), -EARLY)


def prove(_seconds: float, seed: int) -> Found:
    """All of it."""
    found = Found()
    signed(found, POSTS, seed)
    return found


if __name__ == "__main__":
    main("signatures", BAR, prove, 0)
