"""A session goes on (RFC 6749 section 6, with rotation as RFC 9700 section 4.14.2)."""

from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.clock import SECOND
from gamehall_server.modules.auth.grants.base import Asked, Issued, needed, real_now, refuse_reuse, refused
from gamehall_server.modules.auth.scopes import FULL, granted
from gamehall_server.modules.auth.sessions import Reuse, rotate
from gamehall_server.modules.auth.verifier import TokenVerifier


class RefreshToken:
    """The session remembers the grant that opened it, and its scope: a narrower one is for the access token alone."""

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
            refuse_reuse(call, self._verifier, outcome, refusal)
            return None
        # A refusal leaves the token as it was.
        scope = granted(asked.request.scope, outcome.session.scope or FULL)
        return Issued(outcome.session, outcome.refresh_token, scope)
