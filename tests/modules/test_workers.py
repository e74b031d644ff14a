"""`gamehall serve --workers N`: several processes that answer as one. A worker is known by the beginning of its request ids."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import grpc
import pytest
import requests
from gamehall.platform.v1.platform_pb2 import GetVersionRequest
from gamehall.platform.v1.platform_pb2_grpc import PlatformServiceStub
from people import PASSWORD
from processes import COMMAND, ENVIRONMENT, gamehall, serving

from bench.servers import free_port
from tests.databases import seen_from_outside, shared_postgres

# New connections until every worker has answered one: were they shared out as they should be, more would never be needed.
MANY = 500


@pytest.fixture
def url():
    return shared_postgres().fresh()


@pytest.fixture(params=["native", "grpcio"])
def engine(request):
    return request.param


def crew(folder, url, *options, **environment):
    given = {"GAMEHALL_ADMIN_PASSWORD": PASSWORD, "GAMEHALL_DATABASE_URL": url, **environment}
    return serving(folder, "--workers", "2", *options, **given)


def by_http(server, **more):
    """The worker that answers a new connection."""
    return requests.get(server.http + "/version", **more).headers["x-request-id"][:10]


def by_grpc(server):
    with grpc.insecure_channel(server.grpc, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        _, call = PlatformServiceStub(channel).GetVersion.with_call(GetVersionRequest())
        return dict(call.trailing_metadata())["x-request-id"][:10]


def all_of(ask, server, count=2):
    found = set()
    for _ in range(MANY):
        found.add(ask(server))
        if len(found) == count:
            break
    return found


def session_with(server, worker):
    """A connection that is kept, to one of the workers."""
    while True:
        session = requests.Session()
        if session.get(server.http + "/version").headers["x-request-id"][:10] == worker:
            return session


def pids(server):
    return [int(pid) for pid in re.findall(r"worker \d is pid (\d+)", server.told)]


def wait_until(true):
    while not true():
        time.sleep(0.02)


def test_both_workers_answer_at_both_doors(tmp_path, url, engine):
    with crew(tmp_path, url, GAMEHALL_GRPC_ENGINE=engine) as server:
        workers = all_of(by_http, server)

        assert len(workers) == 2
        assert all_of(by_grpc, server) == workers
        assert len(set(pids(server)) | {server.process.pid}) == 3


def test_a_deployment_begins_once(tmp_path, url):
    with crew(tmp_path, url, GAMEHALL_ADMIN_PASSWORD="") as server:
        username, password = re.search(r"admin +(\S+) / (\S+) +\(shown this once\)", server.told).groups()
        assert server.told.count("shown this once") == server.told.count("  database  ") == 1
        assert server.sign_in(username, password).status_code == 200

    for table in ("signing_key", '"user"'):
        assert asyncio.run(seen_from_outside(url, f"SELECT count(*) FROM {table}")) == [(1,)]


def test_what_one_worker_does_the_other_knows(tmp_path, url):
    with crew(tmp_path, url) as server:
        one, other = (session_with(server, worker) for worker in sorted(all_of(by_http, server)))
        form = {"grant_type": "password", "client_id": "web", "username": "admin", "password": PASSWORD}
        token = one.post(server.http + "/oauth/token", data=form).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}

        assert other.get(server.http + "/me", headers=headers).json()["roles"] == ["ROLE_ADMIN", "ROLE_USER"]
        made = one.post(server.http + "/comments", json=comment("hello"), headers=headers).json()
        assert other.get(server.http + f"/comments/{made['id']}").json()["content"] == "hello"


def comment(content):
    return {"context": "c", "context_id": "1", "content": content}


def headers_of(server, **more):
    return {"Authorization": f"Bearer {server.sign_in('admin').json()['access_token']}", **more}


def test_a_key_is_answered_alike_by_all_workers(tmp_path, url):
    with crew(tmp_path, url) as server:
        sessions = [session_with(server, worker) for worker in sorted(all_of(by_http, server))]
        headers = headers_of(server)

        def send(worker, key, content):
            given = {**headers, "Idempotency-Key": key}
            return sessions[worker].post(server.http + "/comments", json=comment(content), headers=given)

        for number in range(10):
            first = send(number % 2, f"key-{number}", "first")
            again = send(1 - number % 2, f"key-{number}", "first")
            assert (again.json()["id"], again.headers["idempotent-replayed"]) == (first.json()["id"], "true")
            assert send(1 - number % 2, f"key-{number}", "another").status_code == 422

        with ThreadPoolExecutor(2) as pool:
            for number in range(10):
                answers = list(pool.map(lambda worker, key=f"at-once-{number}": send(worker, key, "all"), range(2)))
                assert len({answer.json()["id"] for answer in answers}) == 1
        assert asyncio.run(seen_from_outside(url, "SELECT count(*) FROM comment")) == [(20,)]


def test_a_killed_worker_is_replaced_and_nothing_acknowledged_is_lost(tmp_path, url):
    with crew(tmp_path, url) as server:
        before, killed = all_of(by_http, server), pids(server)[1]
        headers, ending, kept = headers_of(server), threading.Event(), {}

        def write(name):
            number = 0
            while not ending.is_set():
                number += 1
                content = f"{name} {number}"
                given = {**headers, "Idempotency-Key": f"{name}-{number}"}
                kept[content] = sent(server, content, given)

        writers = [threading.Thread(target=write, args=(f"writer{index}",)) for index in range(4)]
        for writer in writers:
            writer.start()
        for _ in range(3):
            enough = len(kept) + 30
            wait_until(lambda enough=enough: len(kept) >= enough)
            known = len(pids(server))
            os.kill(pids(server)[-1], signal.SIGKILL)
            wait_until(lambda known=known: len(pids(server)) > known)
        ending.set()
        for writer in writers:
            writer.join()

        after = all_of(by_http, server)
        assert len(after) == 2
        assert len(before & after) == 1, "the worker that was not killed goes on"
        assert f"pid {killed}, ended with -9; the next starts in 0.1 s" in server.told
        assert re.findall(r"the next starts in (\S+) s", server.told) == ["0.1", "0.2", "0.4"]
        stored = asyncio.run(seen_from_outside(url, "SELECT content, id FROM comment"))
        assert len(stored) == len({content for content, _ in stored}) == len(kept), "each once"
        assert dict(stored) == kept


def sent(server, content, headers):
    """The id that a comment got, asked for again and again until somebody answers."""
    while True:
        try:
            answer = requests.post(server.http + "/comments", json=comment(content), headers=headers)
        except requests.ConnectionError:
            continue
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]


def test_calls_under_way_at_all_workers_are_answered_before_the_end(tmp_path, url):
    with crew(tmp_path, url, GAMEHALL_PASSWORD_PASSES="6") as server:
        with ThreadPoolExecutor(12) as pool:
            answers = [pool.submit(requests.post, server.http + "/users", json=newcomer(number)) for number in range(12)]
            wait_until(lambda: sum(answer.done() for answer in answers) >= 2)
            code = server.end()
            ended = [answer.exception() or answer.result().status_code for answer in answers]
        running = [pid for pid in pids(server) if alive(pid)]

    assert (code, running) == (0, [])
    assert ended == [200] * 12
    assert asyncio.run(seen_from_outside(url, 'SELECT count(*) FROM "user"')) == [(13,)]
    assert "Traceback" not in server.told


def newcomer(number):
    return {"username": f"u{number}", "email": f"u{number}@example.com", "password": PASSWORD}


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_whose_supervisor_was_killed_end(tmp_path, url):
    with crew(tmp_path, url) as server:
        server.end(signal.SIGKILL)

        def refused():
            try:
                by_http(server)
            except requests.ConnectionError:
                return True
            return False

        wait_until(refused)


def two_free_ports():
    """The first of two that follow each other."""
    while True:
        port = free_port()
        with suppress(OSError):
            socket.create_server(("127.0.0.1", port + 1)).close()
            return port


def test_operators_look_at_each_worker(tmp_path, url):
    port = two_free_ports()

    def answered(which):
        page = requests.get(f"http://127.0.0.1:{port + which}/metrics").text
        return sum(float(count) for count in re.findall(r'^gamehall_http_responses_total\{code="200"\} (\S+)', page, re.MULTILINE))

    with crew(tmp_path, url, GAMEHALL_OPS_ADDRESS=f"127.0.0.1:{port}") as server:
        assert f"http://127.0.0.1:{port}/metrics  (the first worker's)" in server.told
        assert "  workers    2\n" in server.told
        for _ in range(40):
            by_http(server)

        assert answered(0) + answered(1) == 40
        os.kill(pids(server)[1], signal.SIGKILL)
        wait_until(lambda: len(pids(server)) == 3)
        assert answered(1) == 0, "the successor has the same address, and counts from zero"
        assert re.findall(r"worker (\d) is .*, its operators' port (\d+)", server.told)[2] == ("2", str(port + 1))


def test_operators_ports_are_found_for_any_that_are_free(tmp_path, url):
    with crew(tmp_path, url, GAMEHALL_OPS_ADDRESS="127.0.0.1:0") as server:
        wait_until(lambda: len(pids(server)) == 2)
        ports = set(re.findall(r"its operators' port (\d+)", server.told))

        assert len(ports) == 2
        assert all(requests.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200 for port in ports)


def test_operators_ports_that_cannot_be_had_are_explained(tmp_path, url):
    options = ("serve", "--workers", "2", "--http-port", "0", "--grpc-port", "0")
    port = two_free_ports()
    with socket.create_server(("127.0.0.1", port + 1)):
        taken = gamehall(tmp_path, *options, GAMEHALL_DATABASE_URL=url, GAMEHALL_OPS_ADDRESS=f"127.0.0.1:{port}")
    beyond = gamehall(tmp_path, *options, GAMEHALL_DATABASE_URL=url, GAMEHALL_OPS_ADDRESS="127.0.0.1:65535")

    assert (taken.returncode, beyond.returncode) == (1, 1)
    assert taken.stderr.startswith(f"gamehall: port {port + 1} cannot be opened for operators on 127.0.0.1")
    assert beyond.stderr.startswith("gamehall: GAMEHALL_OPS_ADDRESS must be host:port")


def test_a_machine_reads_what_serves_and_who_works(tmp_path, url):
    given = {"GAMEHALL_DATABASE_URL": url, "GAMEHALL_LOG_FORMAT": "json", "GAMEHALL_ADMIN_PASSWORD": PASSWORD}
    command = [*COMMAND, "serve", "--workers", "2", "--http-port", "0", "--grpc-port", "0"]
    with subprocess.Popen(command, env={**ENVIRONMENT, **given}, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        lines = [json.loads(process.stderr.readline()) for _ in range(3)]
        process.terminate()
        lines += [json.loads(line) for line in process.stderr]

    (serving,) = [line for line in lines if line["message"] == "serving"]
    assert (serving["workers"], serving["tls"], serving["ops_port"]) == (2, False, None)
    assert len([line for line in lines if line["logger"] == "gamehall.workers"]) == 2
    assert process.returncode == 0


def test_two_crews_do_not_share_a_port(tmp_path, url):
    with crew(tmp_path, url) as server:
        port = server.http.rpartition(":")[2]
        done = gamehall(
            tmp_path, "serve", "--workers", "2", "--http-port", port, "--grpc-port", "0", GAMEHALL_DATABASE_URL=shared_postgres().fresh()
        )

    assert done.returncode == 1
    assert f"port {port} cannot be opened for HTTP" in done.stderr


def test_a_first_worker_that_cannot_serve_says_why_and_ends_it_all(tmp_path, url):
    options = ("serve", "--workers", "2", "--http-port", "0", "--grpc-port", "0")
    done = gamehall(tmp_path, *options, GAMEHALL_DATABASE_URL=url, GAMEHALL_GRPC_ENGINE="quantum")

    assert done.returncode == 1
    assert done.stderr.count("unknown gRPC engine 'quantum'") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "options, database, code, sentence",
    [
        ((), None, 1, "a SQLite file belongs to one process"),
        (("--sandbox",), "postgresql://nobody@127.0.0.1:1/x", 1, "a sandbox has one clock"),
        (("--workers", "0"), None, 2, "--workers"),
    ],
    ids=["sqlite", "sandbox", "none"],
)
def test_what_several_workers_cannot_share_is_explained(tmp_path, options, database, code, sentence):
    environment = {} if database is None else {"GAMEHALL_DATABASE_URL": database}

    done = gamehall(tmp_path, "serve", "--workers", "2", *options, **environment)

    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.glob("*.db")) == []
