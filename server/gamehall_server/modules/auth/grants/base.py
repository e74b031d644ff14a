"""What a grant is, what it is made of, and what grants have in common."""

from typing import Any, NamedTuple, Protocol

from gamehall.auth.v1 import tokens_pb2 as pb
from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit import clock
from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.errors import Invalid
from gamehall_server.modules import users
from gamehall_server.modules.access import Attempts, Client, PasswordHasher
from gamehall_server.modules.auth.sessions import LONGEST_SESSION, Reuse, add_refresh_token, open_session
from gamehall_server.modules.auth.tables import SessionRow
from gamehall_server.modules.auth.verifier import TokenVerifier
from gamehall_server.modules.devices import DeviceLogin
from gamehall_server.modules.second_factor import SecondFactors
from gamehall_server.modules.social import Social


class Tools(NamedTuple):
    """What grants are made of."""

    hasher: PasswordHasher
    verifier: TokenVerifier
    social: Social
    attempts: Attempts
    devices: DeviceLogin
    factors: SecondFactors


class Asked(NamedTuple):
    """A token request of a client that has proven itself: the word of the grant it asks for, and the scope it asks to be limited to."""

    request: pb.CreateTokenRequest
    call: Call
    client: Client
    grant: str
    scope: str | None


class Issued(NamedTuple):
    """What a grant gives: a session, and the refresh token that continues it."""

    session: SessionRow
    refresh_token: str | None = None
    scope: str | None = None
    """Of the access token, where it is not the session's."""


class Grant(Protocol):
    """A way to a token, in two halves: see the package's text."""

    first_party: bool

    async def prove(self, asked: Asked) -> Any:
        """Finds out who asks, before the transaction. Raises Fault."""
        ...

    async def issue(self, asked: Asked, proof: Any) -> Issued | None:
        """Opens or continues a session, in the transaction. None after `refuse_after_commit`. Raises Fault."""
        ...


def real_now() -> Micros:
    """Tokens keep real time, also where a sandbox has another."""
    return clock.real_seconds() * SECOND


async def sign_in(asked: Asked, user_id: int) -> Issued:
    """A new session of a user with a refresh token; notes the sign-in."""
    now, db = real_now(), asked.call.db
    session = await open_session(db, asked.client.client_key, user_id, now, LONGEST_SESSION, asked.grant, asked.scope)
    users.signed_in(db, user_id, asked.call.now)
    return Issued(session, add_refresh_token(db, session, now, asked.client.refresh_seconds * SECOND))


def refuse_reuse(call: Call, verifier: TokenVerifier, reuse: Reuse, refusal: Invalid) -> None:
    """The session's end is kept; the caller is refused all the same."""
    session = reuse.ended
    call.db.after(lambda: verifier.forget(session.id))
    call.emit("session_revoked", session=session.id, user=session.user_id)
    call.refuse_after_commit(refusal)


def refused(message: str, reason: int, field: str | None = None) -> Invalid:
    """The refusal of a token request."""
    return Invalid(message, reason=reason, field=field)


def needed(value: str, field: str) -> None:
    """Raises Invalid unless the parameter is there."""
    if not value:
        raise refused(f"{field}: required", ErrorReason.ERROR_REASON_OAUTH_INVALID_REQUEST, field)
