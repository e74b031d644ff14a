"""Any provider of OpenID Connect, as data: where it is, its keys, and what its tokens must say. Sign in with Apple is one."""

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gamehall_server.kit import clock
from gamehall_server.kit.egress import Egress
from gamehall_server.modules.social.proof import (
    LEEWAY,
    NotProven,
    Presented,
    Proven,
    Told,
    ask,
    is_id_token,
    log,
    not_set_up,
    proven_by_claims,
)

DISCOVERY = "/.well-known/openid-configuration"
# What a provider may sign with. Each provider has one of them, whatever its tokens say.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
FEWEST_RSA_BITS = 2048
MOST_KEYS = 50
# In seconds.
SHORTEST_KEPT, LONGEST_KEPT, NOT_AGAIN_WITHIN, SECRET_LASTS = 300, 86_400, 60, 300
REQUIRED_CLAIMS = ["iss", "aud", "sub", "exp", "iat"]


class Issuer(NamedTuple):
    """A provider as it was set up. `secret` is open; with a `key_id` it is a private key in PEM, which signs what is sent for a secret."""

    name: str
    title: str
    issuer: str
    client_id: str
    others: frozenset[str]
    secret: str
    redirect_uri: str
    algorithm: str
    team_id: str
    key_id: str


class Known(NamedTuple):
    """What an issuer tells of itself, with its keys by their ids."""

    token_url: str
    by_header: bool
    keys: dict[str | None, Mapping[str, Any]]
    asked: float
    until: float


class OpenID:
    """Every issuer. What they tell of themselves is kept in memory."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._known: dict[str, Known] = {}

    async def prove(self, issuer: Issuer, presented: Presented) -> Proven:
        """As `Provider.prove`."""
        token = presented.token
        if not is_id_token(token):
            token = await self._exchanged(issuer, presented)
        claims = await self._verified(issuer, token)
        return proven_by_claims(issuer.name, issuer.issuer, issuer.client_id, issuer.others, presented, claims)

    async def _verified(self, issuer: Issuer, token: str) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != issuer.algorithm:
                raise NotProven(f"{issuer.title}'s ID tokens are signed with {issuer.algorithm}.")
            key = await self._key(issuer, header.get("kid"))
            options: Any = {"require": REQUIRED_CLAIMS}
            claims: Mapping[str, Any] = jwt.decode(
                token, key, [issuer.algorithm], options, audience=issuer.client_id, issuer=issuer.issuer, leeway=LEEWAY
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            raise NotProven(f"{issuer.title}'s ID token is wrong, expired, or for another application.") from None
        return claims

    async def _key(self, issuer: Issuer, key_id: object) -> Any:
        known = await self._about(issuer)
        if key_id not in known.keys and clock.ticks() - known.asked >= NOT_AGAIN_WITHIN:
            # The issuer may have made a new key.
            known = await self._ask(issuer)
        found = known.keys.get(key_id) if key_id is None or isinstance(key_id, str) else None
        if found is None and key_id is None and len(known.keys) == 1:
            found = next(iter(known.keys.values()))
        if found is None:
            raise NotProven(f"{issuer.title} has no such key.")
        key = jwt.PyJWK(dict(found), issuer.algorithm).key
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < FEWEST_RSA_BITS:
            raise NotProven(f"{issuer.title}'s key is too short.")
        return key

    async def _about(self, issuer: Issuer) -> Known:
        known = self._known.get(issuer.issuer)
        return known if known is not None and clock.ticks() < known.until else await self._ask(issuer)

    async def _ask(self, issuer: Issuer) -> Known:
        told = await ask(self._egress, issuer.title, "GET", issuer.issuer.rstrip("/") + DISCOVERY)
        if not told.ok or told.text("issuer") != issuer.issuer:
            # OpenID Connect Discovery section 4.3: it must be the very issuer that was asked.
            log.warning("%s tells of another issuer than the one that is set up", issuer.title)
            raise not_set_up(issuer.title, f"{issuer.issuer} tells of another issuer")
        keys = await ask(self._egress, issuer.title, "GET", told.text("jwks_uri"))
        now = clock.ticks()
        methods = told.body.get("token_endpoint_auth_methods_supported")
        known = Known(
            told.text("token_endpoint"),
            # Section 3: the header is the method of those that name none.
            not isinstance(methods, list) or "client_secret_post" not in methods,
            _usable(keys),
            now,
            now + min(max(keys.seconds, SHORTEST_KEPT), LONGEST_KEPT),
        )
        self._known[issuer.issuer] = known
        return known

    async def _exchanged(self, issuer: Issuer, presented: Presented) -> str:
        known = await self._about(issuer)
        form = {"grant_type": "authorization_code", "code": presented.token, "redirect_uri": issuer.redirect_uri}
        if presented.code_verifier:
            form["code_verifier"] = presented.code_verifier
        headers = {}
        if issuer.secret and known.by_header and not issuer.key_id:
            headers["Authorization"] = _basic(issuer.client_id, issuer.secret)
        else:
            form["client_id"] = issuer.client_id
            if issuer.secret:
                form["client_secret"] = _signed(issuer) if issuer.key_id else issuer.secret
        told = await ask(self._egress, issuer.title, "POST", known.token_url, form=form, headers=headers)
        if not told.ok:
            if told.text("error") != "invalid_grant":
                log.warning("%s refuses to exchange a code: %s", issuer.title, told.text("error")[:100])
            raise NotProven(f"{issuer.title} does not accept this code.")
        if not told.text("id_token"):
            raise NotProven(f"{issuer.title} gave no ID token for this code: ask for the scope openid.")
        return told.text("id_token")


def _usable(told: Told) -> dict[str | None, Mapping[str, Any]]:
    listed = told.body.get("keys")
    found: dict[str | None, Mapping[str, Any]] = {}
    for key in listed[:MOST_KEYS] if told.ok and isinstance(listed, list) else ():
        if isinstance(key, dict) and key.get("use") in (None, "sig") and isinstance(key.get("kid"), str | None):
            found.setdefault(key.get("kid"), key)
    return found


def _basic(client_id: str, secret: str) -> str:
    """RFC 6749 section 2.3.1."""
    return "Basic " + base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()


def _signed(issuer: Issuer) -> str:
    """What Apple takes for a secret: a token that the team's key signs for this very purpose."""
    now = clock.real_seconds()
    claims = {"iss": issuer.team_id, "iat": now, "exp": now + SECRET_LASTS, "aud": issuer.issuer, "sub": issuer.client_id}
    return jwt.encode(claims, issuer.secret, "ES256", {"kid": issuer.key_id})


def can_sign(secret: str) -> bool:
    """Whether a text is a private key that `_signed` can use."""
    try:
        key = load_pem_private_key(secret.encode(), None)
    except (ValueError, TypeError):
        return False
    return isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
