"""Nothing to steal: every secret that the product was told, or made up, is looked for in everything that it leaves behind; then every
string of its database is tried as a secret."""

import asyncio
import json
import random
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import asyncpg
from gamehall_server.kit.storage.sqlite_file import Driver

from bench import dataset
from bench.servers import HOST, free_port
from prove.backing_up import command
from prove.caller import Caller
from prove.ground import Ground, bare
from prove.product import Product, served
from prove.proof import Found, main
from prove.secrets_told import SETTINGS, Story, Teller
from tests.databases import everything_in

BAR = "secrets told: 0 times in database, backup, logs, traces, metrics, refusals; every string of the database tried as one: 0 accepted"
EXCEPTIONS = (
    "mail files hold the codes that they bring, on purpose, and are not looked at; with GAMEHALL_SMTP_URL there are none.",
    "webhook secrets and card numbers are told to no operation yet; a card-like number is told where others belong.",
)
KINDS = (("sqlite", "text"), ("postgresql", "json"))
FREE = 4
CLEAR = "UPDATE attempt SET failures = 0, until = 0"
WORD = re.compile(r"[\w.~+/=-]{6,}")
# A string may stand in a header, or in the form of a field.
PLAIN = re.compile(r"[\x21-\x7e]+")


@contextmanager
def collected() -> Iterator[tuple[str, list[bytes]]]:
    """A collector of traces: its address, and what it was sent."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def texts_in(url: str) -> list[str]:
    """Every text of every column of every table."""
    rows = (row for table in asyncio.run(everything_in(url)).values() for row in table)
    return [
        value.decode("latin-1") if isinstance(value, bytes) else value for row in rows for value in row if isinstance(value, str | bytes)
    ]


def backup_of(on: Ground) -> bytes:
    """A backup, as text where it is packed."""
    target = on.folder / "backup"
    command(on, "backup", str(target))
    if on.postgres is None:
        return target.read_bytes()
    return subprocess.check_output([on.postgres._binaries / "pg_restore", "--file=-", target])


def occurrences(story: Story, left: bytes) -> list[str]:
    """What kinds of secret stand there, however they are written."""
    found = []
    for secret, what in story.secrets.items():
        forms = {secret, quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
        found += [what] * sum(left.count(form.encode()) for form in forms)
    return found


def looked_for(found: Found, name: str, story: Story, places: dict[str, bytes]) -> None:
    """Every secret in every place. Each place holds what it should: the name of a user, or that of an operation."""
    for place, left in places.items():
        told = occurrences(story, left)
        found.zero(f"{name}: found in {place}", len(told))
        found.check(not told, f"{name}: {place}: {sorted(set(told))}")
        found.count(f"{name}: KB of {place}", len(left) // 1024)


class Thief:
    """Has the database, and tries each string of it in the place of every secret that is good."""

    def __init__(self, product: Product, story: Story) -> None:
        self._product, self._good, self._user = product, story.good, story.user
        self._http = Caller(product.http_port)
        self._tries = 0
        # The login code first, which is good for a minute; the reset code last, because a new password ends what the others opened.
        self.ways: dict[str, Callable[[str], bool]] = {
            "login code": self._code, "access token": self._bearer, "refresh token": self._refresh, "client secret": self._client,
            "password": self._password, "reset code": self._reset,
        }  # fmt: skip

    def _token(self, **form: str) -> bool:
        answer = self._http.post_form("/oauth/token", **form)
        assert answer.status in (200, 400, 401), answer
        return answer.status == 200

    def _bearer(self, text: str) -> bool:
        if not PLAIN.fullmatch(text):
            return False
        self._http.token = text
        status = self._http.ask("GET", "/me").status
        self._http.token = ""
        assert status in (200, 400, 401, 431), status
        return status == 200

    def _refresh(self, text: str) -> bool:
        return self._token(grant_type="refresh_token", client_id="web", refresh_token=text)

    def _client(self, text: str) -> bool:
        self._let_pass()
        return self._token(grant_type="client_credentials", client_id="server", client_secret=text)

    def _code(self, text: str) -> bool:
        more = {"redirect_uri": "http://127.0.0.1/signed-in", "code_verifier": self._good["code verifier"]}
        return self._token(grant_type="authorization_code", client_id="shop", code=text, **more)

    def _reset(self, text: str) -> bool:
        answer = self._http.ask("PUT", f"/users/{self._user}/password-reset", {"password": "a quiet rainy afternoon", "secret": text})
        assert answer.status in (200, 204, 400), answer
        return answer.status < 300

    def _let_pass(self) -> None:
        """Whoever guesses is slowed down: that is another proof's, and lifted here."""
        if self._tries % FREE == 0:
            asyncio.run(run(self._product.ground.url, CLEAR))
        self._tries += 1

    def _password(self, text: str) -> bool:
        self._let_pass()
        return self._token(grant_type="password", client_id="web", username="ann", password=text)

    def close(self) -> None:
        """Gives up."""
        self._http.close()


async def run(url: str, statement: str) -> None:
    """A statement by a connection of its own."""
    if url.startswith("sqlite"):
        connection: Any = Driver().connect(Path(url.removeprefix("sqlite:///")), writer=True)
        connection.execute(statement)
        connection.close()
        return
    server = await asyncpg.connect(url)
    await server.execute(statement)
    await server.close()


def tried(found: Found, name: str, product: Product, story: Story, strings: list[str]) -> None:
    """Every string in every place; after that, that the place takes what is right."""
    thief, accepted = Thief(product, story), []
    for way, opens in thief.ways.items():
        accepted += [f"{way}: {text[:60]}" for text in strings if opens(text)]
        asyncio.run(run(product.ground.url, CLEAR))
        found.check(opens(story.good[way]), f"{name}: the right {way} is not accepted")
    thief.close()
    found.count(f"{name}: strings tried as each of {len(thief.ways)} credentials", len(strings))
    found.zero(f"{name}: accepted", len(accepted))
    found.check(not accepted, f"{name}: {accepted[:3]}")


def strings_of(texts: list[str]) -> list[str]:
    """Every text, and every word of the longer ones."""
    found = {text for text in texts if text.strip()} | {word for text in texts for word in WORD.findall(text)}
    return sorted(text for text in found if len(text) <= 4000)


def stolen(found: Found, on: Ground, log_format: str, seed: int, most: int | None = None) -> None:
    """The whole story on a new database. `most`: strings tried, by chance."""
    name, story, mail, ops = on.kind, Story(), on.folder / "mail", free_port()
    admin_password = story.new("administrator's password")
    story.told("root key", dataset.ROOT_KEY)
    with collected() as (collector, traces):
        given: dict[str, Any] = {
            "GAMEHALL_ADMIN_PASSWORD": admin_password, "GAMEHALL_MAIL_FOLDER": str(mail), "GAMEHALL_LOG_FORMAT": log_format,
            "GAMEHALL_OPS_ADDRESS": f"{HOST}:{ops}", "GAMEHALL_OTEL": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none", **SETTINGS,
        }  # fmt: skip
        with served(on, **given) as product:
            Teller(product, story, admin_password, mail).tell()
            with Caller(ops) as caller:
                metrics = caller.ask("GET", "/metrics").body
            texts = texts_in(on.url)
            places = {
                "refusals": "\n".join(story.refusals).encode(),
                "metrics": metrics,
                "the database's columns": "\n".join(texts).encode(),
            }
            places["a backup"] = backup_of(on)
            if on.kind == "sqlite":
                places["the database's files"] = b"".join(file.read_bytes() for file in on.folder.glob("gamehall.db*") if file.is_file())
            strings = strings_of(texts)
            if most is not None:
                strings = random.Random(seed).sample(strings, most)
            tried(found, name, product, story, strings)
            found.check(not product.bugs(), f"{name}: {product.bugs()[:1]}")
        places |= {"logs": product.told.encode(), "traces": b"".join(traces)}
    found.count(f"{name}: secrets", len(story.secrets))
    looked_for(found, name, story, places)
    for place, word in (("the database's columns", b"ann@example.com"), ("a backup", b"ann@example.com"), ("logs", b"CreateUser")):
        found.check(word in places[place], f"{name}: {place} are not what was meant")
    found.check(b"CreateUser" in places["traces"], f"{name}: no traces came")


def prove(_seconds: float, seed: int) -> Found:
    """All of it."""
    found = Found()
    found.exceptions.extend(EXCEPTIONS)
    for kind, log_format in KINDS:
        with bare(kind) as on:
            stolen(found, on, log_format, seed)
    return found


if __name__ == "__main__":
    main("canaries", BAR, prove, 0)
