"""The login page, the end of tokens, what is known of them, and what this authorization server supports."""

from typing import NamedTuple

from gamehall.auth.v1 import authorization_pb2 as pb
from gamehall.common.v1.web_pb2 import WebPage
from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid, NotFound, Unauthenticated
from gamehall_server.kit.rpc import Prepared
from gamehall_server.modules.access import Client
from gamehall_server.modules.auth.about_tokens import held, known_of_access_token, known_of_refresh_token
from gamehall_server.modules.auth.authorization_request import (
    GRANT,
    METHOD,
    RESPONSE,
    Application,
    Problem,
    answer_to,
    application_of,
    problem_of,
    refusal_to,
)
from gamehall_server.modules.auth.client_proof import proven_client
from gamehall_server.modules.auth.codes import LASTS, give_code
from gamehall_server.modules.auth.grants import GRANTS, Tools
from gamehall_server.modules.auth.grants.base import needed, real_now, refused
from gamehall_server.modules.auth.login_page import ALLOW, DENY, code_page, login_page
from gamehall_server.modules.auth.passwords import Known, known_by_password, note_sign_in
from gamehall_server.modules.auth.scopes import FULL, WORDS, granted
from gamehall_server.modules.auth.servicer import DEFAULT_CLIENT
from gamehall_server.modules.auth.sessions import end_session, open_session
from gamehall_server.modules.auth.tickets import Tickets
from gamehall_server.modules.second_factor import Proof

CONFIDENTIAL, PUBLIC = ("client_secret_basic", "client_secret_post"), ("none",)
DENIED = Problem("access_denied", "The person did not allow it.")


class SignIn(NamedTuple):
    """A form of the login page that was right."""

    application: Application
    known: Known
    code: Proof | None


class Authorization:
    """gamehall.auth.v1.AuthorizationService."""

    service = pb.DESCRIPTOR.services_by_name["AuthorizationService"]

    def __init__(self, tools: Tools, tickets: Tickets) -> None:
        self._tickets = tickets
        self._factors = tools.factors
        self._hasher = tools.hasher
        self._attempts = tools.attempts
        self._verifier = tools.verifier
        self._issuer = tools.verifier.issuer
        self.Authorize = Prepared(self._prove, self._issue)
        self.RevokeToken = Prepared(self._client, self._revoke)
        self.IntrospectToken = Prepared(self._client, self._introspect)

    async def GetLoginPage(self, request: pb.GetLoginPageRequest, call: Call) -> pb.GetLoginPageResponse:
        application = await application_of(request, call)
        problem = problem_of(request, application.client)
        if problem is not None:
            return pb.GetLoginPageResponse(page=refusal_to(application, self._issuer, problem))
        return pb.GetLoginPageResponse(page=login_page(request, application))

    async def _prove(self, request: pb.AuthorizeRequest, call: Call) -> SignIn | WebPage:
        application = await application_of(request, call)
        problem = DENIED if request.decision == DENY else problem_of(request, application.client)
        if problem is not None:
            return refusal_to(application, self._issuer, problem)
        known = await self._known(request, application, call)
        if isinstance(known, WebPage):
            return known
        try:
            return SignIn(application, known, await self._factors.at_sign_in(call, known.user_id, request.otp))
        except Invalid as wrong:
            ticket = request.ticket or self._tickets.give(application.client.client_key, known, real_now())
            return code_page(
                request, application, ticket, ("Fill in the code." if not request.otp else wrong.message) if request.ticket else ""
            )

    async def _known(self, request: pb.AuthorizeRequest, application: Application, call: Call) -> Known | WebPage:
        """Who the form is about: by a ticket in the second step, by name and password in the first; or the page again."""
        if request.ticket and request.decision == ALLOW:
            known = await self._tickets.read(call.db, application.client.client_key, request.ticket, real_now())
            return known or login_page(request, application, "That took too long: sign in again.")
        if not request.username or not request.password or request.decision != ALLOW:
            return login_page(request, application, "Fill in your user name and your password.", request.username)
        try:
            return await known_by_password(self._hasher, self._attempts, call, request.username, request.password)
        except Invalid as wrong:
            return login_page(request, application, wrong.message, request.username)

    async def _issue(self, request: pb.AuthorizeRequest, call: Call, proven: SignIn | WebPage) -> pb.AuthorizeResponse:
        if isinstance(proven, WebPage):
            return pb.AuthorizeResponse(page=proven)
        (application, known, proof), now, scope = proven, real_now(), granted(request.scope)
        key = application.client.client_key
        session = await open_session(call.db, key, known.user_id, now, LASTS, GRANT, None if scope == FULL else scope)
        await note_sign_in(call, known)
        await self._factors.use(call.db, known.user_id, proof)
        code = give_code(call.db, session, request.redirect_uri, request.code_challenge, now)
        return pb.AuthorizeResponse(page=answer_to(application, self._issuer, code=code))

    async def _client(self, request: pb.RevokeTokenRequest | pb.IntrospectTokenRequest, call: Call) -> Client:
        default = DEFAULT_CLIENT if isinstance(request, pb.RevokeTokenRequest) else ""
        return await proven_client(self._attempts, call, request.client_id, request.client_secret, default)

    async def _revoke(self, request: pb.RevokeTokenRequest, call: Call, client: Client) -> pb.RevokeTokenResponse:
        needed(request.token, "token")
        found = await held(call.db, self._verifier, request.token)
        if found is None:
            return pb.RevokeTokenResponse()
        if found.client_key != client.client_key:
            raise refused("The token was given to another client.", ErrorReason.ERROR_REASON_OAUTH_INVALID_GRANT)
        end_session(call.db, found.session_id, real_now())
        call.db.after(lambda: self._verifier.forget(found.session_id))
        return pb.RevokeTokenResponse()

    async def _introspect(self, request: pb.IntrospectTokenRequest, call: Call, client: Client) -> pb.IntrospectTokenResponse:
        if client.is_public:
            raise Unauthenticated("Only a client with a secret may ask.", reason=ErrorReason.ERROR_REASON_OAUTH_INVALID_CLIENT)
        needed(request.token, "token")
        known = await known_of_refresh_token(call.db, self._issuer, request.token, client.client_key)
        if known is None:
            known = await known_of_access_token(call.db, self._verifier, request.token)
        return pb.IntrospectTokenResponse(active=known is not None, **(known or {}))

    async def GetAuthorizationServer(self, request: pb.GetAuthorizationServerRequest, call: Call) -> pb.GetAuthorizationServerResponse:
        if "://" not in self._issuer:
            raise NotFound(
                "This deployment has no address of its own yet: its operator sets GAMEHALL_ISSUER to one, such as https://game.example."
            )
        base = self._issuer.rstrip("/")
        return pb.GetAuthorizationServerResponse(
            issuer=self._issuer,
            authorization_endpoint=f"{base}/oauth/authorize",
            token_endpoint=f"{base}/oauth/token",
            jwks_uri=f"{base}/.well-known/jwks.json",
            revocation_endpoint=f"{base}/oauth/revoke",
            introspection_endpoint=f"{base}/oauth/introspect",
            scopes_supported=sorted(WORDS),
            response_types_supported=[RESPONSE],
            response_modes_supported=["query"],
            grant_types_supported=sorted(GRANTS),
            token_endpoint_auth_methods_supported=[*CONFIDENTIAL, *PUBLIC],
            revocation_endpoint_auth_methods_supported=[*CONFIDENTIAL, *PUBLIC],
            introspection_endpoint_auth_methods_supported=CONFIDENTIAL,
            code_challenge_methods_supported=[METHOD],
            authorization_response_iss_parameter_supported=True,
        )
