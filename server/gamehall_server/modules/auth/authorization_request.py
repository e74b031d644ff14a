"""What an application asks for when it sends a person to the login page (RFC 6749 section 4.1.1, RFC 7636 section 4.3)."""

import re
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from gamehall.auth.v1 import authorization_pb2 as pb
from gamehall.common.v1.web_pb2 import WebPage
from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid
from gamehall_server.modules.access import Client, find_client, redirect_matches
from gamehall_server.modules.auth.scopes import granted

GRANT, RESPONSE, METHOD = "authorization_code", "code", "S256"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
AnyRequest = TypeVar("AnyRequest", pb.GetLoginPageRequest, pb.AuthorizeRequest)


class Application(NamedTuple):
    """Who asks, and where the person goes on: both are known to be good."""

    client: Client
    redirect_uri: str
    state: str


class Problem(NamedTuple):
    """What is wrong, as the application is told it (RFC 6749 section 4.1.2.1)."""

    error: str
    description: str


async def application_of(request: AnyRequest, call: Call) -> Application:
    """The application. Raises Invalid where the client or its redirect URI is not known: nobody is ever sent to an address of that kind."""
    client = await find_client(call.db, request.client_id) if request.client_id else None
    if client is None:
        raise _untrusted("client_id", "no known application sent you here" if request.client_id else "required")
    asked = request.redirect_uri
    if not asked and len(client.redirect_uris) == 1:
        asked = client.redirect_uris[0]
    elif not asked:
        raise _untrusted("redirect_uri", "required")
    elif not redirect_matches(client.redirect_uris, asked):
        raise _untrusted("redirect_uri", "not an address that the application is registered with")
    return Application(client, asked, request.state)


def problem_of(request: AnyRequest, client: Client) -> Problem | None:
    """What is wrong with the rest of the request."""
    if not request.response_type:
        return Problem("invalid_request", "response_type: required")
    if request.response_type != RESPONSE:
        return Problem("unsupported_response_type", "response_type: must be code")
    if GRANT not in client.grant_types:
        return Problem("unauthorized_client", f"The client {client.client_key} may not use {GRANT}.")
    if not request.code_challenge:
        return Problem("invalid_request", "code_challenge: required")
    if request.code_challenge_method != METHOD:
        # Left out, it would mean plain, which is not supported (RFC 7636 section 4.4.1).
        return Problem("invalid_request", "code_challenge_method: transform algorithm not supported, it must be S256")
    if not _CHALLENGE.fullmatch(request.code_challenge):
        return Problem("invalid_request", "code_challenge: must be a SHA-256 in base64url, 43 characters")
    try:
        granted(request.scope)
    except Invalid as wrong:
        return Problem("invalid_scope", wrong.message)
    return None


def answer_to(application: Application, issuer: str, **told: str) -> WebPage:
    """The way back to the application with an answer: `iss` tells it who answers (RFC 9207), and its state comes back as it was."""
    answer = {**told, **({"state": application.state} if application.state else {}), "iss": issuer}
    uri = application.redirect_uri
    return WebPage(location=f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}")


def refusal_to(application: Application, issuer: str, problem: Problem) -> WebPage:
    """The way back to the application with what is wrong."""
    return answer_to(application, issuer, error=problem.error, error_description=problem.description)


def _untrusted(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", reason=ErrorReason.ERROR_REASON_OAUTH_INVALID_REQUEST, field=field)
