"""An account with another provider. The grant is called as the provider is: facebook, google, and those that are data."""

from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.modules.auth.grants.base import Asked, Issued, needed, refused, sign_in
from gamehall_server.modules.social import NotProven, Presented, Proven, Way


class SocialGrant:
    """What the provider says is asked of it first; the session begins in the transaction."""

    first_party = False

    def __init__(self, way: Way) -> None:
        self._way = way

    async def prove(self, asked: Asked) -> Proven:
        needed(asked.request.token, "token")
        try:
            return await self._way.prove(Presented(asked.request.token, asked.request.nonce, asked.request.code_verifier))
        except NotProven as refusal:
            raise _wrong(refusal) from None

    async def issue(self, asked: Asked, proof: Proven) -> Issued:
        try:
            user_id = await self._way.user(asked.call, proof)
        except NotProven as refusal:
            raise _wrong(refusal) from None
        return await sign_in(asked, user_id)


def _wrong(refusal: NotProven) -> Exception:
    return refused(refusal.message, ErrorReason.ERROR_REASON_OAUTH_INVALID_GRANT, "token")
