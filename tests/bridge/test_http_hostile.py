"""Slow, long and broken requests, over sockets against the whole product."""

import contextlib
import time

import pytest

from tests.bridge.http_wire import ask, check_oauth_refusal, check_refusal, chunked, registration, request, wire

MIB = 1024 * 1024


def test_a_slow_head_is_closed(url, short_patience):
    with wire(url) as slow:
        slow.send(b"GET /version HTTP/1.1\r\nHost:")
        assert slow.is_closed()


def test_a_connection_that_says_nothing_is_closed(url, short_patience):
    with wire(url) as silent:
        assert silent.is_closed()


def test_a_head_that_comes_byte_by_byte_is_closed(url, short_patience):
    with wire(url) as slow:
        head = b"GET /version HTTP/1.1\r\nA: " + b"b" * 5000
        assert slow.send_until_closed((bytes([byte]) for byte in head), pause=0.02)


def test_line_breaks_between_requests_do_not_keep_a_connection(url, short_patience):
    with wire(url) as idle:
        idle.send(request("GET", "/version"))
        assert idle.answer().status == 200
        idle.send(b"\r\n\r\n")
        assert idle.is_closed()


def test_line_breaks_before_a_request_are_passed_over(connection):
    connection.send(b"\r\n\r\n", request("GET", "/version"), b"\r\n", request("GET", "/version"))

    assert [connection.answer().status for _ in range(2)] == [200, 200]


def test_requests_sent_without_waiting_are_answered_in_turn(connection):
    connection.send(request("GET", "/version") * 50)

    assert [connection.answer().status for _ in range(50)] == [200] * 50


def test_a_connection_that_sends_thousands_without_waiting_is_closed(url):
    with wire(url) as greedy:
        answered = 0
        with contextlib.suppress(ConnectionError):
            greedy.send(request("GET", "/version") * 5000)
            while greedy.answer().status == 200:
                answered += 1

        assert answered < 5000


def test_a_second_head_that_is_slow_is_closed_after_the_first_answer(url, short_patience):
    with wire(url) as slow:
        slow.send(request("GET", "/version"), b"GET /ver")
        assert slow.answer().status == 200
        assert slow.is_closed()


def test_a_slow_body_is_given_up_and_closed(url, short_patience):
    with wire(url) as slow:
        slow.send(request("POST", "/users", {"Content-Length": "100"}), b'{"user')
        assert list(check_refusal(slow.answer(), 408)) == [None]
        assert slow.is_closed()


def test_a_body_that_nobody_reads_does_not_keep_a_connection(url, short_patience):
    for verb, target, status in (("GET", "/version", 200), ("POST", "/nowhere", 404), ("DELETE", "/users", 405), ("POST", "/users", 413)):
        with wire(url) as slow:
            slow.send(request(verb, target, {"Content-Length": str(2 * MIB)}), b"x")
            assert slow.answer().status == status
            assert slow.is_closed()


def test_a_body_that_nobody_reads_may_still_arrive(connection):
    for target, status in (("/version", 200), ("/nowhere", 404)):
        connection.send(request("GET", target, {"Content-Length": "200000"}))
        assert connection.answer().status == status
        connection.send(b"GET /me HTTP/1.1\r\n\r\n" * 10_000)
    connection.send(request("GET", "/health"))

    assert connection.answer().json()["status"] == "UP"


@pytest.mark.parametrize(
    "target, headers",
    [
        ("/version", {"A": "b" * 17_000}),
        ("/version", {f"A{n}": "b" for n in range(2500)}),
        ("/version", {"Authorization": "Bearer " + "b" * 17_000}),
        ("/version?" + "a" * 17_000, {}),
        ("/users/" + "1" * 17_000, {}),
        ("/nowhere/" + "a" * 17_000, {}),
        ("/comments?" + "a=b&" * 5000, {}),
        ("/version", {"A": "b" * 60_000}),
    ],
    ids=["value", "many", "token", "query", "segment", "nowhere", "parameters", "huge"],
)
def test_a_head_that_is_too_large_is_refused(url, target, headers):
    assert list(check_refusal(ask(url, "GET", target, headers), 431)) == [None]


def test_a_head_without_end_is_refused_and_closed(url):
    with wire(url) as endless:
        endless.send(b"GET /version HTTP/1.1\r\n")
        assert endless.send_until_closed([b"A: %s\r\n" % (b"b" * 1000)] * 10_000)
    with wire(url) as endless:
        endless.send(b"GET /version HTTP/1.1\r\n")
        time.sleep(0.05)
        endless.send(b"A: " + b"b" * 40_000)
        assert list(check_refusal(endless.answer(), 431)) == [None]
        assert endless.is_closed()


def test_a_body_over_the_limit_is_refused_however_it_is_framed(url):
    body = b'{"unknown": "' + b"x" * MIB + b'"}'

    assert list(check_refusal(ask(url, "POST", "/users", body=body), 413)) == [None]
    assert list(check_refusal(ask(url, "POST", "/users", {"Transfer-Encoding": "chunked"}, chunked(body, 60_000)), 413)) == [None]
    assert list(check_refusal(ask(url, "POST", "/users", {"Content-Length": "9999999999999999"}), 413)) == [None]
    check_oauth_refusal(ask(url, "POST", "/oauth/token", {"Content-Length": str(MIB + 1)}), 413, "invalid_request")


def test_a_body_of_just_the_limit_is_read(url):
    body = b'{"unknown": "' + b"x" * (MIB - 15) + b'"}'

    assert len(body) == MIB
    assert set(check_refusal(ask(url, "POST", "/users", body=body), 400)) == {"username", "email", "password"}
    assert set(check_refusal(ask(url, "POST", "/users", {"Transfer-Encoding": "chunked"}, chunked(body, 9999)), 400)) == {
        "username",
        "email",
        "password",
    }


def test_an_expected_body_is_asked_for(connection):
    connection.send(request("POST", "/users", {"Expect": "100-continue", "Content-Length": "2"}))
    assert (connection.line(), connection.line()) == (b"HTTP/1.1 100 Continue", b"")
    connection.send(b"{}")

    assert set(check_refusal(connection.answer(), 400)) == {"username", "email", "password"}


@pytest.mark.parametrize(
    "verb, target, length, status", [("POST", "/users", 2 * MIB, 413), ("POST", "/nowhere", 2, 404), ("DELETE", "/users", 2, 405)]
)
def test_a_body_that_would_be_refused_is_not_asked_for(connection, verb, target, length, status):
    connection.send(request(verb, target, {"Expect": "100-continue", "Content-Length": str(length)}))

    check_refusal(connection.answer(), status)


def test_chunks_may_have_extensions_and_a_trailer(connection):
    connection.send(request("POST", "/users", {"Transfer-Encoding": "chunked"}), b'2;a=b;c="d"\r\n{}\r\n0\r\nA: b\r\n\r\n')

    assert set(check_refusal(connection.answer(), 400)) == {"username", "email", "password"}


def test_a_trailer_is_no_header(connection):
    trailer = b"Authorization: Bearer x\r\nIdempotency-Key: a b\r\nContent-Encoding: gzip\r\nOrigin: http://a.b\r\n"
    connection.send(request("POST", "/users", {"Transfer-Encoding": "chunked"}), b"2\r\n{}\r\n0\r\n", trailer, b"\r\n")

    assert set(check_refusal(connection.answer(), 400)) == {"username", "email", "password"}


def test_an_upgrade_that_is_not_taken_is_an_ordinary_request(connection):
    """Java's client offers h2c with every request to http://, as `curl --http2` does."""
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"}
    body = registration("offered")
    connection.send(request("POST", "/users", offer, body))
    assert list(check_refusal(connection.answer(), 400)) == ["password"]
    connection.send(request("POST", "/users", {**offer, "Content-Length": str(len(body))}))
    connection.send(body[:10])
    connection.send(body[10:])
    assert list(check_refusal(connection.answer(), 400)) == ["password"]
    connection.send(
        request("POST", "/users", {**offer, "Transfer-Encoding": "chunked"}, chunked(body, 9)), request("GET", "/version", offer)
    )
    assert list(check_refusal(connection.answer(), 400)) == ["password"]
    assert connection.answer().status == 200
    connection.send(*[request("GET", "/version", {"Connection": "upgrade", "Upgrade": "websocket"})] * 50)
    assert [connection.answer().status for _ in range(50)] == [200] * 50


def test_the_body_of_an_offered_upgrade_is_no_request(connection):
    smuggled = request("GET", "/health")
    offer = {"Connection": "Upgrade", "Upgrade": "websocket", "Content-Length": str(len(smuggled))}
    connection.send(request("POST", "/users", offer))
    connection.send(smuggled)
    check_refusal(connection.answer(), 400)
    connection.send(request("GET", "/version"))

    assert connection.answer().json().keys() == {"version"}


BROKEN = {
    "length and chunked": b"POST /users HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": b"POST /users HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /users HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}a",
    "a length twice": b"POST /users HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": b"POST /users HTTP/1.1\r\nContent-Length: 2, 2\r\n\r\n{}",
    "length abc": b"POST /users HTTP/1.1\r\nContent-Length: abc\r\n\r\n{}",
    "length -1": b"POST /users HTTP/1.1\r\nContent-Length: -1\r\n\r\n{}",
    "length +2": b"POST /users HTTP/1.1\r\nContent-Length: +2\r\n\r\n{}",
    "length 1e5": b"POST /users HTTP/1.1\r\nContent-Length: 1e5\r\n\r\n{}",
    "length 0x2": b"POST /users HTTP/1.1\r\nContent-Length: 0x2\r\n\r\n{}",
    "length 2 2": b"POST /users HTTP/1.1\r\nContent-Length: 2 2\r\n\r\n{}",
    "no length": b"POST /users HTTP/1.1\r\nContent-Length: \r\n\r\n{}",
    "length of 30 digits": b"POST /users HTTP/1.1\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n{}",
    "space before colon": b"POST /users HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "unknown coding": b"POST /users HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked is not last": b"POST /users HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunk of no size": b"POST /users HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "chunk below zero": b"POST /users HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "chunk too large": b"POST /users HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "chunk with bare LF": b"POST /users HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n",
    "bare LF": b"GET /version HTTP/1.1\nHost: a\n\n",
    "bare CR": b"GET /version HTTP/1.1\r\nA: b\rC: d\r\n\r\n",
    "folded": b"GET /version HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
    "NUL in a header": b"GET /version HTTP/1.1\r\nA: b\0c\r\n\r\n",
    "NUL in the target": b"GET /version\0 HTTP/1.1\r\n\r\n",
    "no colon": b"GET /version HTTP/1.1\r\nAB\r\n\r\n",
    "no name": b"GET /version HTTP/1.1\r\n: b\r\n\r\n",
    "space in the target": b"GET /ver sion HTTP/1.1\r\n\r\n",
    "byte in the path": b"GET /\xff HTTP/1.1\r\n\r\n",
    "byte in the query": b"GET /comments?context=\xff HTTP/1.1\r\n\r\n",
    "line break in the target": b"GET /version\r\nA: b HTTP/1.1\r\n\r\n",
    "no such method": b"FOO /version HTTP/1.1\r\n\r\n",
    "small method": b"get /version HTTP/1.1\r\n\r\n",
    "no target": b"GET  HTTP/1.1\r\n\r\n",
    "a tunnel": b"CONNECT a.b:80 HTTP/1.1\r\n\r\n",
    "no such version": b"GET /version HTTP/9.9\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "nonsense": b"\x00\xff\xfe\x01" * 100,
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_request_is_refused_and_closed(connection, name):
    connection.send(BROKEN[name], request("GET", "/version"))
    answer = connection.answer()

    assert list(check_refusal(answer, 400)) == [None]
    assert answer.header("connection") == "close"
    assert connection.is_closed()


def test_a_broken_chunk_after_the_answer_gets_no_second_answer(connection):
    connection.send(request("GET", "/version", {"Transfer-Encoding": "chunked"}))
    assert connection.answer().status == 200
    connection.send(b"zz\r\n")

    assert connection.is_closed()


def test_a_broken_request_does_not_take_the_answer_of_the_one_before(url):
    for _ in range(5):
        with wire(url) as connection:
            connection.send(request("GET", "/version"), b"\x00\r\n\r\n")
            try:
                answer = connection.answer()
            except OSError:
                continue
            assert answer.status == 200


def test_clients_that_leave_do_no_harm(url, hall):
    for payload in (
        b"",
        b"GET /ver",
        request("POST", "/users", {"Content-Length": "100"}, b"{"),
        request("POST", "/users", {"Transfer-Encoding": "chunked"}, b"5\r\n{"),
        request("POST", "/users", {"Expect": "100-continue", "Content-Length": "100"}),
        request("GET", "/location/countries") * 20,
    ):
        for _ in range(5):
            with wire(url) as connection:
                connection.send(payload)

    assert ask(url, "GET", "/health").json()["status"] == "UP"
    assert hall.server.app.in_flight == 0
