"""Commands beside a running server on SQLite: the server carries them out, for its own user alone."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import threading

import pytest
import requests
from gamehall_server import beside
from gamehall_server.migrate import Unusable
from people import PASSWORD
from processes import gamehall, serving
from worlds import World, settings_for, sqlite_url


def socket_of(folder):
    return folder / "gamehall.db.sock"


def said(folder, *lines):
    """What the server answers on its socket, to lines of our own making."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(socket_of(folder)))
        # A server that hangs up does not read to the end.
        with contextlib.suppress(ConnectionError):
            client.sendall(b"".join(lines))
            client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError), client.makefile("rb") as reading:
            return reading.read()
    return b""


def test_users_and_clients_are_made_by_the_server_that_runs(tmp_path):
    with serving(tmp_path) as server:
        user = gamehall(tmp_path, "user", "create", "bob", "--email", "bob@example.com", GAMEHALL_USER_PASSWORD=PASSWORD)
        client = gamehall(tmp_path, "client", "create", "late", "--role", "ROLE_USER")

        assert (user.stdout, user.stderr) == ("user 2\n", "")
        assert server.sign_in("bob").status_code == 200
        secret = re.fullmatch(r"client late\nsecret (\S{43})\n", client.stdout).group(1)
        form = {"grant_type": "client_credentials", "client_id": "late", "client_secret": secret}
        assert requests.post(server.http + "/oauth/token", data=form).status_code == 200
        assert server.end() == 0

    assert PASSWORD not in server.told
    assert secret not in server.told


def test_what_the_server_refuses_is_told_in_its_sentence(tmp_path):
    with serving(tmp_path):
        taken = gamehall(tmp_path, "user", "create", "Admin", "--email", "bob@example.com", GAMEHALL_USER_PASSWORD=PASSWORD)
        unknown = gamehall(tmp_path, "client", "create", "new", "--role", "ROLE_KING")

    assert (taken.returncode, taken.stderr) == (1, "gamehall: username: already taken\n")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("gamehall: There is no role ROLE_KING")


def test_a_folder_with_a_long_name_has_a_socket_as_well(tmp_path):
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    with serving(folder):
        done = gamehall(folder, "client", "create", "late", "--public")

        assert done.stdout == "client late  (public)\n", done.stderr


def test_the_socket_is_the_owners_and_goes_with_the_server(tmp_path):
    with serving(tmp_path) as server:
        assert socket_of(tmp_path).stat().st_mode & 0o777 == 0o600
        assert server.end() == 0

    assert not socket_of(tmp_path).exists()


def test_what_a_killed_server_left_behind_is_in_nobodys_way(tmp_path):
    with serving(tmp_path) as server:
        server.end(signal.SIGKILL)
    assert socket_of(tmp_path).exists()

    assert gamehall(tmp_path, "client", "create", "alone", "--public").stdout == "client alone  (public)\n"
    with serving(tmp_path):
        assert gamehall(tmp_path, "client", "create", "late", "--public").stdout == "client late  (public)\n"


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"nonsense\n",
        b"{}\n",
        b'{"type": "drop"}\n',
        b'{"type": "user", "username": "x"}\n',
        b'{"type": "user", "username": 5, "email": "a", "password": "b", "roles": []}\n',
        b"\xff\xfe\n",
        b"[" * 60_000 + b"\n",
        b"x" * 200_000 + b"\n",
        b'{"type": "client", "client_key": "half',
        b"",
    ],
    ids=["empty", "no JSON", "nothing", "unknown", "half", "wrong kind", "no text", "deep", "too long", "no end", "no line"],
)
def test_what_is_no_order_changes_nothing(open_world, line):
    folder = open_world
    answer = json.loads(said(folder, line))

    assert "does not understand" in answer["problem"]
    assert beside.ask(sqlite_url(folder), beside.AddClient(f"after{os.urandom(4).hex()}", "After", True, [])) == ""


@pytest.fixture(scope="module")
def open_world(tmp_path_factory):
    """A folder whose database a server of this process has open."""
    folder = tmp_path_factory.mktemp("w")
    world = World(settings_for(sqlite_url(folder), "auto"))
    yield folder
    world.close()


def test_another_user_gets_no_answer_and_sends_no_secret(open_world, monkeypatch):
    """The file's mode keeps others away; what it does not stop, such as root, is refused at both ends."""
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)

    assert said(open_world, b'{"type": "client", "client_key": "stolen", "name": "x", "public": true, "roles": []}\n') == b""
    with pytest.raises(Unusable, match="a server of another user"):
        beside.ask(sqlite_url(open_world), beside.AddClient("stolen", "x", True, []))

    monkeypatch.undo()
    assert beside.ask(sqlite_url(open_world), beside.AddClient("stolen", "x", True, [])) == ""


def test_a_backup_is_given_up_when_the_server_ends(tmp_path):
    """A database that is long to copy, on a server that is told to end at once: it does, and leaves no half of a file."""
    with serving(tmp_path) as server:
        assert server.end() == 0
    with sqlite3.connect(tmp_path / "gamehall.db") as connection:
        connection.execute("CREATE TABLE ballast (body BLOB)")
        connection.executemany("INSERT INTO ballast VALUES (randomblob(1000000))", [()] * 150)
    connection.close()
    done = []
    with serving(tmp_path) as server:
        backup = threading.Thread(target=lambda: done.append(gamehall(tmp_path, "backup", str(tmp_path / "kept.backup"))))
        backup.start()
        while not list(tmp_path.glob(".kept.backup-*")):
            assert not done, done
        assert server.end() == 0
        backup.join()

    assert (done[0].returncode, "the server ended before it answered" in done[0].stderr) == (1, True), done
    assert list(tmp_path.glob("*kept.backup*")) == []
