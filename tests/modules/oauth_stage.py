"""A deployment with a user and applications, and the ways of OAuth through it, as an application goes them."""

import base64
import hashlib
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.storage import Query
from gamehall_server.modules.auth.codes import LASTS, codes
from gamehall_server.modules.auth.sessions import digest
from people import CANARIES, PASSWORD, Person
from sqlalchemy import BigInteger, bindparam, update
from worlds import World

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
HERE, WEB, APP = "http://127.0.0.1/signed-in", "https://shop.example/back?to=cart", "com.example.shop:/done"
# The application asks from a port that it got when it started.
BACK = "http://127.0.0.1:49152/signed-in"
_c = codes.table
older = Query(update(_c).where(_c.c.hash == bindparam("this")).values(expires_at=_c.c.expires_at - bindparam("by", type_=BigInteger)))


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def asked_back(answer: requests.Response) -> dict[str, str]:
    """What an answer of the login page brings back to the application."""
    assert answer.status_code == 303, answer.text
    found = parse_qs(urlsplit(answer.headers["location"]).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


class Form(HTMLParser):
    """The fields of a page's form, and every element with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.fields = {str(told["name"]): told.get("value") or "" for tag, told in self.elements if tag == "input"}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


class Stage:
    """One deployment, a user, and one application of each kind."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ann: Person = world.person("ann")
        self.app, _ = world.application(redirect_uris=(HERE, WEB, APP))
        self.other, _ = world.application(redirect_uris=(HERE, WEB, APP))
        self.alone, _ = world.application()
        self.ours, _ = world.application("password", "refresh_token", first_party=True)
        self.without, _ = world.application("refresh_token", redirect_uris=(HERE,))
        self.site = world.application("authorization_code", "refresh_token", public=False, redirect_uris=(WEB,))
        self.server = world.application("client_credentials", public=False)

    def get(self, path: str, token: str | None = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.get(self.world.url + path, headers={**headers, **more.pop("headers", {})}, allow_redirects=False, **more)

    def post(self, path: str, form: Any, **more: Any) -> requests.Response:
        return requests.post(self.world.url + path, data=form, allow_redirects=False, **more)

    def token(self, form: Any = None, **more: Any) -> requests.Response:
        return self.post("/oauth/token", {**(form or {}), **more})

    def request(self, **more: Any) -> dict[str, Any]:
        """An authorization request that is right; None leaves a parameter out."""
        asked = {"response_type": "code", "client_id": self.app, "redirect_uri": BACK, "state": "af0 ifjsldkj/&="}
        asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", **more}
        return {name: value for name, value in asked.items() if value is not None}

    def page(self, **more: Any) -> requests.Response:
        """The login page."""
        return self.get("/oauth/authorize", params=self.request(**more))

    def login(self, **more: Any) -> requests.Response:
        """The login page's form, filled in."""
        filled = {"username": self.ann.username, "password": PASSWORD, "decision": "allow", **more}
        return self.post("/oauth/authorize", self.request(**filled))

    def code(self, **more: Any) -> str:
        found = asked_back(self.login(**more))["code"]
        CANARIES.add(found)
        return found

    def form(self, code: str, **more: Any) -> dict[str, Any]:
        """The token request for a code."""
        given = {"grant_type": "authorization_code", "client_id": self.app, "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
        return {name: value for name, value in {**given, **more}.items() if value is not None}

    def exchange(self, code: str, **more: Any) -> requests.Response:
        return self.token(self.form(code, **more))

    def tokens(self, **more: Any) -> dict[str, Any]:
        """The tokens of a person who signed in on the page."""
        answer = self.exchange(self.code(**more))
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        CANARIES.update((found["access_token"], found["refresh_token"]))
        return found

    def refresh(self, token: str, **more: Any) -> requests.Response:
        return self.token(grant_type="refresh_token", refresh_token=token, **{"client_id": self.app, **more})

    def revoke(self, token: str, **more: Any) -> requests.Response:
        return self.post("/oauth/revoke", {"token": token, "client_id": self.app, **more})

    def about(self, token: str, **more: Any) -> requests.Response:
        return self.post("/oauth/introspect", {"token": token, **more}, auth=self.server)

    def opens(self, token: str) -> bool:
        return self.get("/me", token).ok

    def sandwich(self, secret: str = "") -> dict[str, str]:
        """Key and secret of the server, as parameters."""
        return {"client_id": self.server[0], "client_secret": secret or self.server[1]}

    def made_older(self, code: str, by: int = LASTS + SECOND) -> None:
        """Moves the end of a code back."""

        async def move() -> Any:
            return await self.world.server.product.database.write(lambda db: db.run(older, this=digest(code), by=by))

        assert self.world.inside(move) == 1
