"""A client asks for itself (RFC 6749 section 4.4)."""

from gamehall_server.kit.clock import SECOND
from gamehall_server.modules.auth.grants.base import Asked, Issued, real_now
from gamehall_server.modules.auth.sessions import open_session


class ClientCredentials:
    """The client has proven itself already. It gets no refresh token: it can always ask again."""

    first_party = False

    async def prove(self, asked: Asked) -> None:
        return None

    async def issue(self, asked: Asked, proof: None) -> Issued:
        lasts = asked.client.access_seconds * SECOND
        return Issued(await open_session(asked.call.db, asked.client.client_key, None, real_now(), lasts, asked.grant, asked.scope))
