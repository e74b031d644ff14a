"""The command `gamehall`, as a person at a terminal uses it: each command a process of its own."""

import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
import requests
from gamehall.users.v1.users_pb2 import CreateUserRequest, User
from gamehall.users.v1.users_pb2_grpc import UserServiceStub
from gamehall_server import __version__
from gamehall_server.admin import add_client_to, add_user_to
from gamehall_server.contract import bindings
from gamehall_server.kit.errors import Fault
from gamehall_server.servicers import SERVICERS
from people import PASSWORD, fresh
from processes import gamehall, serving

from tests.databases import shared_postgres


def explained(done, code=1):
    """The sentence of a command that did not work out; never a stack trace."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stderr.count("\n") <= 4, done.stderr
    return done.stderr


def test_the_version_is_told(tmp_path):
    assert gamehall(tmp_path, "version").stdout.strip() == __version__


def test_every_route_is_listed(tmp_path):
    lines = gamehall(tmp_path, "routes").stdout.splitlines()

    wanted = bindings([servicer.service for servicer in SERVICERS])
    assert [line.split()[:3] for line in lines] == [[route.verb, route.path, route.rpc] for route in wanted]
    assert list(tmp_path.iterdir()) == []


def test_without_a_command_there_is_help(tmp_path):
    done = gamehall(tmp_path)

    assert all(word in done.stdout + done.stderr for word in ("serve", "migrate", "routes", "version", "user", "client"))


def test_the_second_migration_has_nothing_to_do(tmp_path):
    done = [gamehall(tmp_path, "migrate") for _ in range(2)]

    assert [(each.returncode, each.stdout.strip()) for each in done] == [(0, "migrated"), (0, "nothing to do")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where there is a database with a user and two clients that the command line made."""
    folder = tmp_path_factory.mktemp("made")
    assert gamehall(folder, "user", "create", "ann", "--email", "ann@example.com", GAMEHALL_USER_PASSWORD=PASSWORD).stdout == "user 2\n"
    return folder


@pytest.fixture
def made(folder, tmp_path):
    """A copy of the database, so that nothing is left to do but to serve."""
    shutil.copy(folder / "gamehall.db", tmp_path / "gamehall.db")


def test_users_and_clients_made_by_hand_can_sign_in(folder):
    chief = gamehall(folder, "user", "create", "chief", "--email", "c@example.com", "--role", "ROLE_ADMIN", GAMEHALL_USER_PASSWORD=PASSWORD)
    private = gamehall(folder, "client", "create", "server", "--role", "ROLE_USER")
    public = gamehall(folder, "client", "create", "app", "--public", "--name", "An app")

    assert [done.returncode for done in (chief, private, public)] == [0, 0, 0]
    assert PASSWORD not in chief.stdout + chief.stderr
    assert public.stdout == "client app  (public)\n"
    secret = re.fullmatch(r"client server\nsecret (\S{43})\n", private.stdout).group(1)
    with serving(folder) as server:
        roles = [me(server, server.sign_in(name)).json()["roles"] for name in ("ann", "chief")]
        assert roles == [["ROLE_USER"], ["ROLE_ADMIN", "ROLE_USER"]]
        assert me(server, server.sign_in("ann", client_id="app")).json()["client_id"] == "app"
        form = {"grant_type": "client_credentials", "client_id": "server", "client_secret": secret}
        assert me(server, requests.post(server.http + "/oauth/token", data=form)).json()["roles"] == ["ROLE_USER"]


def me(server, answer):
    return requests.get(server.http + "/me", headers={"Authorization": f"Bearer {answer.json()['access_token']}"})


WRONG_USERS = {
    "a name that is taken": ({"username": "{taken}"}, "username: already taken"),
    "a name in other letters": ({"username": "{TAKEN}"}, "username: already taken"),
    "an address that is taken": ({"email": "{taken}@example.com"}, "email: already taken"),
    "no name": ({"username": ""}, "username: required"),
    "a name that is too long": ({"username": "b" * 101}, "username: at most 100 characters"),
    "a name with a space before it": ({"username": " bob"}, "username: must not begin or end with a space"),
    "no address": ({"email": "nobody"}, "email: "),
    "a password that is too short": ({"password": "short"}, "password: at least 8 characters"),
    "a password that is the name": ({"username": "long enough", "password": "long enough"}, "password: must differ"),
    "an unknown role": ({"roles": ["ROLE_KING"]}, "There is no role ROLE_KING"),
}


@pytest.mark.parametrize("name", WRONG_USERS)
def test_a_user_made_by_hand_keeps_the_rules_of_the_contract(world, name):
    """What the command does, without its process."""
    given, sentence = WRONG_USERS[name]
    taken, new = world.person("taken").username, fresh("new")
    told = {"username": new, "email": f"{new}@example.com", "password": PASSWORD, "roles": [], **given}
    told = {field: value.format(taken=taken, TAKEN=taken.upper()) if isinstance(value, str) else value for field, value in told.items()}

    with pytest.raises(Fault) as refusal:
        world.inside(lambda: add_user_to(world.server.product, **told))

    assert str(refusal.value).startswith(sentence)
    assert world.nobody().post("/users", {"username": new, "email": f"{new}@example.com", "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize(
    "key, roles, sentence",
    [
        ("web", [], "client_key: already taken"),
        ("", [], "client_key"),
        ("a:b", [], "client_key"),
        ("a\nb", [], "client_key"),
        ("x" * 256, [], "client_key"),
        ("new", ["ROLE_KING"], "There is no role ROLE_KING"),
    ],
    ids=["taken", "empty", "ends at its colon", "two lines", "too long", "unknown role"],
)
def test_a_client_made_by_hand_has_a_key_that_can_be_used(world, key, roles, sentence):
    with pytest.raises(Fault) as refusal:
        world.inside(lambda: add_client_to(world.server.product, key, key, public=False, roles=roles))

    assert str(refusal.value).startswith(sentence)


def test_a_role_named_twice_is_given_once(world):
    assert world.client("ROLE_USER", "ROLE_USER").get("/me").json()["roles"] == ["ROLE_USER"]


def test_a_command_that_is_refused_says_why(folder):
    done = gamehall(folder, "user", "create", "Ann", "--email", "other@example.com", GAMEHALL_USER_PASSWORD=PASSWORD)

    assert explained(done) == "gamehall: username: already taken\n"


# Serving.


def test_the_administrators_password_is_made_up_and_shown_once(tmp_path):
    with serving(tmp_path) as server:
        assert server.end() == 0
    username, password = re.search(r"admin +(\S+) / (\S+) +\(shown this once\)", server.told).groups()
    with serving(tmp_path) as again:
        assert "shown this once" not in again.told
        assert me(again, again.sign_in(username, password)).json()["roles"] == ["ROLE_ADMIN", "ROLE_USER"]
        assert again.end() == 0

    assert server.told.count(password) == 1
    assert password not in again.told


def test_an_administrators_password_that_was_given_is_not_shown(tmp_path):
    with serving(tmp_path, GAMEHALL_ADMIN_USERNAME="chief", GAMEHALL_ADMIN_PASSWORD=PASSWORD) as server:
        assert server.sign_in("chief").status_code == 200
        assert server.end() == 0

    assert PASSWORD not in server.told


def test_a_file_has_one_server(made, tmp_path):
    with serving(tmp_path) as server:
        done = gamehall(tmp_path, "serve", "--http-port", "0", "--grpc-port", "0")

        assert f"is in use by another process (pid {server.process.pid})" in explained(done)
        assert requests.get(server.http + "/health").json()["status"] == "UP"


def test_the_folder_of_the_database_is_made(tmp_path):
    with serving(tmp_path, GAMEHALL_DATABASE_URL="sqlite:///data/of/it.db") as server:
        assert requests.get(server.http + "/health").json()["status"] == "UP"

    assert (tmp_path / "data" / "of" / "it.db").is_file()


def test_it_may_have_as_many_connections_as_the_system_allows(made, tmp_path):
    """Not as many as the shell does that it is started from."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before, most - 1), most))
    try:
        with serving(tmp_path) as server:
            limits = Path(f"/proc/{server.process.pid}/limits").read_text()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))

    assert re.search(r"Max open files +(\d+) +(\d+)", limits).groups() == (str(most), str(most))


def test_hashing_gives_way_to_every_other_call(made, tmp_path):
    with serving(tmp_path) as server:
        assert server.sign_in("ann").status_code == 200
        threads = [int(thread.name) for thread in Path(f"/proc/{server.process.pid}/task").iterdir()]
        policies = {thread: os.sched_getscheduler(thread) for thread in threads}

    assert policies[server.process.pid] == os.SCHED_OTHER
    assert list(policies.values()).count(os.SCHED_IDLE) == 1


def test_a_sandbox_says_so(made, tmp_path):
    with serving(tmp_path, "--sandbox") as server:
        assert "sandbox" in server.told
        assert requests.get(server.http + "/sandbox/clock").status_code == 200


@pytest.mark.parametrize("engine", ["native", "grpcio"])
def test_calls_under_way_are_answered_before_the_end(tmp_path, engine):
    """Each hash takes a while, so that most calls wait in the server when it is told to end."""
    with serving(tmp_path, GAMEHALL_PASSWORD_PASSES="6", GAMEHALL_GRPC_ENGINE=engine) as server:
        channel = grpc.insecure_channel(server.grpc)
        by_grpc = [UserServiceStub(channel).CreateUser.future(CreateUserRequest(user=User(**newcomer("g", n)))) for n in range(8)]
        with ThreadPoolExecutor(8) as pool:
            by_http = [pool.submit(requests.post, server.http + "/users", json=newcomer("h", number)) for number in range(8)]
            by_grpc[0].result()
            next(iter(by_http)).result()

            code = server.end()

            answers = [answer.result() for answer in by_http]
            assert [answer.status_code for answer in answers] == [200] * 8
            assert len({call.result().user.id for call in by_grpc} | {answer.json()["id"] for answer in answers}) == 16
        channel.close()

    assert code == 0
    with sqlite3.connect(tmp_path / "gamehall.db") as kept:
        assert kept.execute("SELECT count(*) FROM user").fetchone() == (17,)
    kept.close()


def newcomer(word, number):
    return {"username": f"{word}{number}", "email": f"{word}{number}@example.com", "password": PASSWORD}


def test_interrupting_it_is_an_end_as_well(made, tmp_path):
    with serving(tmp_path) as server:
        assert server.end(signal.SIGINT) == 0

    assert "Traceback" not in server.told


# What a person can mend is told in a sentence.


WRONG_OPTIONS = {
    "a port that is no number": (["--http-port", "many"], {}, 2, "--http-port"),
    "an HTTP port out of range": (["--http-port", "65536"], {}, 2, "--http-port"),
    "an HTTP port below zero": (["--http-port", "-1"], {}, 2, "--http-port"),
    "a gRPC port out of range": (["--grpc-port", "65536"], {}, 2, "--grpc-port"),
    "a port in the environment that is no number": ([], {"GAMEHALL_HTTP_PORT": "many"}, 2, "GAMEHALL_HTTP_PORT"),
    "a sandbox in the environment that is neither": ([], {"GAMEHALL_SANDBOX": "maybe"}, 2, "GAMEHALL_SANDBOX"),
    "a limit in the environment that is no number": ([], {"GAMEHALL_MOST_IN_FLIGHT": "many"}, 1, "GAMEHALL_MOST_IN_FLIGHT"),
    "an unknown engine": ([], {"GAMEHALL_GRPC_ENGINE": "quantum"}, 1, "unknown gRPC engine 'quantum'"),
    "an address that is none": (["--host", "999.1.1.1"], {}, 1, "999.1.1.1"),
    "another database": (["--database-url", "mysql://localhost/x"], {}, 1, "a database URL is"),
    "no database": (["--database-url", "nonsense"], {}, 1, "a database URL is"),
    "a database in memory": (["--database-url", "sqlite:///:memory:"], {}, 1, "a database URL is"),
    "a file that is no database": (["--database-url", "sqlite:///junk.db"], {}, 1, "junk.db"),
    "a folder for a file": (["--database-url", "sqlite:///folder.db"], {}, 1, "folder.db"),
    "a database server that is not there": (["--database-url", "postgresql://nobody@127.0.0.1:1/x"], {}, 1, "127.0.0.1"),
}


@pytest.mark.parametrize("name", WRONG_OPTIONS)
def test_a_wrong_option_is_explained(made, tmp_path, name):
    arguments, environment, code, sentence = WRONG_OPTIONS[name]
    (tmp_path / "junk.db").write_bytes(b"this is no database" * 1000)
    (tmp_path / "folder.db").mkdir()
    free = {"GAMEHALL_HTTP_PORT": "0", "GAMEHALL_GRPC_PORT": "0"}

    done = gamehall(tmp_path, "serve", *arguments, **{**free, **environment})

    told = done.stderr if code == 2 else explained(done, code)
    assert done.returncode == code, told
    assert sentence in told
    assert "Traceback" not in told


@pytest.mark.parametrize("option", ["--http-port", "--grpc-port"])
@pytest.mark.parametrize("engine", ["native", "grpcio"])
def test_a_port_that_is_taken_is_explained(made, tmp_path, engine, option):
    other = {"--http-port": "--grpc-port", "--grpc-port": "--http-port"}[option]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = gamehall(tmp_path, "serve", option, port, other, "0", GAMEHALL_GRPC_ENGINE=engine)

    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert f"gamehall: port {port} cannot be opened" in done.stderr


def test_a_start_that_is_refused_after_the_database_was_opened_ends(tmp_path):
    url = shared_postgres().fresh()
    gamehall(tmp_path, "migrate", GAMEHALL_DATABASE_URL=url)

    done = gamehall(tmp_path, "serve", GAMEHALL_DATABASE_URL=url, GAMEHALL_ADMIN_PASSWORD="x" * 5)

    assert "GAMEHALL_ADMIN_PASSWORD" in explained(done)


def test_a_database_that_needs_a_password_does_not_show_it(tmp_path):
    done = gamehall(tmp_path, "serve", "--database-url", "postgresql://nobody:very-secret@127.0.0.1:1/x")

    assert "very-secret" not in explained(done)


def test_keys_are_rotated_and_the_audit_log_is_looked_at_beside_a_server_and_alone(tmp_path):
    with serving(tmp_path, GAMEHALL_ADMIN_PASSWORD=PASSWORD) as server:
        token = server.sign_in("admin").json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.post(server.http + "/auth/roles", json={"role": "ROLE_X", "name": "x"}, headers=headers).status_code == 201
        assert "is announced, and signs from 20" in gamehall(tmp_path, "rotate-keys").stdout
        assert len(requests.get(server.http + "/.well-known/jwks.json").json()["keys"]) == 2
        while "1 rows, all as they were written; the end is 1:" not in (told := gamehall(tmp_path, "verify-audit").stdout):
            assert "0 rows, all as they were written, and 1 wait" in told
        assert gamehall(tmp_path, "rotate-keys", "--compromised").returncode == 0
        assert requests.get(server.http + "/me", headers=headers).status_code == 401

    end = told.split()[-1]
    assert gamehall(tmp_path, "verify-audit", "--known", end).stdout == told
    with sqlite3.connect(tmp_path / "gamehall.db") as database:
        database.execute("UPDATE audit SET address = '127.0.0.2'")
    database.close()
    assert "the audit log is not as it was written: 1: changed" in explained(gamehall(tmp_path, "verify-audit"))


def test_a_root_key_is_made_beside_the_database_and_refused_where_others_may_read_it(tmp_path):
    assert gamehall(tmp_path, "verify-audit").returncode == 0
    file = tmp_path / "gamehall.key"
    assert file.stat().st_mode & 0o777 == 0o600

    file.chmod(0o644)
    assert "holds the root key, and others may read it: chmod 600" in explained(gamehall(tmp_path, "verify-audit"))
    assert "a root key is 32 random bytes" in explained(gamehall(tmp_path, "verify-audit", GAMEHALL_ROOT_KEY="changeme"))
