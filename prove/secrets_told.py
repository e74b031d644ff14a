"""People, clients and an administrator who tell the product every kind of secret, rightly and wrongly, and what came of it."""

import base64
import hashlib
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp

from bench.servers import free_port
from prove.caller import Caller, Reply
from prove.mail import code_for
from prove.product import Product

BACK = "http://127.0.0.1/signed-in"
ADMIN = "admin"
NOWHERE = f"http://127.0.0.1:{free_port()}"
# Providers that cannot be reached: what failed about them is logged.
SETTINGS = {
    "GAMEHALL_FACEBOOK_URL": NOWHERE,
    "GAMEHALL_GOOGLE_TOKEN_URL": NOWHERE,
    "GAMEHALL_EGRESS_ALLOW": "127.0.0.0/8",
    "GAMEHALL_EGRESS_SECONDS": "1",
    # Every call is told of in the log.
    "GAMEHALL_SLOW_CALL_SECONDS": "0.000001",
}


class Story:
    """What was told: every secret by what it is. What is good at the end of it: `good`. Refusals as they were written: `refusals`."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.good: dict[str, str] = {}
        self.refusals: list[str] = []
        self.user = 0

    def new(self, what: str) -> str:
        """A secret that is made up here."""
        return self.told(what, f"{secrets.token_urlsafe(24)}-canary")

    def told(self, what: str, secret: str) -> str:
        """A secret that the product made up."""
        self.secrets[secret] = what
        return secret


class Teller:
    """Tells the story to a product."""

    def __init__(self, product: Product, story: Story, admin_password: str, mail: Path) -> None:
        self._story, self._mail = story, mail
        self._http = Caller(product.http_port)
        self._admin_password = admin_password

    def _ask(self, verb: str, path: str, body: object = None, token: str = "", *, fails: bool = False) -> Reply:
        self._http.token = token
        return self._heard(self._http.ask(verb, path, body), fails, f"{verb} {path}")

    def _form(self, path: str, *, fails: bool = False, **form: str) -> Reply:
        self._http.token = ""
        return self._heard(self._http.post_form(path, **form), fails, f"{path} {form.get('grant_type', '')}")

    def _heard(self, answer: Reply, fails: bool, what: str) -> Reply:
        if (answer.status >= 400) is not fails:
            raise AssertionError(f"{what}: {answer.status} {answer.body[:300]!r}")
        if fails:
            self._story.refusals.append(f"{answer.headers} {answer.body.decode()}")
        return answer

    def _tokens(self, **form: Any) -> tuple[str, str]:
        told = self._form("/oauth/token", **form).json()
        refresh = told.get("refresh_token", "")
        if refresh:
            self._story.told("refresh token", refresh)
        return self._story.told("access token", told["access_token"]), refresh

    def _signed_in(self, name: str, password: str) -> tuple[str, str]:
        return self._tokens(grant_type="password", client_id="web", username=name, password=password)

    def _registered(self, name: str) -> tuple[int, str]:
        password = self._story.new("password")
        user = {"username": name, "email": f"{name}@example.com", "password": password}
        return int(self._ask("POST", "/users", user).json()["id"]), password

    def tell(self) -> None:
        """All of it."""
        admin, _ = self._signed_in(ADMIN, self._admin_password)
        self._passwords(admin)
        self._clients(admin)
        self._login_page(admin)
        self._providers(admin)
        self._second_factor()
        self._devices(admin)
        self._out_of_place(admin)
        self._http.close()

    def _passwords(self, admin: str) -> None:
        new, good = self._story.new, self._story.good
        self._story.user, password = self._registered("ann")
        for _ in range(2):
            self._form("/oauth/token", fails=True, grant_type="password", client_id="web", username="ann", password=new("a wrong password"))
        token, refresh = self._signed_in("ann", password)
        self._form("/oauth/token", fails=True, grant_type="refresh_token", client_id="web", refresh_token=new("a wrong refresh token"))
        _, good["refresh token"] = self._tokens(grant_type="refresh_token", client_id="web", refresh_token=refresh)
        good["password"] = new("password")
        self._ask("PUT", f"/users/{self._story.user}/password", {"value": good["password"]}, token)
        bob, password = self._registered("bob")
        self._ask("PUT", f"/users/{bob}/password", {"value": new("password")}, admin)
        for name, user in (("bob", bob), ("ann", self._story.user)):
            self._ask("POST", f"/users/{user}/password-reset")
            code = self._story.told("reset code", code_for(self._mail, f"{name}@example.com"))
            if name == "bob":
                self._ask("PUT", f"/users/{bob}/password-reset", {"password": new("password"), "secret": code})
                self._ask("PUT", f"/users/{bob}/password-reset", {"password": new("password"), "secret": code}, fails=True)
        good["reset code"] = code
        self._ask("PUT", f"/users/{bob}/password-reset", {"password": new("password"), "secret": new("a wrong reset code")}, fails=True)
        good["access token"], _ = self._signed_in("ann", good["password"])
        _, ended = self._signed_in("ann", good["password"])
        self._form("/oauth/revoke", client_id="web", token=ended)
        self._form("/oauth/token", fails=True, grant_type="refresh_token", client_id="web", refresh_token=ended)

    def _clients(self, admin: str) -> None:
        new, key = self._story.new, "server"
        secret = self._ask("POST", "/auth/clients", {"client_key": key, "name": key}, admin).json()["secret"]
        self._story.told("client secret", secret)
        self._ask("PUT", f"/auth/clients/{key}/grant-types", ["client_credentials"], admin)
        given = new("client secret")
        self._ask("PUT", f"/auth/clients/{key}", {"client_key": key, "name": key, "secret": given}, admin)
        self._ask("PUT", f"/auth/clients/{key}", {"client_key": key, "name": key, "secret": "too short"}, admin, fails=True)
        form: dict[str, Any] = {"grant_type": "client_credentials", "client_id": key}
        token, _ = self._tokens(**form, client_secret=given)
        # Also where the published guide puts it: in the address.
        self._ask("POST", f"/oauth/token?{urlencode({**form, 'client_secret': secret})}")
        self._form("/oauth/token", fails=True, **form, client_secret=new("a wrong client secret"))
        basic = base64.b64encode(f"{key}:{given}".encode()).decode()
        self._story.told("client secret in a header", basic)
        self._form("/oauth/introspect", client_id=key, client_secret=given, token=token)
        self._form("/oauth/introspect", fails=True, client_id=key, client_secret=new("a wrong client secret"), token=token)
        self._story.good["client secret"] = given

    def _login_page(self, admin: str) -> None:
        key, good = "shop", self._story.good
        self._ask("POST", "/auth/clients", {"client_key": key, "name": key, "is_public": True}, admin)
        self._ask("PUT", f"/auth/clients/{key}/grant-types", ["authorization_code", "refresh_token"], admin)
        self._ask("PUT", f"/auth/clients/{key}/redirect-uris", [BACK], admin)
        for last in (False, True):
            verifier = self._story.new("code verifier") + secrets.token_hex(8)
            challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
            asked: dict[str, Any] = {"response_type": "code", "client_id": key, "redirect_uri": BACK, "code_challenge": challenge}
            asked |= {"code_challenge_method": "S256", "username": "ann", "decision": "allow"}
            page = self._form("/oauth/authorize", **asked, password=self._story.new("a wrong password"))
            self._story.refusals.append(page.body.decode())
            answer = self._form("/oauth/authorize", **asked, password=good["password"])
            code = self._story.told("login code", parse_qs(urlsplit(answer.headers["location"]).query)["code"][0])
            form: dict[str, Any] = {"grant_type": "authorization_code", "client_id": key, "redirect_uri": BACK, "code_verifier": verifier}
            if last:
                good["login code"], good["code verifier"] = code, verifier
            else:
                self._tokens(**form, code=code)
                self._form("/oauth/token", fails=True, **form, code=code)

    def _providers(self, admin: str) -> None:
        new = self._story.new
        for name in ("social.facebook", "social.google"):
            for word, value in (("app_id" if name.endswith("book") else "client_id", "1"), ("secret_key", new("provider secret"))):
                self._ask("PUT", f"/configs/{name}.{word}", {"name": f"{name}.{word}", "value": value}, admin)
            self._ask("GET", f"/configs/{name}.secret_key", token=admin)
        provider = {"name": "acme", "issuer": NOWHERE, "client_id": "1", "client_secret": new("provider secret")}
        self._ask("POST", "/auth/providers", provider, admin)
        self._ask("PUT", "/auth/providers/acme", {**provider, "client_secret": new("provider secret")}, admin)
        self._ask("GET", "/auth/providers/acme", token=admin)
        for name in ("facebook", "google", "acme"):
            for token in (new("provider token"), "4/0A" + new("provider code")):
                self._story.told("provider token", token)
                self._form("/oauth/token", fails=True, grant_type=name, client_id="web", token=token)

    def _second_factor(self) -> None:
        told, path = self._story.told, "/users/me/second-factor"
        _, password = self._registered("carl")
        form: dict[str, Any] = {"grant_type": "password", "client_id": "web", "username": "carl", "password": password}
        token, _ = self._tokens(**form)
        secret = told("secret of a second factor", self._ask("POST", path, token=token).json()["secret"])
        self._ask("PUT", path, {"otp": self._story.new("a wrong code")[:32]}, token, fails=True)
        codes = self._ask("PUT", path, {"otp": pyotp.TOTP(secret).now()}, token).json()["recovery_codes"]
        for code in codes:
            told("recovery code", code)
        self._form("/oauth/token", fails=True, **form)
        self._tokens(**form, otp=codes[0])
        self._form("/oauth/token", fails=True, **form, otp=codes[0])

    def _devices(self, admin: str) -> None:
        key = "phone"
        self._ask("POST", "/auth/clients", {"client_key": key, "name": key, "is_public": True}, admin)
        self._ask("PUT", f"/auth/clients/{key}/grant-types", ["device", "refresh_token"], admin)
        form: dict[str, Any] = {"grant_type": "device", "client_id": key, "device_id": secrets.token_hex(16)}
        self._tokens(**form, device_secret=self._story.new("device secret"))
        self._form("/oauth/token", fails=True, **form, device_secret=self._story.new("a wrong device secret"))

    def _out_of_place(self, admin: str) -> None:
        """Secrets where they do not belong."""
        new = self._story.new
        self._ask("GET", "/me", token=new("a wrong access token"), fails=True)
        self._ask("GET", f"/me?access_token={new('access token in an address')}", fails=True)
        self._ask("GET", f"/users/{new('access token in a path')}", fails=True)
        self._ask("POST", "/users", {"username": "eve", "email": "no address", "password": new("password")}, fails=True)
        self._ask("POST", "/users", {"username": "eve", "email": "eve@example.com", "password": [new("password")]}, fails=True)
        self._ask("POST", "/users", {"username": "eve", "email": "eve@example.com", "password": new("password") * 100}, fails=True)
        self._ask("PUT", f"/users/{self._story.user}/password", {"value": {"deep": new("password")}}, admin, fails=True)
        self._ask("POST", "/users", f'{{"username": "eve", "password": "{new("password")}"'.encode(), fails=True)
        self._ask("POST", f"/oauth/token?grant_type={new('a secret for a grant')}", fails=True)
        card = self._story.told("card-like number", "4539 1488 0343 6467")
        self._ask("POST", "/users", {"username": "eve", "email": card, "password": card}, fails=True)
