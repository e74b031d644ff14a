"""Access tokens: who they belong to. A token is verified once and then known until it expires or its session ends."""

import hashlib
import math
from typing import Any

import jwt
import msgspec
from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit import clock
from gamehall_server.kit.call import Caller
from gamehall_server.kit.errors import Unauthenticated
from gamehall_server.kit.storage import Handle
from gamehall_server.modules import users
from gamehall_server.modules.access import Revoked, find_client, grants_of_client, grants_of_user
from gamehall_server.modules.auth.keys import ALGORITHM, TOKEN_TYPE, KeyRing
from gamehall_server.modules.auth.scopes import FULL, limits
from gamehall_server.modules.auth.sessions import live_session
from gamehall_server.modules.auth.tables import SessionRow

LONGEST_TOKEN = 8192
LARGEST_ID = 2**63 - 1
MOST_KNOWN = 100_000
REQUIRED_CLAIMS = ["iss", "aud", "sub", "client_id", "sid", "jti", "iat", "exp"]


def invalid() -> Unauthenticated:
    """One answer for everything that is wrong with a token: which check failed is nobody's business."""
    return Unauthenticated("The access token is not valid.", reason=ErrorReason.ERROR_REASON_TOKEN_INVALID)


def expired() -> Unauthenticated:
    """The answer to a token that was good once."""
    return Unauthenticated("The access token has expired.", reason=ErrorReason.ERROR_REASON_TOKEN_EXPIRED)


class TokenVerifier:
    """Signs and verifies access tokens of one issuer (RFC 9068)."""

    def __init__(self, keys: KeyRing, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._known: dict[bytes, Caller] = {}
        # Tokens by what they were verified against: ("session", "7") and ("user", "3").
        self._of: dict[tuple[str, str], list[bytes]] = {}
        # Counts revocations. What was verified while one happened is not remembered: it may be about the same.
        self._revocations = 0
        # Until when, on `clock.ticks`, what is remembered may be trusted; for ever where no other process can revoke.
        self.trusted_until = math.inf

    @property
    def issuer(self) -> str:
        """Who makes the tokens."""
        return self._issuer

    def issue(self, session: SessionRow, seconds: int, scope: str | None = None) -> str:
        """An access token of a session, good for so many seconds of real time, and for the session's scope unless told."""
        now = clock.real_seconds()
        claims = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": session.client_key if session.user_id is None else str(session.user_id),
            "client_id": session.client_key,
            "sid": session.id,
            "jti": clock.token(12),
            "iat": now,
            "exp": now + seconds,
            "scope": scope or session.scope or FULL,
        }
        return self._keys.sign(claims)

    def known(self, token: str) -> Caller | None:
        """A caller verified before. Raises Unauthenticated when the token has expired since."""
        caller = self._known.get(hashlib.sha256(token.encode()).digest())
        if caller is not None:
            if clock.real_seconds() >= caller.expires:
                raise expired()
            if clock.ticks() > self.trusted_until:
                return None
        return caller

    async def verify(self, token: str, db: Handle) -> Caller:
        """The caller of a token; raises Unauthenticated unless it is ours, unexpired, and of a session that goes on."""
        claims = await self._claims(token, db)
        revocations = self._revocations
        session = await live_session(db, claims["sid"])
        if session is None or session.client_key != claims["client_id"]:
            raise invalid()
        caller = await self._caller(db, session, claims["exp"])
        limited_to = limits(claims.get("scope"))
        if limited_to is not None:
            caller = msgspec.structs.replace(caller, limited_to=limited_to)
        if revocations == self._revocations:
            self._remember(hashlib.sha256(token.encode()).digest(), caller)
        return caller

    def hear(self, news: object) -> None:
        """Forgets every token that a revocation concerns."""
        if not isinstance(news, Revoked):
            return
        self._revocations += 1
        kind, subject = news
        if kind in ("session", "user"):
            digests = list(self._of.get((kind, subject), ()))
        elif kind == "client":
            digests = [digest for digest, caller in self._known.items() if caller.client_key == subject]
        else:
            digests = [digest for digest, caller in self._known.items() if subject in caller.roles]
        for digest in digests:
            self._drop(digest)

    def forget(self, session_id: int) -> None:
        """Forgets every token of a session that has ended."""
        self.hear(Revoked("session", str(session_id)))

    def forget_everything(self) -> None:
        """Every token is verified again when it comes next."""
        self._revocations += 1
        self._known.clear()
        self._of.clear()

    async def _claims(self, token: str, db: Handle) -> dict[str, Any]:
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise invalid()
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.public(header.get("kid")) or await self._keys.look_for(header.get("kid"), db)
            if key is None or header.get("typ") != TOKEN_TYPE:
                raise invalid()
            # When a token was issued decides nothing: another node's clock may be ahead, or this one's set back.
            options: Any = {"require": REQUIRED_CLAIMS, "verify_iat": False}
            claims: dict[str, Any] = jwt.decode(token, key, [ALGORITHM], options, issuer=self._issuer, audience=self._issuer)
        except jwt.ExpiredSignatureError:
            raise expired() from None
        except (jwt.PyJWTError, ValueError):
            raise invalid() from None
        if claims["sid"].__class__ is not int or not 0 < claims["sid"] <= LARGEST_ID or claims["exp"].__class__ is not int:
            raise invalid()
        return claims

    async def _caller(self, db: Handle, session: SessionRow, expires: int) -> Caller:
        if session.user_id is None:
            client = await find_client(db, session.client_key)
            if client is None:
                raise invalid()
            held = await grants_of_client(db, client.id)
            return Caller(session.client_key, session.id, expires, held.roles, held.permissions)
        user = await users.summary_of(db, session.user_id)
        if user is None:
            raise invalid()
        held = await grants_of_user(db, session.user_id)
        return Caller(session.client_key, session.id, expires, held.roles, held.permissions, session.user_id, user, session.grant)

    def _remember(self, digest: bytes, caller: Caller) -> None:
        if digest in self._known:
            # Verified twice, at once or because somebody asked about it: what is dropped must be there once.
            self._drop(digest)
        while len(self._known) >= MOST_KNOWN:
            self._drop(next(iter(self._known)))
        self._known[digest] = caller
        for subject in _subjects(caller):
            self._of.setdefault(subject, []).append(digest)

    def _drop(self, digest: bytes) -> None:
        caller = self._known.pop(digest)
        for subject in _subjects(caller):
            digests = self._of.get(subject, [])
            if digest in digests:
                digests.remove(digest)
            if not digests:
                self._of.pop(subject, None)


def _subjects(caller: Caller) -> tuple[tuple[str, str], ...]:
    session = ("session", str(caller.session_id))
    return (session,) if caller.user_id is None else (session, ("user", str(caller.user_id)))
