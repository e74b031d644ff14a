"""A server without room, over real connections: a call is refused from its head alone, in the published shape, and who does not wait is not
heard."""

import time
from collections.abc import Iterator

import pytest
from gamehall_bridge import protocol
from worlds import World, settings_for, sqlite_url

from tests.bridge.http_wire import ask, check_headers, request, wire


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    world = World(settings_for(sqlite_url(tmp_path_factory.mktemp("full")), "native", most_in_flight=0))
    yield world.url
    world.close()


def check_refusal(answer):
    check_headers(answer)
    told = answer.json()
    assert (answer.status, answer.header("retry-after"), told["result"][0]["field"]) == (429, "1", None)
    assert told["request_id"] == answer.header("x-request-id")


def test_a_call_is_refused_before_its_body_comes(url):
    with wire(url) as connection:
        connection.send(request("POST", "/comments", {"Content-Length": "20", "Content-Type": "application/json"}))
        check_refusal(connection.answer())


def test_a_body_that_comes_after_the_refusal_is_no_request(url):
    with wire(url) as connection:
        connection.send(request("POST", "/comments", {"Content-Length": "20"}))
        connection.answer()
        connection.send(b"GET /nowhere HTTP/1.1"[:20], request("GET", "/comments"))
        check_refusal(connection.answer())


def test_a_body_that_never_comes_holds_no_connection(url, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    with wire(url) as connection:
        connection.send(request("POST", "/comments", {"Content-Length": "20"}))
        check_refusal(connection.answer())
        assert connection.is_closed()


def test_a_caller_who_does_not_wait_is_heard_after_the_second_it_was_told(url):
    with wire(url) as connection:
        connection.send(request("GET", "/comments"))
        connection.answer()
        refused = time.monotonic()
        head = request("GET", "/comments")
        connection.send(head[:20])
        connection.send(head[20:])
        check_refusal(connection.answer())
        assert time.monotonic() - refused > 0.9


@pytest.mark.parametrize("verb", ["GET", "HEAD"])
def test_the_refusal_of_a_head_has_no_body(url, verb):
    with wire(url) as connection:
        connection.send(request(verb, "/comments"))
        told = connection.answer(verb)
    assert (told.status, bool(told.body)) == (429, verb == "GET")


def test_what_is_no_call_is_answered_as_ever(url):
    assert ask(url, "GET", "/nowhere").status == 404
    assert ask(url, "OPTIONS", "/comments").status == 204
    assert ask(url, "DELETE", "/comments").status == 405
    assert ask(url, "GET", "/health/live").status == 200


def test_the_token_endpoint_refuses_in_the_form_of_oauth(url):
    told = ask(url, "POST", "/oauth/token", {"Content-Type": "application/x-www-form-urlencoded"}, b"grant_type=password&client_id=a")
    assert (told.status, told.header("retry-after"), told.json()["error"]) == (429, "1", "temporarily_unavailable")


def test_the_refusal_of_an_rpc_has_the_form_of_connect(url):
    told = ask(
        url,
        "POST",
        "/gamehall.platform.v1.PlatformService/GetVersion",
        {"Content-Type": "application/json", "Connect-Protocol-Version": "1"},
        b"{}",
    )
    assert (told.status, told.header("retry-after"), told.json()["code"]) == (429, "1", "resource_exhausted")


def test_who_asks_before_sending_a_body_is_told_to_send_it_and_then_refused(url):
    """RFC 9110 section 10.1.1: after a final status it may leave the body out."""
    with wire(url) as connection:
        connection.send(request("POST", "/comments", {"Content-Length": "2", "Expect": "100-continue", "Content-Type": "application/json"}))
        first = connection.line()
        connection.line()
        connection.send(b"{}")
        assert first.startswith(b"HTTP/1.1 100")
        check_refusal(connection.answer())
