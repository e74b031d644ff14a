"""Running servers for the tests: the product itself, on a thread with an event loop of its own, behind real sockets."""

import asyncio
import base64
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import requests
import uvloop
from gamehall_server.admin import add_client_to
from gamehall_server.kit.invoke import Observe, unobserved
from gamehall_server.migrate import migrate
from gamehall_server.modules.access import passwords
from gamehall_server.modules.access.clients import add_client
from gamehall_server.serve import Running, running
from gamehall_server.settings import Settings
from people import CANARIES, PASSWORD, Person, fresh

from tests.modules.providers import twin

ADMIN_PASSWORD = "the administrator's own"
ISSUER = "https://game.example"
# Seconds that somebody stays signed in for several tests: tokens of the client `web` are good for 900.
TOKENS_LAST = 600
CANARIES.add(ADMIN_PASSWORD)
# Hashing gives way to everything else, and here that would be the other tests. Processes of their own keep to it (test_cli.py).
passwords.step_back = lambda: None
# Where deployments of the tests write their mail and keep files; it goes with the run.
MAIL, FILES = (tempfile.TemporaryDirectory(prefix=f"gamehall-{what}-") for what in ("mail", "files"))


class World:
    """One running deployment."""

    def __init__(self, settings: Settings, observe: Observe = unobserved) -> None:
        self.settings = settings
        migrate(settings.database_url)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(observe,), daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        self.url = f"http://127.0.0.1:{self.server.http_port}"
        self.grpc_address = f"127.0.0.1:{self.server.grpc_port}"
        self.channel = grpc.insecure_channel(self.grpc_address)

    def _run(self, observe: Observe) -> None:
        async def live() -> None:
            self._stop = asyncio.Event()
            self._loop = asyncio.get_running_loop()
            async with running(self.settings, observe=observe) as server:
                self.server: Running = server
                self._ready.set()
                await self._stop.wait()

        try:
            uvloop.run(live())
        except BaseException as problem:
            self._failure = problem
        finally:
            self._ready.set()

    def close(self) -> None:
        """Ends the channel and the server."""
        self.channel.close()
        self.end()

    def end(self) -> None:
        """Ends the server as SIGTERM would."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def inside(self, work: Callable[[], Any]) -> Any:
        """Awaits `work()` in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result()

    def nobody(self) -> Person:
        """A caller without a token."""
        return Person(self.url, self.channel)

    def person(self, word: str = "ann") -> Person:
        """A new user, signed in."""
        username = fresh(word)
        body = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
        answer = requests.post(self.url + "/users", json=body)
        assert answer.status_code == 200, answer.text
        return self.signed_in(username, PASSWORD, answer.json()["id"])

    def signed_in(self, username: str, password: str, id: int | None = None, client: str = "web") -> Person:
        """A user's new session."""
        form = {"grant_type": "password", "client_id": client, "username": username, "password": password}
        answer = requests.post(self.url + "/oauth/token", data=form)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        return Person(self.url, self.channel, told["access_token"], id, username, told["refresh_token"])

    def admin(self) -> Person:
        """The administrator."""
        person = self.signed_in(self.settings.admin_username, ADMIN_PASSWORD)
        person.id = person.get("/me").json()["user_id"]
        return person

    def application(
        self,
        *grants: str,
        key: str = "",
        public: bool = True,
        first_party: bool = False,
        redirect_uris: tuple[str, ...] = ("http://127.0.0.1/signed-in",),
    ) -> tuple[str, str]:
        """A new application of somebody else, or of ours; its key, and its secret where it has one."""
        key, grants = key or fresh("application"), grants or ("authorization_code", "refresh_token")

        async def add() -> str:
            more = {"public": public, "first_party": first_party, "redirect_uris": redirect_uris}
            return str((await self.server.product.database.write(lambda db: add_client(db, key, f"The {key}", grants, **more)))[1])

        secret = self.inside(add)
        CANARIES.update({secret} - {""})
        return key, secret

    def client(self, *roles: str) -> Person:
        """A new private client with these roles, signed in by its secret."""
        key = fresh("server")
        secret = self.inside(lambda: add_client_to(self.server.product, key, key, public=False, roles=list(roles)))
        CANARIES.add(secret)
        form = {"grant_type": "client_credentials", "client_id": key, "client_secret": secret}
        answer = requests.post(self.url + "/oauth/token", data=form)
        assert answer.status_code == 200, answer.text
        person = Person(self.url, self.channel, answer.json()["access_token"], None, key)
        person.refresh_token = secret
        return person


def settings_for(database_url: str, engine: str, **more: Any) -> Settings:
    """Settings of a test deployment: free ports, the cheapest password hash OWASP allows, and providers that are here."""
    # Of tests: in a deployment it is random, and nobody's.
    root_key = base64.b64encode(bytes(range(32))).decode()
    given = {
        "root_key": root_key,
        "issuer": ISSUER,
        "http_port": 0,
        "grpc_port": 0,
        "admin_password": ADMIN_PASSWORD,
        "password_passes": 2,
        "grace_seconds": 1.0,
        "mail_folder": MAIL.name,
        "files_folder": FILES.name,
        "upload_bytes": 1_000_000,
        # Whoever wants them earlier writes them: what somebody else reads meanwhile changes no answer of the tests.
        "views_seconds": 3_600.0,
        # All the tests come from one address.
        "network_tries": 1_000_000,
    }
    return Settings(database_url=database_url, grpc_engine=engine, **{**given, **twin().settings, **more})


def sqlite_url(folder: Path) -> str:
    """A new file."""
    return f"sqlite:///{folder / 'gamehall.db'}"
