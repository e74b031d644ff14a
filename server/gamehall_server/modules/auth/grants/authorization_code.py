"""A code of the login page (RFC 6749 section 4.1.3) and the verifier of its challenge (RFC 7636 section 4.5)."""

import re

from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.clock import SECOND
from gamehall_server.modules.auth.codes import use_code
from gamehall_server.modules.auth.grants.base import Asked, Issued, needed, real_now, refuse_reuse, refused
from gamehall_server.modules.auth.sessions import Reuse, add_refresh_token
from gamehall_server.modules.auth.verifier import TokenVerifier

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class AuthorizationCode:
    """The person signed in on the login page; their application fetches the tokens. There is none without PKCE."""

    first_party = False

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def prove(self, asked: Asked) -> None:
        needed(asked.request.code, "code")
        needed(asked.request.code_verifier, "code_verifier")
        if not _VERIFIER.fullmatch(asked.request.code_verifier):
            told = "code_verifier: 43 to 128 letters, digits, -, ., _ or ~"
            raise refused(told, ErrorReason.ERROR_REASON_OAUTH_INVALID_REQUEST, "code_verifier")

    async def issue(self, asked: Asked, proof: None) -> Issued | None:
        request, client, db, now = asked.request, asked.client, asked.call.db, real_now()
        outcome = await use_code(db, request.code, client.client_key, request.redirect_uri, request.code_verifier, now)
        refusal = refused(
            "The code is wrong, expired or used, or it belongs to another client, redirect URI or code verifier.",
            ErrorReason.ERROR_REASON_OAUTH_INVALID_GRANT,
        )
        if outcome is None:
            raise refusal
        if isinstance(outcome, Reuse):
            refuse_reuse(asked.call, self._verifier, outcome, refusal)
            return None
        token = add_refresh_token(db, outcome, now, client.refresh_seconds * SECOND) if "refresh_token" in client.grant_types else None
        return Issued(outcome, token)
