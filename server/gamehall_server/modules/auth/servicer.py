"""The token endpoint (RFC 6749), who am I, and the key set."""

import base64
import binascii
from typing import NamedTuple
from urllib.parse import unquote_plus

from gamehall.auth.v1 import tokens_pb2 as pb
from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit import clock
from gamehall_server.kit.call import Call, Event
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.errors import Invalid, Unauthenticated
from gamehall_server.kit.rpc import Prepared
from gamehall_server.modules import users
from gamehall_server.modules.access import Attempts, Client, PasswordHasher, find_client
from gamehall_server.modules.auth.issued import note_location
from gamehall_server.modules.auth.keys import KeyRing
from gamehall_server.modules.auth.sessions import LONGEST_SESSION, Reuse, add_refresh_token, open_session, rotate
from gamehall_server.modules.auth.tables import SessionRow
from gamehall_server.modules.auth.verifier import TokenVerifier

SCOPE, BEARER = "write read", "bearer"
GRANTS = ("client_credentials", "password", "refresh_token")
# Defaults of the published operation.
DEFAULT_GRANT, DEFAULT_CLIENT = "client_credentials", "knetik"


class SessionRevoked(Event, frozen=True):
    """A session was ended because one of its refresh tokens was used twice."""

    id: int
    user_id: int | None


class Proof(NamedTuple):
    """What the first part of a token request found out."""

    client: Client
    grant: str
    user_id: int | None = None
    rehashed: str | None = None


class Tokens:
    """gamehall.auth.v1.TokenService."""

    service = pb.DESCRIPTOR.services_by_name["TokenService"]

    def __init__(self, hasher: PasswordHasher, keys: KeyRing, verifier: TokenVerifier, attempts: Attempts) -> None:
        self._hasher = hasher
        self._keys = keys
        self._verifier = verifier
        self._attempts = attempts
        self.CreateToken = Prepared(self._prove, self._issue)

    async def _prove(self, request: pb.CreateTokenRequest, call: Call) -> Proof:
        client = await self._client(request, call)
        grant = request.grant_type or DEFAULT_GRANT
        if grant not in GRANTS:
            raise _refused("Unknown grant type.", ErrorReason.ERROR_REASON_OAUTH_UNSUPPORTED_GRANT_TYPE, "grant_type")
        if grant not in client.grant_types:
            raise _refused(
                f"The client {client.client_key} may not use {grant}.", ErrorReason.ERROR_REASON_OAUTH_UNAUTHORIZED_CLIENT, "grant_type"
            )
        if grant == "password":
            return await self._prove_password(request, call, client)
        if grant == "refresh_token":
            _needed(request.refresh_token, "refresh_token")
        return Proof(client, grant)

    async def _client(self, request: pb.CreateTokenRequest, call: Call) -> Client:
        key, secret = _basic(call.arrival.authorization) or (request.client_id or DEFAULT_CLIENT, request.client_secret or None)
        client = await find_client(call.db, key)
        if client is None or not client.proves(secret):
            raise Unauthenticated("Unknown client or wrong secret.", reason=ErrorReason.ERROR_REASON_OAUTH_INVALID_CLIENT)
        return client

    async def _prove_password(self, request: pb.CreateTokenRequest, call: Call, client: Client) -> Proof:
        _needed(request.username, "username")
        _needed(request.password, "password")
        name = users.folded(request.username)
        found = await users.credentials_of(call.db, name)
        hashed = found.password_hash if found else None
        right = await self._attempts.judged(name, call.arrival.address, lambda: self._hasher.verify(hashed, request.password))
        if found is None or not right:
            raise _refused("Wrong user name or password.", ErrorReason.ERROR_REASON_OAUTH_INVALID_GRANT)
        rehashed = await self._hasher.hash(request.password) if self._hasher.outdated(found.password_hash or "") else None
        return Proof(client, "password", found.user_id, rehashed)

    async def _issue(self, request: pb.CreateTokenRequest, call: Call, proof: Proof) -> pb.CreateTokenResponse:
        # Tokens keep real time, also where a sandbox has another.
        now: Micros = clock.real_seconds() * SECOND
        idle = proof.client.refresh_seconds * SECOND
        if proof.grant == "refresh_token":
            return await self._refresh(request, call, proof, now, idle)
        lasts = proof.client.access_seconds * SECOND if proof.user_id is None else LONGEST_SESSION
        session = await open_session(call.db, proof.client.client_key, proof.user_id, now, lasts)
        answer = self._answer(session, proof.client)
        if proof.user_id is not None:
            users.signed_in(call.db, proof.user_id, call.now, proof.rehashed)
            await note_location(call, proof.user_id)
            answer.refresh_token = add_refresh_token(call.db, session, now, idle)
        return answer

    async def _refresh(self, request: pb.CreateTokenRequest, call: Call, proof: Proof, now: Micros, idle: Micros) -> pb.CreateTokenResponse:
        outcome = await rotate(call.db, request.refresh_token, proof.client.client_key, now, idle)
        refusal = _refused("The refresh token is wrong, expired or revoked.", ErrorReason.ERROR_REASON_OAUTH_INVALID_GRANT)
        if outcome is None:
            raise refusal
        if isinstance(outcome, Reuse):
            # The session's end is kept; the caller is refused all the same.
            session = outcome.ended
            call.db.after(lambda: self._verifier.forget(session.id))
            call.emit("session_revoked", SessionRevoked(f"session:{session.id}", session.id, session.user_id))
            call.refuse_after_commit(refusal)
            return pb.CreateTokenResponse()
        if outcome.session.user_id is not None:
            await note_location(call, outcome.session.user_id)
        answer = self._answer(outcome.session, proof.client)
        answer.refresh_token = outcome.refresh_token
        return answer

    def _answer(self, session: SessionRow, client: Client) -> pb.CreateTokenResponse:
        token = self._verifier.issue(session, client.access_seconds)
        return pb.CreateTokenResponse(access_token=token, token_type=BEARER, expires_in=client.access_seconds, scope=SCOPE)

    async def GetTokenDetails(self, request: pb.GetTokenDetailsRequest, call: Call) -> pb.GetTokenDetailsResponse:
        caller = call.caller
        assert caller is not None
        return pb.GetTokenDetailsResponse(client_id=caller.client_key, roles=caller.roles, user_id=caller.user_id)

    async def GetKeySet(self, request: pb.GetKeySetRequest, call: Call) -> pb.GetKeySetResponse:
        return pb.GetKeySetResponse(keys=[pb.JSONWebKey(**key) for key in self._keys.published()])


def _refused(message: str, reason: int, field: str | None = None) -> Invalid:
    return Invalid(message, reason=reason, field=field)


def _needed(value: str, field: str) -> None:
    if not value:
        raise _refused(f"{field}: required", ErrorReason.ERROR_REASON_OAUTH_INVALID_REQUEST, field)


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """The client's key and secret of an Authorization header (RFC 6749 section 2.3.1), or None for a header of another kind."""
    if authorization is None or authorization[:6].lower() != "basic ":
        return None
    try:
        text = base64.b64decode(authorization[6:], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _refused("The Authorization header cannot be read.", ErrorReason.ERROR_REASON_OAUTH_INVALID_REQUEST) from None
    key, secret = (unquote_plus(part) for part in text.partition(":")[::2])
    if "\0" in key:
        # PostgreSQL cannot even look for it.
        raise _refused("The Authorization header cannot be read.", ErrorReason.ERROR_REASON_OAUTH_INVALID_REQUEST)
    return key, secret
