"""Google: an authorization code, which is exchanged for an ID token, or an ID token itself; google-auth judges it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from gamehall_server.kit import clock
from gamehall_server.kit.egress import Egress
from gamehall_server.modules.configs import TEXT, URL, BuiltIn, ConfigValues, Kind
from gamehall_server.modules.social.proof import (
    LEEWAY,
    NotProven,
    Presented,
    Proven,
    ask,
    is_id_token,
    log,
    not_set_up,
    proven_by_claims,
)

NAME, TITLE = "google", "Google"
ISSUER = "https://accounts.google.com"
# What Google's own JavaScript asks with, as the guide's link tells.
POST_MESSAGE = "postmessage"
CLIENT_ID = BuiltIn("social.google.client_id", "The id of your Google OAuth client.", TEXT)
SECRET_KEY = BuiltIn("social.google.secret_key", "The secret of your Google OAuth client.", TEXT, secret=True)
REDIRECT_URL = BuiltIn(
    "social.google.redirect_url",
    "The redirect URL registered with Google.",
    Kind(
        "an address that begins with http:// or https://, postmessage, or nothing",
        lambda text: text if text == POST_MESSAGE else URL.read(text),
    ),
)
OTHER_CLIENTS = BuiltIn(
    "social.google.other_client_ids", "The ids of your Google clients for other platforms that ask for ID tokens, comma separated.", TEXT
)
BUILT_INS = (CLIENT_ID, SECRET_KEY, REDIRECT_URL, OTHER_CLIENTS)
# In seconds. Google says how long its certificates are good; a token with an unknown key makes us look again, but not all the time.
SHORTEST_KEPT, LONGEST_KEPT, NOT_AGAIN_WITHIN = 300, 86_400, 60


class Google:
    """Exchanges codes at `token_url`; the certificates of ID tokens are at `certs_url`."""

    def __init__(self, egress: Egress, configs: ConfigValues, token_url: str, certs_url: str) -> None:
        self._egress = egress
        self._configs = configs
        self._token_url = token_url
        self._certs = Certificates(egress, certs_url)

    async def prove(self, presented: Presented) -> Proven:
        value = self._configs.value
        client_id = value(CLIENT_ID)
        if not client_id:
            raise not_set_up(TITLE, f"its configs are {CLIENT_ID.name}, {SECRET_KEY.name} and {REDIRECT_URL.name}")
        token = presented.token
        if not is_id_token(token):
            token = await self._exchanged(client_id, presented)
        claims = await self._certs.verified(token, client_id)
        others = frozenset(name.strip() for name in value(OTHER_CLIENTS).split(",") if name.strip())
        return proven_by_claims(NAME, ISSUER, client_id, others, presented, claims)

    async def _exchanged(self, client_id: str, presented: Presented) -> str:
        value = self._configs.value
        if not value(SECRET_KEY):
            raise not_set_up(TITLE, f"codes need the config {SECRET_KEY.name}")
        form = {
            "grant_type": "authorization_code",
            "code": presented.token,
            "client_id": client_id,
            "client_secret": value(SECRET_KEY),
            "redirect_uri": value(REDIRECT_URL),
            **({"code_verifier": presented.code_verifier} if presented.code_verifier else {}),
        }
        told = await ask(self._egress, TITLE, "POST", self._token_url, form=form)
        if not told.ok:
            if told.text("error") != "invalid_grant":
                log.warning("Google refuses to exchange a code: %s", told.text("error")[:100])
            raise NotProven("Google does not accept this code.")
        if not told.text("id_token"):
            raise NotProven("Google gave no ID token for this code: ask for the scope openid.")
        return told.text("id_token")


class Certificates:
    """Google's certificates, kept as long as Google says."""

    def __init__(self, egress: Egress, url: str) -> None:
        self._egress = egress
        self._url = url
        self._told: dict[str, Any] = {}
        self._asked = float("-inf")
        self._until = float("-inf")

    async def verified(self, token: str, client_id: str) -> Mapping[str, Any]:
        """The claims of an ID token that google-auth found to be Google's, for us, and good now. Raises NotProven and Unavailable."""
        # Loaded at the first sign-in: many deployments never have one.
        from google.auth import jwt
        from google.auth.exceptions import GoogleAuthError
        from google.oauth2 import id_token

        try:
            decode: Any = jwt.decode_header
            verify: Any = id_token.verify_oauth2_token
            certificates = await self._with(decode(token).get("kid"))
            claims: Mapping[str, Any] = verify(token, lambda *_, **__: _Response(certificates), client_id, LEEWAY)
            return claims
        except (GoogleAuthError, ValueError, KeyError, TypeError, AttributeError):
            # It says what was wrong with which value: that is nobody's business.
            raise NotProven("Google's ID token is wrong, expired, or for another application.") from None

    async def _with(self, key_id: object) -> dict[str, Any]:
        now = clock.ticks()
        unknown = key_id not in self._told and now - self._asked >= NOT_AGAIN_WITHIN
        if now >= self._until or unknown:
            told = await ask(self._egress, TITLE, "GET", self._url)
            self._told, self._asked = told.body, now
            self._until = now + min(max(told.seconds, SHORTEST_KEPT), LONGEST_KEPT)
        return self._told


class _Response:
    """What google-auth takes for the answer to its own request for the certificates."""

    status = int(HTTPStatus.OK)

    def __init__(self, certificates: dict[str, Any]) -> None:
        self.data = orjson.dumps(certificates)
