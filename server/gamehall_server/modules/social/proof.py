"""What a provider's token proves, and how providers are asked."""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import orjson
from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.egress import Egress, Refused, Unanswered
from gamehall_server.kit.errors import Invalid, Unavailable

log = logging.getLogger("gamehall.social")
# Seconds by which a provider's clock may differ from ours.
LEEWAY = 10
LONGEST_SUBJECT = 255


class Presented(NamedTuple):
    """What an application got from a provider. `nonce`: what it put into its request for an ID token, as it is or as SHA-256 in hex (as
    Apple's own libraries want it); `code_verifier`: the secret behind a code that was asked for with PKCE (RFC 7636)."""

    token: str
    nonce: str = ""
    code_verifier: str = ""


class Profile(NamedTuple):
    """What a provider tells of a person. `email` only where the provider has made sure of it."""

    email: str | None = None
    display_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    avatar_url: str | None = None


class Proven(NamedTuple):
    """Somebody whom a provider knows: `subject` among those of `app`, and no address of theirs, is who it is.

    spends: what is good once, and until when it would be good again if nobody remembered.
    """

    provider: str
    app: str
    subject: str
    profile: Profile = Profile()
    spends: str | None = None
    until: Micros = 0


class Provider(Protocol):
    """One provider."""

    async def prove(self, presented: Presented) -> Proven:
        """Who the token is of. Asks the provider; writes nothing. Raises NotProven, Unavailable, or Invalid where it is not set up."""
        ...


class NotProven(Invalid):
    """The token does not prove anything."""

    default_reason = ErrorReason.ERROR_REASON_PROVIDER_TOKEN_INVALID


def not_set_up(title: str, configs: str) -> Invalid:
    """The refusal of a provider that nobody has set up."""
    return Invalid(f"{title} is not set up here: {configs}.", reason=ErrorReason.ERROR_REASON_PROVIDER_NOT_SET_UP)


class Told(NamedTuple):
    """A provider's answer: a JSON object, and for how many seconds it may be kept."""

    ok: bool
    body: dict[str, Any]
    seconds: int = 0

    def text(self, name: str) -> str:
        """The text of this name, or nothing."""
        return text_of(self.body, name)


async def ask(egress: Egress, title: str, method: str, url: str, **options: Any) -> Told:
    """What a provider answers. Raises Unavailable when it does not, is overloaded, or answers something else than a JSON object."""
    try:
        answer = await egress.fetch(method, url, **options)
        if answer.status in (200, 400, 401, 403, 404):
            body = orjson.loads(answer.body)
            if isinstance(body, dict):
                return Told(answer.status == 200, body, _max_age(answer.headers))
        problem = f"status {answer.status}"
    except (Unanswered, Refused) as reason:
        problem = str(reason)
    except ValueError:
        problem = "no JSON"
    # Neither URL nor body: both hold secrets.
    log.warning("%s could not be asked: %s", title, problem)
    raise Unavailable(
        f"{title} cannot be asked now: try again in a moment.", reason=ErrorReason.ERROR_REASON_PROVIDER_UNAVAILABLE, retry_after=5
    )


def _max_age(headers: Mapping[str, str]) -> int:
    for part in headers.get("Cache-Control", "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "max-age" and value.isdecimal():
            return int(value[:9])
    return 0


def text_of(values: Mapping[str, Any], name: str) -> str:
    """The text of this name, or nothing."""
    value = values.get(name)
    return value if isinstance(value, str) else ""


def is_id_token(token: str) -> bool:
    """Whether a text is a signed token and no code: three parts, and the first is a JSON object."""
    return token.count(".") == 2 and token.startswith("ey")


def proven_by_claims(
    provider: str, app: str, client_id: str, others: frozenset[str], presented: Presented, claims: Mapping[str, Any]
) -> Proven:
    """Who the verified claims of an ID token are about (OpenID Connect Core section 3.1.3.7, from step 3). `others`: further clients of the
    same owner that may have asked for the token. Raises NotProven."""
    nonce = presented.nonce
    asked_by, audiences = claims.get("azp"), claims.get("aud")
    if asked_by is not None and asked_by != client_id and asked_by not in others:
        raise NotProven("The ID token was given to another application.")
    if isinstance(audiences, list) and len(audiences) > 1 and asked_by is None:
        raise NotProven("The ID token is for other applications too, and does not say which one asked for it.")
    subject = text_of(claims, "sub")
    if not 0 < len(subject) <= LONGEST_SUBJECT or "\0" in subject:
        raise NotProven("The ID token does not say whom it is about.")
    told = claims.get("nonce")
    if nonce and (not isinstance(told, str) or told not in (nonce, hashlib.sha256(nonce.encode()).hexdigest())):
        raise NotProven("The ID token was asked for with another nonce.")
    verified = claims.get("email_verified")
    # Apple writes a word where others have a boolean.
    if verified is not None and verified is not True and verified != "true":
        raise NotProven("The provider has not made sure of this account's e-mail address.")
    profile = Profile(
        email=text_of(claims, "email") or None if verified else None,
        display_name=text_of(claims, "name") or None,
        first_name=text_of(claims, "given_name") or None,
        last_name=text_of(claims, "family_name") or None,
        avatar_url=text_of(claims, "picture") or None,
    )
    proven = Proven(provider, app, subject, profile)
    if not is_id_token(presented.token):
        # The provider itself takes a code once.
        return proven
    # Of a token without a nonce it is what was signed: a signature has more than one spelling.
    once = f"nonce {told}" if told is not None else f"token {presented.token.rpartition('.')[0]}"
    spends = hashlib.sha256(f"{provider} {app} {once}".encode()).hexdigest()
    return proven._replace(spends=spends, until=(int(claims["exp"]) + LEEWAY + 1) * SECOND)
