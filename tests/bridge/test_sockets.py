"""The bridge behind its real server on a loopback port: what only the transport can get wrong."""

import asyncio
import contextlib
import http.client
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from gamehall_bridge import protocol
from gamehall_bridge.app import Bridge
from gamehall_bridge.protocol import HttpServer, http_server

from tests.bridge.http_contract import Echo, Operation, call, rpcs_of, type_of
from tests.bridge.http_wire import SECONDS, ask, check_headers

# More than all buffers between two sockets.
MUCH = 24 * 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    echo = Echo(
        rpcs_of(
            Operation("GET /text/{name}", "Any", "Text"),
            Operation("PUT /big", "Any", body="big"),
            Operation("GET /much", "Nothing", "Text"),
        )
    )
    much = type_of("Text")(text="a" * MUCH)

    async def answered(rpc: Any, request: Any, arrival: Any) -> Any:
        return much if rpc.name.endswith("Do2") else rpc.response()

    echo.invoke = answered
    ready = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    server = http_server(Bridge(echo), "127.0.0.1", 0, grace=1)

    async def live() -> None:
        asyncio.get_running_loop().call_soon(ready.set)
        await server.serve(sockets=[listening])

    thread = threading.Thread(target=asyncio.run, args=(live(),), daemon=True)
    thread.start()
    ready.wait()
    # uvicorn tells neither when it listens nor where; a socket of our own does.
    server.config.port = listening.getsockname()[1]
    yield server
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def url(server: HttpServer) -> str:
    return f"http://127.0.0.1:{server.config.port}"


@pytest.mark.parametrize("target", ["/text/a%2Fb", "http://elsewhere.example/text/a%2Fb", "http://elsewhere.example:81/text/a?name=b"])
def test_a_target_may_be_absolute(url, target):
    answer = ask(url, "GET", target)

    assert answer.status == 200
    check_headers(answer)


@pytest.mark.parametrize("target", ["http://elsewhere.example", "*", "", "/text/\xff", "text"])
def test_a_target_that_leads_nowhere_is_refused_in_the_published_shape(url, target):
    answer = ask(url, "GET", target)

    assert answer.status in (400, 404)
    assert {"code", "request_id", "result"} == answer.json().keys()


def test_head_and_get_share_a_connection(url):
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=SECONDS)

    def asked(verb: str) -> tuple[int, str | None, bytes]:
        connection.request(verb, "/text/a")
        held = connection.sock
        answer = connection.getresponse()
        told = answer.status, answer.getheader("content-length"), answer.read()
        assert connection.sock is held
        return told

    head, whole = asked("HEAD"), asked("GET")
    connection.close()

    assert (head[0], head[2], whole[0]) == (200, b"", 200)
    assert head[1] == whole[1] == str(len(whole[2]))


def test_heads_of_any_size_above_the_limit_are_refused(url):
    for size in (17_000, 40_000, 300_000):
        answer = ask(url, "GET", "/text/a", {"x-much": "a" * size})

        assert (answer.status, answer.json()["code"]) == (431, 40)
    assert ask(url, "GET", "/text/" + "a" * 17_000).status == 431


def test_bodies_above_the_limit_are_refused_also_in_chunks(url):
    declared = ask(url, "PUT", "/big", {"Content-Length": str(2**21), "Expect": "100-continue"})
    chunks = ask(url, "PUT", "/big", {"Transfer-Encoding": "chunked"}, b"10000f\r\n" + b"1" * 0x10000F + b"\r\n0\r\n\r\n")

    assert [answer.status for answer in (declared, chunks)] == [413, 413]


def test_an_answer_that_nobody_reads_is_given_up(server, monkeypatch):
    monkeypatch.setattr(protocol, "UNREAD_SECONDS", 0.1)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(SECONDS)
        connection.connect(("127.0.0.1", server.config.port))
        connection.sendall(b"GET /much HTTP/1.1\r\nhost: here\r\n\r\n")
        begin = connection.recv(15)
        while server.server_state.connections:
            time.sleep(0.01)

        read = 0
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                read += len(part)

    assert begin == b"HTTP/1.1 200 OK"
    assert read < MUCH


def test_targets_are_never_logged(url, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("uvicorn.access"), "propagate", True)
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "uvicorn.access")

    assert ask(url, "GET", "/text/a?password=hush").status == 200

    assert "hush" not in caplog.text


def test_in_process_and_over_the_wire_are_the_same():
    echo = Echo(rpcs_of(Operation("GET /text/{name}", "Any", "Text")))
    echo.answer = type_of("Text")(text="a")

    assert call(Bridge(echo), "GET", "/text/b").json() == {"text": "a"}
