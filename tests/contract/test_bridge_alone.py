"""`gamehall bridge`, a process of its own in front of a server: whatever it is asked, it answers as the server's own HTTP door does."""

import re
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager

import pytest
import requests
from processes import COMMAND, ENVIRONMENT, gamehall
from worlds import World, settings_for, sqlite_url

from tests.contract.doors import events
from tests.modules.test_cli import explained

AMERICA = "8.8.8.8"
BASIC = ("nobody", "wrong")


class Alone:
    """A running `gamehall bridge`. What it prints goes to a file."""

    def __init__(self, folder, target, **environment):
        command = [*COMMAND, "bridge", "--target", target, "--http-port", "0"]
        printed = folder / "printed.txt"
        with printed.open("w") as file:
            self.process = subprocess.Popen(command, cwd=folder, env={**ENVIRONMENT, **environment}, stdout=file, stderr=file)
        while "  target  " not in printed.read_text():
            assert self.process.poll() is None, printed.read_text()
            time.sleep(0.02)
        self.url = re.search(r"https?://localhost:\d+", printed.read_text()).group().replace("localhost", "127.0.0.1")

    def end(self):
        """Tells it to end; gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait()


@contextmanager
def alone(folder, target, **environment):
    bridge = Alone(folder, target, **environment)
    try:
        yield bridge
    finally:
        assert bridge.process.poll() is not None or bridge.end() == 0


@pytest.fixture(scope="module", params=["native", "grpcio"])
def direct(request, tmp_path_factory):
    """A deployment with both doors. It keeps the ids of its calls."""
    numbers = []
    settings = settings_for(sqlite_url(tmp_path_factory.mktemp("world")), request.param, trusted_proxies="127.0.0.1")
    world = World(settings, lambda rpc, arrival, fault: numbers.append(arrival.request_id))
    world.own_url, world.numbers = world.url, numbers
    yield world
    world.close()


@pytest.fixture(scope="module")
def world(direct, tmp_path_factory):
    """The same, known by the address of a bridge in front of it."""
    with alone(tmp_path_factory.mktemp("bridge"), direct.grpc_address) as bridge:
        direct.url = bridge.url
        yield direct
        direct.url = direct.own_url


def shown(answer):
    """All of an answer but what every answer has of its own."""
    body = re.sub(rb'"request_id":"[^"]+"', b"", answer.content)
    return answer.status_code, {k: v for k, v in answer.headers.items() if k.lower() not in ("date", "x-request-id")}, body


CASES = {
    "an answer": ("GET", "/version", {}),
    "a head": ("HEAD", "/version", {}),
    "a page": ("GET", "/users?size=2&order=id:ASC", {}),
    "no verb of this path": ("DELETE", "/version", {}),
    "no path": ("GET", "/nothing", {}),
    "nothing there": ("GET", "/comments/999999", {}),
    "no number": ("GET", "/comments/many", {}),
    "no token": ("POST", "/comments", {"json": {"context": "level", "context_id": "1", "content": "a"}}),
    "a bad token": ("GET", "/comments/999999", {"headers": {"Authorization": "Bearer a.b.c"}}),
    "a token that metadata cannot hold": ("GET", "/comments/999999", {"headers": {"Authorization": "Bearer a\tb"}}),
    "no bearer": ("GET", "/me", {"headers": {"Authorization": "Digest a"}}),
    "letters that are none": ("GET", "/me", {"headers": {"Authorization": b"Bearer \xff"}}),
    "fields that are missing": ("POST", "/users", {"json": {}}),
    "fields that are wrong": ("POST", "/users", {"json": {"username": "a" * 999, "email": "grüße", "password": "x"}}),
    "a name that is taken": (
        "POST",
        "/users",
        {"json": {"username": "admin", "email": "other@example.com", "password": "long enough it is"}},
    ),
    "no JSON": ("POST", "/users", {"data": b"{", "headers": {"Content-Type": "application/json"}}),
    "too much": ("POST", "/users", {"data": b" " * 2_000_000, "headers": {"Content-Type": "application/json"}}),
    "a client that is not known": ("POST", "/oauth/token", {"data": {"grant_type": "client_credentials"}, "auth": BASIC}),
    "a wrong password": (
        "POST",
        "/oauth/token",
        {"data": {"grant_type": "password", "client_id": "web", "username": "a", "password": "b"}},
    ),
    "a page of a browser": ("GET", "/version", {"headers": {"Origin": "https://game.example"}}),
    "an address": ("GET", "/location/geolocation/country", {"headers": {"X-Forwarded-For": AMERICA}}),
    "a key that is none": ("POST", "/users", {"json": {}, "headers": {"Idempotency-Key": "a\tb"}}),
    "the documents": ("GET", "/openapi.json", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_it_answers_as_the_server_does(world, case):
    verb, path, more = CASES[case]
    answers = [requests.request(verb, url + path, **more) for url in (world.own_url, world.url)]

    assert shown(answers[0]) == shown(answers[1])


def test_a_call_has_the_servers_number(world):
    for path, status in (("/version", 200), ("/comments/999999", 404)):
        answer = requests.get(world.url + path)
        assert (answer.status_code, answer.headers["x-request-id"]) == (status, world.numbers[-1])
    assert answer.json()["request_id"] == world.numbers[-1]


def test_a_repeat_is_told_as_one(world, ann):
    said = {"context": "level", "context_id": "1", "content": "once"}
    first, again = (ann.post("/comments", said, headers={"Idempotency-Key": f"k{ann.id}"}) for _ in range(2))

    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


def test_more_streams_than_one_connection_takes(world):
    with ExitStack() as held:
        for _ in range(130):
            answer = held.enter_context(requests.get(world.url + "/health/watch", stream=True))
            told = events(answer)
            assert next(told) == 'data: {"status":"UP","database":{"status":"UP"}}'
            held.callback(told.close)
        assert requests.get(world.url + "/version").status_code == 200
        assert world.server.app.streams.open == 130
    while world.server.app.streams.open:
        time.sleep(0.02)


def test_a_stream_ends_with_the_bridge(direct, tmp_path):
    with alone(tmp_path, direct.grpc_address) as bridge:
        told = events(requests.get(bridge.url + "/health/watch", stream=True))
        assert next(told).startswith("data: {")

        assert bridge.end() == 0

        assert next(told).startswith('event: error\ndata: {"code":')
        assert list(told) == []


def test_a_server_that_goes_is_missed_and_one_that_comes_is_found(tmp_path):
    settings = settings_for(sqlite_url(tmp_path), "native")
    first = World(settings)
    with alone(tmp_path, first.grpc_address) as bridge:
        told = events(requests.get(bridge.url + "/health/watch", stream=True))
        assert next(told).startswith('data: {"status":"UP"')
        first.close()
        assert next(told).startswith('data: {"status":"DOWN"')
        assert list(told) == []

        for path in ("/version", "/health/watch"):
            missed = requests.get(bridge.url + path)
            assert (missed.status_code, missed.json()["result"][0]["field"]) == (503, None)
            assert "127.0.0.1" not in missed.text

        second = World(settings_for(settings.database_url, "native", grpc_port=int(first.grpc_address.rpartition(":")[2])))
        while requests.get(bridge.url + "/version").status_code != 200:
            time.sleep(0.05)
        second.close()


@pytest.mark.parametrize("target", ["", "localhost", "http://localhost:1", "localhost:many"])
def test_a_target_that_is_none_is_refused(tmp_path, target):
    assert "host:port" in explained(gamehall(tmp_path, "bridge", "--target", target))


def test_it_is_as_ready_as_the_server_behind(tmp_path):
    server = World(settings_for(sqlite_url(tmp_path), "native"))
    with alone(tmp_path, server.grpc_address) as bridge:
        before = [requests.get(bridge.url + path).status_code for path in ("/health/live", "/health/ready")]
        server.close()
        after = [requests.get(bridge.url + path).status_code for path in ("/health/live", "/health/ready")]

    assert (before, after) == ([200, 200], [200, 503])


def test_a_trace_goes_through(tmp_path):
    traces = []
    server = World(settings_for(sqlite_url(tmp_path), "native"), lambda rpc, arrival, fault: traces.append(arrival.trace))
    with alone(tmp_path, server.grpc_address) as bridge:
        requests.get(bridge.url + "/version", headers={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
    server.close()

    assert traces == ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]
