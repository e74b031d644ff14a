"""A session goes on (RFC 6749 section 6, with rotation as RFC 9700 section 4.14.2)."""

from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.call import Event
from gamehall_server.kit.clock import SECOND
from gamehall_server.modules.auth.grants.base import Asked, Issued, needed, real_now, refused
from gamehall_server.modules.auth.sessions import Reuse, rotate
from gamehall_server.modules.auth.verifier import TokenVerifier


class SessionRevoked(Event, frozen=True):
    """A session was ended because one of its refresh tokens was used twice."""

    id: int
    user_id: int | None


class RefreshToken:
    """The session remembers the grant that opened it."""

    first_party = False

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def prove(self, asked: Asked) -> None:
        needed(asked.request.refresh_token, "refresh_token")

    async def issue(self, asked: Asked, proof: None) -> Issued | None:
        call, client = asked.call, asked.client
        outcome = await rotate(call.db, asked.request.refresh_token, client.client_key, real_now(), client.refresh_seconds * SECOND)
        refusal = refused("The refresh token is wrong, expired or revoked.", ErrorReason.ERROR_REASON_OAUTH_INVALID_GRANT)
        if outcome is None:
            raise refusal
        if isinstance(outcome, Reuse):
            # The session's end is kept; the caller is refused all the same.
            session = outcome.ended
            call.db.after(lambda: self._verifier.forget(session.id))
            call.emit("session_revoked", SessionRevoked(f"session:{session.id}", session.id, session.user_id))
            call.refuse_after_commit(refusal)
            return None
        return Issued(outcome.session, outcome.refresh_token)
