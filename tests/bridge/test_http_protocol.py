"""HTTP/1.1 itself: framing, limits and connections, over sockets against the whole product."""

import pytest

from tests.bridge.http_wire import SEED, ask, check_headers, check_refusal, chunked, registration, request

MIB = 1024 * 1024


def test_an_absolute_target_is_accepted(url):
    for target in (
        "http://gamehall.example/version",
        "HTTP://gamehall.example:8080/version?a=b",
        f"{url}/version",
        "https://user@a.b/version",
    ):
        assert ask(url, "GET", target).json() == {"version": ask(url, "GET", "/version").json()["version"]}


def test_an_absolute_target_has_a_query(url):
    answer = ask(url, "GET", "http://a.b/comments?context=video&context_id=none&size=x")

    assert list(check_refusal(answer, 400)) == ["size"]


def test_head_has_no_body(connection):
    for _ in range(2):
        connection.send(request("HEAD", "/version"))
        head = connection.answer("HEAD")
        connection.send(request("GET", "/version"))
        got = connection.answer()
        assert (head.status, head.body) == (200, b"")
        assert head.header("content-length") == str(len(got.body))
        assert head.header("content-type") == got.header("content-type")


@pytest.mark.parametrize("target, status", [("/nowhere", 404), ("/comments/1/content", 405), ("/users/me", 401), ("/comments", 400)])
def test_a_refused_head_has_no_body_either(connection, target, status):
    connection.send(request("HEAD", target), request("GET", "/version"))

    assert connection.answer("HEAD").status == status
    assert connection.answer().json().keys() == {"version"}


def test_a_connection_carries_many_requests(connection):
    for number in range(20):
        connection.send(request("POST", "/users", body=registration(f"many{number}")))
        assert list(check_refusal(connection.answer(), 400)) == ["password"]


def test_requests_in_a_row_are_answered_in_their_order(connection):
    paths = ["/version", "/nowhere/1", "/health", "/users/me", "/nowhere/2", "/comments/x"] * 10
    connection.send(*(request("GET", path) for path in paths))

    statuses = [connection.answer().status for _ in paths]

    assert statuses == [200, 404, 200, 401, 404, 400] * 10


def test_requests_with_bodies_may_come_in_a_row_and_in_pieces(connection):
    stream = b"".join(
        request("POST", "/users", body=registration(f"row{n}"))
        + request("POST", "/users", {"Transfer-Encoding": "chunked"}, chunked(registration(f"row{n}"), 7))
        for n in range(5)
    )
    for at in range(0, len(stream), 97):
        connection.send(stream[at : at + 97])

    assert [list(check_refusal(connection.answer(), 400)) for _ in range(10)] == [["password"]] * 10


def test_a_large_body_before_the_next_head_is_no_large_head(connection):
    body = b'{"username": "a", "unknown": "%s"}' % (b"x" * 400_000)
    stream = request("POST", "/users", body=body) + request("GET", "/version")
    half = len(stream) - 20
    connection.send(stream[:half])
    connection.send(stream[half:])

    assert set(check_refusal(connection.answer(), 400)) == {"email", "password"}
    assert connection.answer().status == 200


def test_a_client_that_wants_to_close_is_closed(connection):
    connection.send(request("GET", "/version", {"Connection": "close"}))

    assert connection.answer().header("connection") == "close"
    assert connection.is_closed()


def test_http_1_0_is_answered_and_closed(connection):
    connection.send(b"GET /version HTTP/1.0\r\n\r\n")

    assert connection.answer().status == 200
    assert connection.is_closed()


# What stands on every answer.


@pytest.fixture(scope="module")
def answers(hall):
    """One answer of each status that bad or good input can get."""
    url, person = hall.url, hall.person("headers")
    token = {"Authorization": f"Bearer {person.token}"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    comment = b'{"context": "video", "context_id": "1", "content": "a"}'
    created = ask(url, "POST", "/comments", token, comment)
    return {
        "ok": created,
        "list": ask(url, "GET", "/comments?context=video&context_id=1"),
        "no content": ask(url, "DELETE", f"/comments/{created.json()['id']}", token),
        "options": ask(url, "OPTIONS", "/comments"),
        "preflight": ask(url, "OPTIONS", "/comments", {"Origin": "http://a.b", "Access-Control-Request-Method": "POST"}),
        "head": ask(url, "HEAD", "/version"),
        "oauth": ask(url, "POST", "/oauth/token", form, b"grant_type=none"),
        "oauth 401": ask(url, "POST", "/oauth/token", form, b"client_id=none"),
        "invalid": ask(url, "POST", "/users", {}, b"{}"),
        "malformed": ask(url, "POST", "/users", {}, b"{"),
        "anonymous": ask(url, "GET", "/me"),
        "forged": ask(url, "GET", "/me", {"Authorization": "Bearer x"}),
        "missing": ask(url, "GET", "/comments/1000000"),
        "nowhere": ask(url, "GET", "/nowhere"),
        "wrong method": ask(url, "PATCH", "/users"),
        "too large": ask(url, "POST", "/users", {"Content-Length": "9999999"}),
        "compressed": ask(url, "POST", "/users", {"Content-Encoding": "gzip"}, b"\x1f\x8b"),
        "large head": ask(url, "GET", "/version", {"A": "b" * 17_000}),
        "no request": ask(url, "FOO", "/version"),
    }


def test_every_answer_has_the_headers_of_the_published_example(answers):
    for name, answer in answers.items():
        check_headers(answer)
        assert SEED.items() <= dict(answer.headers).items(), name
        assert (answer.status == 204) == (answer.header("content-type") is None), name
        if answer.status != 204 and name != "head":
            assert answer.header("content-length") == str(len(answer.body)), name
            assert answer.header("content-type") == "application/json;charset=UTF-8", name


def test_the_statuses_are_those_meant(answers):
    assert {name: answer.status for name, answer in answers.items()} == {
        "ok": 200,
        "list": 200,
        "no content": 204,
        "options": 204,
        "preflight": 204,
        "head": 200,
        "oauth": 400,
        "oauth 401": 401,
        "invalid": 400,
        "malformed": 400,
        "anonymous": 401,
        "forged": 401,
        "missing": 404,
        "nowhere": 404,
        "wrong method": 405,
        "too large": 413,
        "compressed": 415,
        "large head": 431,
        "no request": 400,
    }


def test_every_request_has_a_number_of_its_own(url, answers):
    numbers = [answer.header("x-request-id") for answer in answers.values()]
    numbers += [ask(url, "GET", "/version").header("x-request-id") for _ in range(20)]

    assert len(set(numbers)) == len(numbers)


def test_a_request_id_of_the_client_is_not_taken_over(url):
    answer = ask(url, "GET", "/nowhere", {"X-Request-Id": "mine"})

    assert check_refusal(answer, 404)
    assert answer.header("x-request-id") != "mine"


@pytest.mark.parametrize(
    "target", ["/nowhere%0d%0aSet-Cookie:%20a=b", "/users/%0d%0aA:b", "/comments?context=%0d%0aA:b", "/nowhere%00", "/comments/%0aX:y"]
)
def test_line_breaks_of_a_client_make_no_headers(url, target):
    answer = ask(url, "GET", target)

    assert answer.status in (400, 401, 404)
    check_refusal(answer, answer.status)
    assert {name.lower() for name, _ in answer.headers} <= {
        *SEED, "date", "vary", "connection", "content-type", "content-length", "x-request-id", "www-authenticate",
    }  # fmt: skip


def test_the_product_is_well_after_all_that(url):
    assert ask(url, "GET", "/health").json() == {"status": "UP", "database": {"status": "UP"}}
