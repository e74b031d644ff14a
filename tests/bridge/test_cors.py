"""Which pages of browsers may read an answer: those of listed origins, and never one to a call that proves a server."""

from typing import Any

import pytest
from gamehall.auth.v1 import tokens_pb2
from gamehall_bridge.app import Bridge
from gamehall_bridge.server_secrets import carrier

from tests.bridge.http_contract import Echo, call, type_of
from tests.bridge.test_refusals import FORM, echo

__all__ = ["echo"]
PAGE = b"https://game.example"
OTHER = b"https://game.example.evil"
ASKS = (b"access-control-request-method", b"POST")


def allowed(bridge: Bridge, verb: str, path: str, *headers: tuple[bytes, bytes], origin: bytes = PAGE, **options: Any) -> str | None:
    return call(bridge, verb, path, headers=[(b"origin", origin), *headers], **options).header("access-control-allow-origin")


@pytest.fixture
def bridge(echo: Echo) -> Bridge:
    return Bridge(echo, origins=(PAGE.decode(), "https://admin.example"))


def test_a_listed_origin_may_read_answers_and_refusals(bridge):
    for verb, path in (("GET", "/comments/1"), ("GET", "/comments/x"), ("GET", "/nowhere"), ("PATCH", "/comments")):
        answer = call(bridge, verb, path, headers=[(b"origin", PAGE)])

        assert answer.header("access-control-allow-origin") == PAGE.decode()
        assert "x-request-id" in (answer.header("access-control-expose-headers") or "")
        assert answer.header("access-control-allow-credentials") is None
        assert answer.header("vary") == "origin"


@pytest.mark.parametrize("origin", [OTHER, b"null", b"https://GAME.example", b"http://game.example", b"", b"*", b"https://game.example, x"])
def test_another_origin_is_never_reflected(bridge, origin):
    for verb, headers in (("GET", ()), ("OPTIONS", (ASKS,))):
        answer = call(bridge, verb, "/comments/1", headers=[(b"origin", origin), *headers])

        assert answer.header("access-control-allow-origin") is None
        assert answer.header("access-control-allow-methods") is None
        assert answer.header("vary") == "origin"


def test_without_a_setting_no_page_reads_anything(echo):
    assert allowed(Bridge(echo), "GET", "/comments/1") is None
    assert allowed(Bridge(echo), "OPTIONS", "/comments/1", ASKS) is None


def test_every_origin_when_told_so(echo):
    bridge = Bridge(echo, origins=("*",))

    assert allowed(bridge, "GET", "/comments/1", origin=OTHER) == "*"
    assert call(bridge, "GET", "/comments/1").header("access-control-allow-origin") is None


def test_a_preflight_names_the_methods_of_its_path(bridge, echo):
    answer = call(bridge, "OPTIONS", "/comments", headers=[(b"origin", PAGE), ASKS])

    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("access-control-allow-methods") == "GET, HEAD, OPTIONS, POST"
    assert (answer.header("access-control-allow-headers") or "").split(", ")[:3] == ["authorization", "content-type", "idempotency-key"]
    assert answer.header("access-control-max-age") == "600"
    assert echo.asked == []


def test_options_without_a_preflight_only_tells_the_methods(bridge):
    answer = call(bridge, "OPTIONS", "/comments/1")

    assert (answer.status, answer.header("allow")) == (204, "DELETE, GET, HEAD, OPTIONS")
    assert answer.header("access-control-allow-origin") is None
    assert call(bridge, "OPTIONS", "/nowhere").status == 404


def test_users_sign_in_from_pages(bridge):
    for body in (
        b"grant_type=password&client_id=web&username=a&password=b",
        b"grant_type=refresh_token&refresh_token=c",
        b"client_secret=",
    ):
        assert allowed(bridge, "POST", "/oauth/token", *FORM, body=body) == PAGE.decode()


def test_no_page_reads_what_a_server_s_secret_opens(bridge, echo):
    secret = b"grant_type=client_credentials&client_id=a&client_secret=s"

    assert allowed(bridge, "POST", "/oauth/token", *FORM, body=secret) is None
    assert allowed(bridge, "POST", "/oauth/token", *FORM, query=secret) is None
    assert allowed(bridge, "POST", "/oauth/token", (b"authorization", b"Basic YTpi")) is None
    # Also when the request cannot be read: nobody knows yet what it carries.
    assert allowed(bridge, "POST", "/oauth/token", *FORM, body=secret + b"&client_id=a") is None
    assert call(bridge, "POST", "/oauth/token", body=secret, headers=[(b"origin", PAGE), *FORM]).header("vary") == "origin"


def test_secrets_are_found_wherever_they_stand():
    carries = carrier(tokens_pb2.CreateTokenRequest.DESCRIPTOR)

    assert carries is not None
    assert carries(tokens_pb2.CreateTokenRequest(client_secret="a"))
    assert not carries(tokens_pb2.CreateTokenRequest(password="a", refresh_token="b"))
    assert carrier(type_of("Tree").DESCRIPTOR) is None
