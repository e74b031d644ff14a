"""What a refusal looks like over HTTP: the published shape, and RFC 6749 at the token endpoint."""

from typing import Any

import pytest
from gamehall.auth.v1 import tokens_pb2
from gamehall.comments.v1 import comments_pb2
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall_bridge.app import Bridge
from gamehall_server.kit import errors
from gamehall_server.kit.errors import Violation
from gamehall_server.kit.invoke import Rpc

from tests.bridge.http_contract import Echo, call

FORM = [(b"content-type", b"application/x-www-form-urlencoded")]
PUBLISHED = {
    "pragma": "no-cache",
    "x-content-type-options": "nosniff",
    "content-type": "application/json;charset=UTF-8",
    "cache-control": "no-cache, no-store, max-age=0, must-revalidate",
    "x-xss-protection": "1; mode=block",
    "x-application-context": "KnetikCloud:remote",
    "expires": "0",
}


async def unwritten(request: Any, call: Any) -> Any:
    raise NotImplementedError


@pytest.fixture
def echo() -> Echo:
    services = (comments_pb2.DESCRIPTOR.services_by_name["CommentService"], tokens_pb2.DESCRIPTOR.services_by_name["TokenService"])
    return Echo(Rpc(method, unwritten) for service in services for method in service.methods)


@pytest.fixture
def bridge(echo: Echo) -> Bridge:
    return Bridge(echo)


STATUSES = [
    (errors.Invalid(), 400),
    (errors.Malformed(), 400),
    (errors.Duplicate(field="comment.content"), 400),
    (errors.Unauthenticated(), 401),
    (errors.Forbidden(), 403),
    (errors.NotFound(), 404),
    (errors.Conflict(), 409),
    (errors.KeyReused(), 422),
    (errors.Exhausted(), 429),
    (errors.Internal(), 500),
    (errors.Unavailable(), 503),
    (errors.TimedOut(), 504),
]


@pytest.mark.parametrize("fault, status", STATUSES, ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "")
def test_every_fault_has_a_status_and_the_published_shape(echo, bridge, fault, status):
    echo.answer = fault

    answer = call(bridge, "POST", "/comments", body=b"{}")

    told = answer.json()
    assert answer.status == status
    assert told["code"] == fault.reason
    assert told["request_id"] == answer.header("x-request-id")
    assert [entry.keys() for entry in told["result"]] == [{"field", "message", "details"}]
    assert {name: answer.header(name) for name in PUBLISHED} == PUBLISHED
    assert answer.header("content-length") == str(len(answer.body))


def test_a_bug_is_told_without_its_text(echo, bridge, caplog):
    echo.answer = KeyError("a secret")

    answer = call(bridge, "GET", "/comments/1")

    assert (answer.status, answer.json()["code"]) == (500, 50)
    assert b"secret" not in answer.body
    assert answer.json()["request_id"] in caplog.text


def test_a_wait_is_told_in_whole_seconds(echo, bridge):
    echo.answer = errors.Unavailable(retry_after=0.2)

    assert call(bridge, "GET", "/comments/1").header("retry-after") == "1"


def test_a_missing_token_and_a_wrong_one_are_challenged(echo, bridge):
    echo.answer = errors.Unauthenticated()
    missing = call(bridge, "GET", "/comments/1")
    echo.answer = errors.Unauthenticated('The "token" is über.\n', reason=ErrorReason.ERROR_REASON_TOKEN_INVALID)
    wrong = call(bridge, "GET", "/comments/1")

    assert missing.header("www-authenticate") == "Bearer"
    assert wrong.header("www-authenticate") == """Bearer error="invalid_token", error_description="The 'token' is 'ber.'\""""
    assert wrong.json()["error"] == "invalid_token"
    assert {"code", "request_id", "result", "error", "error_description"} == wrong.json().keys()


def test_a_missing_body_is_read_as_an_empty_one_where_it_is_required(echo, bridge):
    assert call(bridge, "POST", "/comments").status == 200
    assert echo.asked[0][1].HasField("comment")


def test_what_only_the_server_writes_is_ignored(echo, bridge):
    assert call(bridge, "POST", "/comments", body=b'{"id": "x", "summary": 5, "content": "a", "context_id": 37}').status == 200
    assert echo.asked[0][1] == comments_pb2.CreateCommentRequest(comment={"content": "a", "context_id": "37"})


def test_a_repeated_answer_says_so(echo, bridge):
    async def replayed(rpc: Any, request: Any, arrival: Any) -> Any:
        arrival.replayed = True
        return rpc.response()

    echo.invoke = replayed

    assert call(bridge, "DELETE", "/comments/1").header("idempotent-replayed") == "true"
    assert call(Bridge(Echo(echo.rpcs.values())), "DELETE", "/comments/1").header("idempotent-replayed") is None


def test_an_arrival_holds_what_the_door_knows(echo, bridge):
    answer = call(bridge, "DELETE", "/comments/1", headers=[(b"authorization", b"Bearer a"), (b"idempotency-key", b"k")])

    arrival = echo.asked[0][2]
    assert (answer.status, answer.body, answer.header("content-length")) == (204, b"", None)
    assert (arrival.authorization, arrival.idempotency_key, arrival.address, arrival.door) == ("Bearer a", "k", "127.0.0.1", "http")
    assert arrival.request_id == answer.header("x-request-id")


WORDS = [
    (errors.Invalid("a", reason=ErrorReason.ERROR_REASON_OAUTH_INVALID_GRANT), 400, "invalid_grant"),
    (errors.Invalid("a", reason=ErrorReason.ERROR_REASON_OAUTH_INVALID_REQUEST), 400, "invalid_request"),
    (errors.Invalid("a", reason=ErrorReason.ERROR_REASON_OAUTH_UNAUTHORIZED_CLIENT), 400, "unauthorized_client"),
    (errors.Invalid("a", reason=ErrorReason.ERROR_REASON_OAUTH_UNSUPPORTED_GRANT_TYPE), 400, "unsupported_grant_type"),
    (errors.Unauthenticated("a", reason=ErrorReason.ERROR_REASON_OAUTH_INVALID_CLIENT), 401, "invalid_client"),
    (errors.Invalid(violations=(Violation("username", "required"),)), 400, "invalid_request"),
    (errors.Exhausted("a", retry_after=2), 429, "temporarily_unavailable"),
    (errors.Unavailable("a"), 503, "temporarily_unavailable"),
    (errors.TimedOut("a"), 504, "temporarily_unavailable"),
    (errors.Internal("a"), 500, "server_error"),
]


@pytest.mark.parametrize("fault, status, word", WORDS)
def test_the_token_endpoint_speaks_rfc_6749(echo, bridge, fault, status, word):
    echo.answer = fault

    answer = call(bridge, "POST", "/oauth/token", body=b"grant_type=password", headers=FORM)

    assert (answer.status, answer.json()) == (status, {"error": word, "error_description": fault.message})
    assert "no-store" in (answer.header("cache-control") or "")
    assert answer.header("www-authenticate") is None


def test_a_client_that_named_itself_in_a_header_is_challenged(echo, bridge):
    echo.answer = WORDS[4][0]

    answer = call(bridge, "POST", "/oauth/token", headers=[(b"authorization", b"Basic YTpi")])

    assert (answer.status, answer.header("www-authenticate")) == (401, 'Basic realm="gamehall"')


def test_form_and_query_are_one(echo, bridge):
    query, body = b"grant_type=password&client_id=web", b"username=j%C3%BCrgen+a&password=&unknown=1"

    assert call(bridge, "POST", "/oauth/token", query=query, body=body, headers=FORM).status == 200
    # A parameter without a value is as if it were not there (RFC 6749 section 3.2).
    assert echo.asked[0][1] == tokens_pb2.CreateTokenRequest(grant_type="password", client_id="web", username="jürgen a")


@pytest.mark.parametrize(
    "query, body, kind",
    [
        (b"grant_type=password", b"grant_type=password", FORM),
        (b"", b"username=a&username=b", FORM),
        (b"", b"username=&username=b", FORM),
        (b"", b"username=%FF", FORM),
        (b"", b'{"grant_type": "password"}', [(b"content-type", b"application/json")]),
    ],
)
def test_a_form_that_repeats_itself_or_is_none_is_refused(echo, bridge, query, body, kind):
    answer = call(bridge, "POST", "/oauth/token", query=query, body=body, headers=kind)

    assert (answer.status, answer.json().keys(), answer.json()["error"]) == (400, {"error", "error_description"}, "invalid_request")
    assert echo.asked == []
