"""A Fault as the published API tells it, or as RFC 6749 does at the OAuth endpoint."""

import math
from typing import Any

import orjson
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall_server.kit.errors import Conflict, Exhausted, Fault, Internal, TimedOut, Unauthenticated, Unavailable
from grpc import StatusCode

from gamehall_bridge.binding import Binding

# The published operations know 400, 401, 403 and 404; a duplicate is therefore a 400. The rest is ours.
HTTP_STATUS = {
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.ALREADY_EXISTS: 400,
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ABORTED: 409,
    StatusCode.FAILED_PRECONDITION: 422,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.INTERNAL: 500,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DEADLINE_EXCEEDED: 504,
}
# What a password grant is refused for that has a reason of its own.
SECOND_FACTOR = (ErrorReason.ERROR_REASON_SECOND_FACTOR_REQUIRED, ErrorReason.ERROR_REASON_SECOND_FACTOR_WRONG)
OAUTH_PREFIX = "ERROR_REASON_OAUTH_"
# Nobody reads more, and an answer must not be many times its request.
MOST_VIOLATIONS = 100
Headers = list[tuple[bytes, bytes]]


class Refused(Exception):
    """A refusal that the HTTP layer itself makes, with the status it wants."""

    def __init__(self, fault: Fault, status: int, headers: Headers | None = None) -> None:
        self.fault = fault
        self.status = status
        self.headers = headers or []
        super().__init__(fault.message)


def refusal(
    fault: Fault, request_id: str, binding: Binding | None, basic: bool, status: int | None = None, sent: bytes = b""
) -> tuple[int, bytes, Headers]:
    """Status, JSON body and further headers of a refusal. `basic`: the client named itself in the Authorization header;
    `sent`: the body it sent."""
    headers: Headers = []
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(math.ceil(fault.retry_after)).encode()))
    if binding is not None and binding.oauth:
        code, body = _oauth(fault)
        if fault.reason in SECOND_FACTOR:
            # Old clients show the description; new ones know by the published code what to ask for.
            body |= _published(fault, request_id, binding, sent)
        if code == 401 and basic:
            headers.append((b"www-authenticate", b'Basic realm="gamehall"'))
        return status or code, orjson.dumps(body), headers
    body = _published(fault, request_id, binding, sent)
    if fault.reason == ErrorReason.ERROR_REASON_INSUFFICIENT_SCOPE:
        headers.append((b"www-authenticate", f'Bearer error="insufficient_scope", error_description="{_plain(fault.message)}"'.encode()))
    if isinstance(fault, Unauthenticated):
        missing = fault.reason == ErrorReason.ERROR_REASON_TOKEN_MISSING
        # RFC 6750 section 3.1: no error code where no token was sent.
        challenge = "Bearer" if missing else f'Bearer error="invalid_token", error_description="{_plain(fault.message)}"'
        headers.append((b"www-authenticate", challenge.encode()))
        # Older clients look for the OAuth form here.
        body |= {"error": "unauthorized" if missing else "invalid_token", "error_description": fault.message}
    return status or HTTP_STATUS[fault.status], orjson.dumps(body), headers


def _published(fault: Fault, request_id: str, binding: Binding | None, sent: bytes) -> dict[str, Any]:
    results = [
        {"field": binding.as_written(violation.field, sent) if binding else violation.field, "message": violation.message, "details": None}
        for violation in fault.violations[:MOST_VIOLATIONS]
    ]
    return {
        "code": fault.reason,
        "request_id": request_id,
        "result": results or [{"field": None, "message": fault.message, "details": None}],
    }


def _plain(message: str) -> str:
    """What RFC 6749 and RFC 6750 let an error_description hold: printable ASCII without quote and backslash."""
    return "".join(letter if " " <= letter <= "~" and letter not in '"\\' else "'" for letter in message)


def _oauth(fault: Fault) -> tuple[int, dict[str, Any]]:
    """RFC 6749 section 5.2."""
    status, word = _oauth_word(fault)
    return status, {"error": word, "error_description": _plain(fault.message)}


def _oauth_word(fault: Fault) -> tuple[int, str]:
    if fault.reason in SECOND_FACTOR:
        return 400, "invalid_grant"
    reason = ErrorReason.Name(ErrorReason.ValueType(fault.reason))
    if reason.startswith(OAUTH_PREFIX):
        word = reason.removeprefix(OAUTH_PREFIX).lower()
        return 401 if word == "invalid_client" else 400, word
    if isinstance(fault, Internal):
        return 500, "server_error"
    if isinstance(fault, Unavailable | Exhausted | TimedOut | Conflict):
        return HTTP_STATUS[fault.status], "temporarily_unavailable"
    return 400, "invalid_request"
