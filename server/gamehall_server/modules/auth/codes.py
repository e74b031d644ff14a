"""Authorization codes (RFC 6749 section 4.1.2) with PKCE (RFC 7636).

A code belongs to a session that begins with it: the session's client is the code's, and whatever ends the session ends the code. Used a
second time, somebody else holds it: the session ends. The session itself lasts as long as the code until it is used.
"""

import base64
import hashlib
import hmac

import msgspec
from sqlalchemy import BigInteger, bindparam, delete, insert, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.columns import Moment
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.modules.auth.sessions import LONGEST_SESSION, Reuse, digest, end_session, lock_session, prolong
from gamehall_server.modules.auth.tables import SessionRow

LASTS: Micros = 60 * SECOND
# So long a second use of a code is noticed.
KEPT: Micros = 3600 * SECOND


class AuthorizationCodeRow(SQLModel, table=True):
    """A code by its SHA-256."""

    __tablename__ = "authorization_code"

    hash: str = Field(primary_key=True)
    session_id: int = Field(foreign_key="session.id", sa_type=BigInteger, nullable=False, index=True)
    # As the request for the login page told it; empty where it did not.
    redirect_uri: str = Field(nullable=False)
    challenge: str = Field(nullable=False)
    expires_at: int = Field(sa_type=Moment, nullable=False, index=True)
    used_at: int | None = Field(default=None, sa_type=Moment)


codes = table_of(AuthorizationCodeRow)
_t = codes.table
_find = Query(select(_t).where(_t.c.hash == bindparam("hash")), codes.Row)
_add = Query(insert(_t))
_use = Query(update(_t).where(_t.c.hash == bindparam("this")).values(used_at=bindparam("now", type_=BigInteger)))
_sweep = Query(delete(_t).where(_t.c.expires_at < bindparam("before", type_=BigInteger)))


def give_code(db: Handle, session: SessionRow, redirect_uri: str, challenge: str, now: Micros) -> str:
    """A new code of a new session."""
    code = clock.token()
    db.later(_sweep, before=now - KEPT)
    values = {"session_id": session.id, "redirect_uri": redirect_uri, "challenge": challenge, "expires_at": now + LASTS}
    db.later(_add, hash=digest(code), used_at=None, **values)
    return code


async def use_code(db: Handle, code: str, client_key: str, redirect_uri: str, verifier: str, now: Micros) -> SessionRow | Reuse | None:
    """The session that a code begins; None when it is unknown, expired, or another client's, redirect URI's or verifier's. After Reuse the
    transaction must be committed all the same."""
    found: AuthorizationCodeRow | None = await db.one(_find, hash=digest(code))
    if found is None:
        return None
    # As everything that changes a family, in the order of the calls that get its session's lock.
    session: SessionRow | None = await db.one(lock_session, id=found.session_id)
    found = await db.one(_find, hash=digest(code))
    if session is None or found is None or session.client_key != client_key or session.ended_at is not None:
        return None
    if found.used_at is not None:
        end_session(db, session.id, now)
        return Reuse(session)
    if now >= found.expires_at or redirect_uri != found.redirect_uri or not hmac.compare_digest(challenge_of(verifier), found.challenge):
        return None
    db.later(_use, this=found.hash, now=now)
    prolong(db, session.id, session.created_at + LONGEST_SESSION)
    going_on: SessionRow = msgspec.structs.replace(session, expires_at=session.created_at + LONGEST_SESSION)  # type: ignore[type-var]
    return going_on


def challenge_of(verifier: str) -> str:
    """S256 of RFC 7636 section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
