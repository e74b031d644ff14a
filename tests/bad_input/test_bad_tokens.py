"""Bad token requests: refused as RFC 6749 says, and nothing changed."""

import base64

import pytest

from tests.bad_input.attacks import (
    FORM,
)
from tests.bridge.http_wire import check_oauth_refusal

TOKEN_CASES = {
    "no grant at all": (b"", "", 400, "unauthorized_client"),
    "an unknown grant": (b"grant_type=magic&client_id=web", "", 400, "unsupported_grant_type"),
    "an unknown client": (b"grant_type=password&client_id=nobody&username=a&password=b", "", 401, "invalid_client"),
    "no user name": (b"grant_type=password&client_id=web&password=b", "", 400, "invalid_request"),
    "no password": (b"grant_type=password&client_id=web&username=a", "", 400, "invalid_request"),
    "a wrong password": (b"grant_type=password&client_id=web&username=admin&password=wrong", "", 400, "invalid_grant"),
    "nobody's password": (b"grant_type=password&client_id=web&username=nobody&password=wrong", "", 400, "invalid_grant"),
    "an odd name": ("grant_type=password&client_id=web&username=\ufdfa\U0001f3b2\u0130&password=wrong".encode(), "", 400, "invalid_grant"),
    "no refresh token": (b"grant_type=refresh_token&client_id=web", "", 400, "invalid_request"),
    "no such refresh token": (b"grant_type=refresh_token&client_id=web&refresh_token=a", "", 400, "invalid_grant"),
    "an odd refresh token": ("grant_type=refresh_token&client_id=web&refresh_token=ä%0a".encode(), "", 400, "invalid_grant"),
    "a client that may not": (b"grant_type=client_credentials&client_id=web", "", 400, "unauthorized_client"),
    "a secret of nobody": (b"grant_type=client_credentials&client_id=nobody&client_secret=a", "", 401, "invalid_client"),
    "a grant twice": (b"grant_type=password&grant_type=refresh_token&client_id=web", "", 400, "invalid_request"),
    "a grant in query and form": (b"grant_type=password", "?grant_type=password", 400, "invalid_request"),
    "200 parameters too many": (b"&".join([b"a=b"] * 400), "", 400, "invalid_request"),
    "invalid UTF-8": (b"username=%ff", "", 400, "invalid_request"),
    "invalid UTF-8 in the query": (b"", "?username=%ff", 400, "invalid_request"),
    "JSON in a form": (b'{"grant_type": "password"}', "", 400, "unauthorized_client"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOKEN_CASES)
def test_a_bad_token_request_is_refused_as_rfc_6749_says(caller, unchanged, name):
    body, query, status, error = TOKEN_CASES[name]

    check_oauth_refusal(caller.ask("POST", f"/oauth/token{query}", body, **FORM), status, error)


@pytest.mark.parametrize(
    "credentials",
    [
        b"a\0b:c",
        b"a%00b:c",
        b"%00:%00",
        b":",
        b"",
        b"a",
        b"a" * 9000 + b":b",
        b"\xff:\xfe",
        b"%ff:%fe",
        b"%ed%a0%80:a",
        b"a:b:c",
        "ä:ö".encode(),
    ],
    ids=repr,
)
def test_a_client_that_names_itself_badly_is_refused(caller, unchanged, credentials):
    header = "Basic " + base64.b64encode(credentials).decode()

    answer = caller.ask("POST", "/oauth/token", b"grant_type=client_credentials", **FORM, Authorization=header)

    assert answer.status in (400, 401)
    check_oauth_refusal(answer, answer.status, "invalid_client" if answer.status == 401 else "invalid_request")


@pytest.mark.parametrize("header", ["Basic !!!!", "Basic a", "Basic ", "Basic YQ==YQ==", "basic Og==", "Basic \xff", "BASIC %%%"])
def test_a_client_header_that_is_none_is_refused(caller, unchanged, header):
    answer = caller.ask("POST", "/oauth/token", b"grant_type=client_credentials", **FORM, Authorization=header)

    assert answer.status in (400, 401)
    check_oauth_refusal(answer, answer.status, "invalid_client" if answer.status == 401 else "invalid_request")
