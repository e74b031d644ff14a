"""A twin of the sign-in providers on the loopback address: Facebook's Graph API, Google's token endpoint and certificates, and issuers of
OpenID Connect, Apple's among them. It speaks what they publish, over real HTTP, and gives each code once."""

import asyncio
import base64
import contextlib
import datetime
import hashlib
import hmac
import itertools
import threading
import time
from functools import cache
from urllib.parse import unquote_plus

import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from people import CANARIES, fresh

PEM = serialization.Encoding.PEM
ELSEWHERE = "http://169.254.169.254/keys"
numbers = itertools.count(10**16)


def pem_of(key) -> bytes:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def self_signed(name, key=None) -> tuple[bytes, bytes]:
    """A certificate of a key for a name, and the key; both PEM."""
    key = key or rsa.generate_private_key(65537, 2048)
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(called, called, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(PEM), pem_of(key)


def secret(word) -> str:
    """A secret that no log may ever hold."""
    made = f"{fresh(word)}-{hashlib.sha256(fresh(word).encode()).hexdigest()}"
    CANARIES.add(made)
    return made


def jwk_of(key, kid) -> dict:
    kind = jwt.algorithms.ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else jwt.algorithms.RSAAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


@cache
def rsa_key():
    """One of 2048 bits takes long to make: issuers that are honest share it."""
    return rsa.generate_private_key(65537, 2048)


class Issuer:
    """Whoever signs ID tokens. `url` is its `iss`."""

    def __init__(self, url, client_id, algorithm="RS256"):
        self.name = "google"
        self.url = url
        self.client_id = client_id
        self.secret = secret("client-secret")
        self.algorithm = algorithm
        self.kid = fresh("key")
        self.key = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else rsa_key()
        self.codes = {}
        # What it tells of itself; tests change it.
        self.told = {}
        # Apple's: the public half of the key that signs what is sent for a secret.
        self.team_key = None
        self.methods = ["client_secret_post"]

    def claims(self, **more) -> dict:
        """What a good ID token says; None leaves a claim out."""
        now = int(time.time())
        said = {
            "iss": self.url,
            "aud": self.client_id,
            "sub": str(next(numbers)),
            "iat": now,
            "exp": now + 3600,
            "email": f"{fresh('social')}@example.com",
            "email_verified": True,
            "name": "Kim Möller",
            "given_name": "Kim",
            "family_name": "Möller",
            "picture": "https://pictures.example.com/kim.png",
            **more,
        }
        return {name: value for name, value in said.items() if value is not None}

    def token(self, *, key=None, kid=None, algorithm=None, headers=None, **claims) -> str:
        """An ID token, good unless told otherwise."""
        made = jwt.encode(self.claims(**claims), key or self.key, algorithm or self.algorithm, {"kid": kid or self.kid, **(headers or {})})
        CANARIES.add(made)
        return made

    def code(self, *, answer=None, client_id=None, challenge=None, **claims) -> str:
        """An authorization code; whoever exchanges it gets an ID token with these claims, or `answer`."""
        code = f"4/0A{secret('code')}"
        body = answer or {"access_token": secret("ya29"), "expires_in": 3599, "scope": "openid", "token_type": "Bearer"}
        self.codes[code] = (client_id or self.client_id, challenge, {"id_token": self.token(**claims), **body} if answer is None else body)
        return code

    def exchange(self, form, authorization) -> tuple[int, dict]:
        """RFC 6749 section 4.1.3."""
        client_id, given = form.get("client_id"), form.get("client_secret", "")
        if authorization.startswith("Basic "):
            client_id, given = map(unquote_plus, base64.b64decode(authorization[6:]).decode().split(":"))
        if client_id != self.client_id or not self._proves(given):
            return 401, {"error": "invalid_client", "error_description": "Unauthorized"}
        owner, challenge, answer = self.codes.pop(form.get("code"), (None, None, None))
        verifier = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if form.get("grant_type") != "authorization_code" or owner != client_id or challenge not in (None, verifier):
            return 400, {"error": "invalid_grant", "error_description": "Bad Request"}
        return 200, answer

    def _proves(self, given) -> bool:
        if self.team_key is None:
            return given == self.secret
        said = jwt.decode(given, self.team_key, ["ES256"], audience=self.url, issuer="TEAM123456")
        return (
            said["sub"] == self.client_id
            and jwt.get_unverified_header(given)["kid"] == "KEY1234567"
            and said["exp"] <= time.time() + 15777000
        )


class Twin:
    """The server. What it does wrong, when told to, stands in `trouble` by the beginning of a path."""

    def __init__(self):
        self.trouble = {}
        self.heard = []
        self.app_id, self.app_secret = str(next(numbers)), secret("app-secret")
        self.facebook_tokens = {}
        self.issuers = {}
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, daemon=True).start()
        self._ready.wait()
        self.google = Issuer("https://accounts.google.com", f"{next(numbers)}-abc.apps.googleusercontent.com")
        self.google_certificate = self_signed("federated-signon.system.gserviceaccount.com", self.google.key)[0].decode()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self):
        app = web.Application(middlewares=[self._troubled])
        app.router.add_get("/v24.0/debug_token", self._debug_token)
        app.router.add_get("/v24.0/me", self._me)
        app.router.add_post("/google/token", self._google_token)
        app.router.add_get("/google/certs", self._google_certs)
        app.router.add_get("/issuers/{name}/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/issuers/{name}/keys", self._keys)
        app.router.add_post("/issuers/{name}/token", self._token)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    @property
    def settings(self) -> dict:
        """Where a deployment finds it."""
        return {
            "egress_allow": "127.0.0.0/8,::1",
            "facebook_url": f"{self.url}/v24.0",
            "google_token_url": f"{self.url}/google/token",
            "google_certs_url": f"{self.url}/google/certs",
        }

    @contextlib.contextmanager
    def having(self, kind, *paths):
        """Has trouble of this kind at these paths for a while."""
        self.trouble.update(dict.fromkeys(paths, kind))
        try:
            yield
        finally:
            self.trouble.clear()

    @web.middleware
    async def _troubled(self, request, handler):
        self.heard.append(request.path)
        kind = next((kind for path, kind in self.trouble.items() if request.path.startswith(path)), None)
        if kind == "slow":
            while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        if kind in ("slow", "hangs up"):
            request.transport.abort()
        if kind == "redirects":
            raise web.HTTPFound(self.url + "/elsewhere")
        answers = {"talks": "I am a teapot.", "lists": "[]", "floods": "{" + " " * 70_000 + "}"}
        if kind in answers:
            return web.Response(text=answers[kind], content_type="application/json")
        if isinstance(kind, int):
            return web.json_response({"error": {"message": "An unknown error has occurred.", "code": 1}}, status=kind)
        return await handler(request)

    # Facebook: https://developers.facebook.com/docs/facebook-login/guides/access-tokens/debugging

    def facebook_token(self, *, me=None, person=None, **data) -> str:
        """A user's access token. `data`: what debug_token says of it; `me`: who /me says it is."""
        token = f"EAA{secret('facebook')}"
        user_id = str(next(numbers)) if person is None else person
        said = {
            "app_id": self.app_id,
            "type": "USER",
            "application": "The game",
            "data_access_expires_at": int(time.time()) + 7_776_000,
            "expires_at": int(time.time()) + 5_184_000,
            "is_valid": True,
            "scopes": ["email", "public_profile"],
            "user_id": user_id,
            **data,
        }
        picture = {"height": 200, "is_silhouette": False, "url": "https://pictures.example.com/lee.png", "width": 200}
        profile = {
            "id": user_id,
            "name": "Lee Fox",
            "first_name": "Lee",
            "last_name": "Fox",
            "email": f"{fresh('lee')}@example.com",
            "picture": {"data": picture},
        }
        told = {name: value for name, value in said.items() if value is not None}
        self.facebook_tokens[token] = told, profile if me is None else me
        return token

    async def _debug_token(self, request):
        if request.query["access_token"] != f"{self.app_id}|{self.app_secret}":
            error = {"message": "Invalid OAuth access token signature.", "type": "OAuthException", "code": 190, "fbtrace_id": "A"}
            return web.json_response({"error": error}, status=400)
        known = self.facebook_tokens.get(request.query["input_token"])
        if known is None:
            error = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
            return web.json_response({"data": {"error": error, "is_valid": False, "scopes": []}})
        return web.json_response({"data": known[0]})

    async def _me(self, request):
        token = request.query["access_token"]
        proof = hmac.new(self.app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        if request.query.get("appsecret_proof") != proof:
            error = {"message": "Invalid appsecret_proof provided in the API argument", "type": "GraphMethodException", "code": 100}
            return web.json_response({"error": error}, status=400)
        profile = self.facebook_tokens[token][1]
        if not profile:
            error = {"message": "Error validating access token: The session was invalidated.", "type": "OAuthException", "code": 190}
            return web.json_response({"error": error}, status=401)
        return web.json_response(
            {name: profile[name] for name in ("id", *request.query["fields"].split(",")) if name in profile} | _picture(profile)
        )

    # Google: https://developers.google.com/identity/protocols/oauth2/web-server, OpenID Connect

    async def _google_token(self, request):
        status, body = self.google.exchange(await request.post(), request.headers.get("Authorization", ""))
        return web.json_response(body, status=status)

    async def _google_certs(self, request):
        headers = {"Cache-Control": "public, max-age=19800, must-revalidate, no-transform"}
        return web.json_response({self.google.kid: self.google_certificate}, headers=headers)

    # Any issuer: https://openid.net/specs/openid-connect-discovery-1_0.html

    def issuer(self, algorithm="RS256") -> Issuer:
        """A new issuer."""
        name = fresh("issuer")
        made = self.issuers[name] = Issuer(f"{self.url}/issuers/{name}", f"com.example.{name}", algorithm)
        made.name = name
        return made

    async def _discovery(self, request):
        issuer = self.issuers[request.match_info["name"]]
        told = {
            "issuer": issuer.url,
            "token_endpoint": f"{issuer.url}/token",
            "jwks_uri": f"{issuer.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [issuer.algorithm],
            "token_endpoint_auth_methods_supported": issuer.methods,
        }
        return web.json_response({**told, **issuer.told})

    async def _keys(self, request):
        issuer = self.issuers[request.match_info["name"]]
        return web.json_response({"keys": [jwk_of(issuer.key, issuer.kid)]})

    async def _token(self, request):
        issuer = self.issuers[request.match_info["name"]]
        status, body = issuer.exchange(await request.post(), request.headers.get("Authorization", ""))
        return web.json_response(body, status=status)


def _picture(profile) -> dict:
    return {"picture": profile["picture"]} if "picture" in profile else {}


@cache
def twin() -> Twin:
    """The twin that all tests of this process share."""
    return Twin()
