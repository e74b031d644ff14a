"""The token endpoint (RFC 6749), who am I, and the key set."""

from typing import Any

from gamehall.auth.v1 import tokens_pb2 as pb
from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.call import Call
from gamehall_server.kit.rpc import Prepared
from gamehall_server.modules.auth.client_proof import proven_client
from gamehall_server.modules.auth.grants import GRANTS, Grant, Tools
from gamehall_server.modules.auth.grants.base import Asked, refused
from gamehall_server.modules.auth.grants.social import SocialGrant
from gamehall_server.modules.auth.issued import note_use
from gamehall_server.modules.auth.keys import KeyRing
from gamehall_server.modules.auth.scopes import FULL, granted

BEARER = "bearer"
# Defaults of the published operation.
DEFAULT_GRANT, DEFAULT_CLIENT = "client_credentials", "knetik"


class Tokens:
    """gamehall.auth.v1.TokenService."""

    service = pb.DESCRIPTOR.services_by_name["TokenService"]

    def __init__(self, keys: KeyRing, tools: Tools) -> None:
        self._keys = keys
        self._verifier = tools.verifier
        self._social, self._attempts = tools.social, tools.attempts
        self._grants = {word: make(tools) for word, make in GRANTS.items()}
        self.CreateToken = Prepared(self._prove, self._issue)

    async def _prove(self, request: pb.CreateTokenRequest, call: Call) -> tuple[Asked, Grant, Any]:
        client = await proven_client(self._attempts, call, request.client_id, request.client_secret, DEFAULT_CLIENT)
        word = request.grant_type or DEFAULT_GRANT
        grant = self._grants.get(word) or await self._provider(word, call)
        if grant is None:
            raise refused("Unknown grant type.", ErrorReason.ERROR_REASON_OAUTH_UNSUPPORTED_GRANT_TYPE, "grant_type")
        if word not in client.grant_types or (grant.first_party and not client.first_party):
            raise refused(
                f"The client {client.client_key} may not use {word}.", ErrorReason.ERROR_REASON_OAUTH_UNAUTHORIZED_CLIENT, "grant_type"
            )
        scope = granted(request.scope)
        asked = Asked(request, call, client, word, None if scope == FULL else scope)
        return asked, grant, await grant.prove(asked)

    async def _provider(self, word: str, call: Call) -> Grant | None:
        way = await self._social.find(call.db, word)
        return None if way is None else SocialGrant(way)

    async def _issue(self, request: pb.CreateTokenRequest, call: Call, proven: tuple[Asked, Grant, Any]) -> pb.CreateTokenResponse:
        asked, grant, proof = proven
        issued = await grant.issue(asked, proof)
        if issued is None:
            return pb.CreateTokenResponse()
        if issued.session.user_id is not None:
            await note_use(call, issued.session)
        seconds = asked.client.access_seconds
        scope = issued.scope or issued.session.scope or FULL
        token = self._verifier.issue(issued.session, seconds, scope)
        answer = pb.CreateTokenResponse(access_token=token, token_type=BEARER, expires_in=seconds, scope=scope)
        if issued.refresh_token is not None:
            answer.refresh_token = issued.refresh_token
        return answer

    async def GetTokenDetails(self, request: pb.GetTokenDetailsRequest, call: Call) -> pb.GetTokenDetailsResponse:
        caller = call.caller
        assert caller is not None
        return pb.GetTokenDetailsResponse(client_id=caller.client_key, roles=caller.roles, user_id=caller.user_id)

    async def GetKeySet(self, request: pb.GetKeySetRequest, call: Call) -> pb.GetKeySetResponse:
        return pb.GetKeySetResponse(keys=[pb.JSONWebKey(**key) for key in self._keys.published()])
