"""Sessions and the refresh tokens in them.

Rotation: a refresh token is used once and gives a child. The same old token within 20 seconds gives the same child, at most three
times and only until the child is used, because answers get lost. Later use means that two parties hold it: the session ends.
"""

import base64
import hashlib
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import BigInteger, bindparam, insert, select, update

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.modules.access import revoke
from gamehall_server.modules.auth.tables import RefreshTokenRow, SessionRow

GRACE: Micros = 20 * SECOND
MOST_REPLAYS = 3
LONGEST_SESSION: Micros = 180 * 24 * 3600 * SECOND

sessions, tokens = table_of(SessionRow), table_of(RefreshTokenRow)
_s, _t = sessions.table, tokens.table
_session = Query(select(_s).where(_s.c.id == bindparam("id", type_=BigInteger)), sessions.Row)
# Nobody else changes its family until the transaction ends.
lock_session = Query(select(_s).where(_s.c.id == bindparam("id", type_=BigInteger)).with_for_update(), sessions.Row)
_add_session = Query(insert(_s))
_end = Query(update(_s).where(_s.c.id == bindparam("session", type_=BigInteger)).values(ended_at=bindparam("now", type_=BigInteger)))
_prolong = Query(
    update(_s).where(_s.c.id == bindparam("session", type_=BigInteger)).values(expires_at=bindparam("until", type_=BigInteger))
)
_token = Query(select(_t).where(_t.c.hash == bindparam("hash")), tokens.Row)
_add_token = Query(insert(_t))
_use = Query(
    update(_t)
    .where(_t.c.hash == bindparam("this"))
    .values(used_at=bindparam("now", type_=BigInteger), child_hash=bindparam("child"), sealed_child=bindparam("sealed"))
)
_replay = Query(update(_t).where(_t.c.hash == bindparam("this")).values(replays=_t.c.replays + 1))


class Rotation(NamedTuple):
    """A session goes on: who for, and the refresh token that continues it."""

    session: SessionRow
    refresh_token: str


class Reuse(NamedTuple):
    """A refresh token, or a code, was used again: its session is ended."""

    ended: SessionRow


def digest(token: str) -> str:
    """What is kept of a token or a code."""
    return hashlib.sha256(token.encode()).hexdigest()


def _box(token: str) -> AESGCM:
    return AESGCM(HKDF(hashes.SHA256(), 32, None, b"gamehall refresh token child").derive(token.encode()))


def _seal(parent: str, child: str) -> str:
    # Each parent seals one child once, so its key is never used with a second message.
    return base64.b64encode(_box(parent).encrypt(bytes(12), child.encode(), None)).decode()


def _unseal(parent: str, sealed: str) -> str:
    return _box(parent).decrypt(bytes(12), base64.b64decode(sealed), None).decode()


async def open_session(
    db: Handle, client_key: str, user_id: int | None, now: Micros, lasts: Micros, grant: str | None = None, scope: str | None = None
) -> SessionRow:
    """A new session of a user or of a client itself; `grant` is the word of the grant that opened it, `scope` what it is limited to."""
    number = await db.new_id("session")
    values: dict[str, Any] = {
        "id": number,
        "user_id": user_id,
        "client_key": client_key,
        "created_at": now,
        "expires_at": now + lasts,
        "grant": grant,
        "scope": scope,
    }
    db.later(_add_session, **values, ended_at=None, used_at=now, address=None, country=None)
    return SessionRow(**values)


def add_refresh_token(db: Handle, session: SessionRow, now: Micros, idle: Micros) -> str:
    """A new refresh token of a session; it expires when it is not used for `idle`, or with its session."""
    token = clock.token()
    expires = min(now + idle, session.expires_at)
    db.later(
        _add_token,
        hash=digest(token),
        session_id=session.id,
        expires_at=expires,
        used_at=None,
        replays=0,
        child_hash=None,
        sealed_child=None,
    )
    return token


async def live_session(db: Handle, session_id: int) -> SessionRow | None:
    """The session unless it has ended."""
    row: SessionRow | None = await db.one(_session, id=session_id)
    return None if row is None or row.ended_at is not None else row


async def family_of(db: Handle, token: str) -> tuple[RefreshTokenRow, SessionRow] | None:
    """A refresh token and its session, whatever has become of them."""
    found: RefreshTokenRow | None = await db.one(_token, hash=digest(token))
    if found is None:
        return None
    session: SessionRow | None = await db.one(_session, id=found.session_id)
    return None if session is None else (found, session)


def prolong(db: Handle, session_id: int, until: Micros) -> None:
    """Lets a session last longer."""
    db.later(_prolong, session=session_id, until=until)


async def rotate(db: Handle, token: str, client_key: str, now: Micros, idle: Micros) -> Rotation | Reuse | None:
    """Uses a refresh token; None when it is unknown, expired or revoked. After Reuse the transaction must be committed all the same."""
    found: RefreshTokenRow | None = await db.one(_token, hash=digest(token))
    if found is None:
        return None
    # Everything that changes a family happens under its session's lock, in the order of the calls that get it.
    session: SessionRow | None = await db.one(lock_session, id=found.session_id)
    found = await db.one(_token, hash=digest(token))
    if session is None or found is None or session.client_key != client_key:
        return None
    if session.ended_at is not None or now >= found.expires_at or now >= session.expires_at:
        return None
    if found.used_at is None:
        child = add_refresh_token(db, session, now, idle)
        db.later(_use, this=found.hash, now=now, child=digest(child), sealed=_seal(token, child))
        return Rotation(session, child)
    child_row: RefreshTokenRow | None = await db.one(_token, hash=found.child_hash)
    fresh = now - found.used_at <= GRACE and found.replays < MOST_REPLAYS
    if fresh and child_row is not None and child_row.used_at is None and found.sealed_child is not None:
        db.later(_replay, this=found.hash)
        return Rotation(session, _unseal(token, found.sealed_child))
    end_session(db, session.id, now)
    return Reuse(session)


def end_session(db: Handle, session_id: int, now: Micros) -> None:
    """Ends a session: none of its tokens is good for anything afterwards."""
    db.later(_end, session=session_id, now=now)
    revoke(db, "session", session_id)
