"""Tokens as clients hand them in again: whose they are, and what is known of them (RFC 7009, RFC 7662)."""

from typing import Any, NamedTuple

import jwt

from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.errors import Unauthenticated
from gamehall_server.kit.storage import Handle
from gamehall_server.modules import users
from gamehall_server.modules.auth.grants.base import real_now
from gamehall_server.modules.auth.scopes import FULL
from gamehall_server.modules.auth.sessions import family_of
from gamehall_server.modules.auth.verifier import TokenVerifier


class Held(NamedTuple):
    """A token that is good, or was: its session and its client."""

    session_id: int
    client_key: str


async def held(db: Handle, verifier: TokenVerifier, token: str) -> Held | None:
    """Whose token it is, whichever kind; None for what is no token, or an access token that is not good any more."""
    family = await family_of(db, token)
    if family is not None:
        return Held(family[1].id, family[1].client_key)
    try:
        caller = await verifier.verify(token, db)
    except Unauthenticated:
        return None
    return Held(caller.session_id, caller.client_key)


async def known_of_refresh_token(db: Handle, issuer: str, token: str, client_key: str) -> dict[str, Any] | None:
    """What is known of a refresh token that is good, and the client's own."""
    family = await family_of(db, token)
    if family is None:
        return None
    row, session = family
    now = real_now()
    if session.client_key != client_key or session.ended_at is not None or row.used_at is not None:
        return None
    if now >= row.expires_at or now >= session.expires_at:
        return None
    told = {"scope": session.scope or FULL, "client_id": client_key, "exp": row.expires_at // SECOND, "iss": issuer}
    if session.user_id is None:
        return {**told, "sub": client_key}
    user = await users.summary_of(db, session.user_id)
    return None if user is None else {**told, "sub": str(session.user_id), "username": user[1]}


async def known_of_access_token(db: Handle, verifier: TokenVerifier, token: str) -> dict[str, Any] | None:
    """What is known of an access token that is good."""
    try:
        caller = await verifier.verify(token, db)
    except Unauthenticated:
        return None
    # It was verified a line above.
    claims = jwt.decode(token, options={"verify_signature": False})
    told = {name: claims[name] for name in ("scope", "client_id", "exp", "iat", "sub", "aud", "iss", "jti")}
    return {**told, "token_type": "bearer", **({} if caller.user is None else {"username": caller.user[1]})}
