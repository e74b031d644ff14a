"""`gamehall backup` and `gamehall restore`, beside servers that answer, on both databases."""

import os
import re
import shutil
import threading
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import requests
from gamehall_server.kit.clock import SystemClock
from people import PASSWORD
from processes import gamehall, serving

from tests.databases import fresh_database, shared_postgres

KINDS = ("sqlite", "postgresql")
ADMIN = {"GAMEHALL_ADMIN_PASSWORD": PASSWORD}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def tools():
    """The environment in which the tools of the tests' PostgreSQL are found."""
    return {"PATH": f"{shared_postgres()._binaries}{os.pathsep}{os.environ['PATH']}"}


def place(kind, folder):
    """An environment that names a new, empty database."""
    folder.mkdir(exist_ok=True)
    return {**ADMIN, "GAMEHALL_DATABASE_URL": fresh_database(kind, folder)}


@contextmanager
def writers(server, count=4):
    """People who comment without a pause. Gives what was acknowledged: the id, and when."""
    token = server.sign_in("admin").json()["access_token"]
    kept, ending = [], threading.Event()

    def write():
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            while not ending.is_set():
                answer = session.post(server.http + "/comments", json={"context": "c", "context_id": "1", "content": "word " * 100})
                assert answer.status_code == 200, answer.text
                kept.append((answer.json()["id"], SystemClock().now()))

    threads = [threading.Thread(target=write) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield kept
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def wait_for(kept, more):
    wanted = len(kept) + more
    while len(kept) < wanted:
        pass


def comments_at(server):
    found, page = set(), 1
    while True:
        listed = requests.get(server.http + f"/comments?context=c&context_id=1&size=1000&page={page}").json()
        found |= {comment["id"] for comment in listed["content"]}
        if listed["last"]:
            return found
        page += 1


def moment_told(done):
    told = re.search(r"every change acknowledged up to (\S+) \([\d,]+ bytes\)", done.stdout)
    assert told, done.stdout + done.stderr
    return int(datetime.fromisoformat(told.group(1)).timestamp() * 1_000_000)


def test_a_backup_made_under_load_holds_what_was_acknowledged_before_it_ended(kind, tools, tmp_path):
    here, there = place(kind, tmp_path / "here"), place(kind, tmp_path / "there")
    file = tmp_path / "kept.backup"
    with serving(tmp_path / "here", **here) as server:
        with writers(server) as kept:
            wait_for(kept, 50)
            done = gamehall(tmp_path, "backup", str(file), **{**here, **tools})
            wait_for(kept, 50)
        moment = moment_told(done)
        assert requests.get(server.http + "/health").json()["status"] == "UP"
    restored = gamehall(tmp_path, "restore", str(file), **{**there, **tools})
    assert (restored.returncode, restored.stderr) == (0, "")

    with serving(tmp_path / "there", **there) as again:
        found = comments_at(again)
        acknowledged = {number for number, at in kept if at <= moment}
        assert len(acknowledged) >= 50
        assert acknowledged <= found
        assert found <= {number for number, _ in kept}
        assert len(found) < len(kept)
        # It is a database like any other: its administrator signs in, and its numbers go on where they were.
        token = again.sign_in("admin").json()["access_token"]
        body = {"context": "c", "context_id": "1", "content": "after"}
        new = requests.post(again.http + "/comments", json=body, headers={"Authorization": f"Bearer {token}"}).json()
        assert new["id"] > max(found)


def test_on_sqlite_a_backup_holds_what_came_before_the_command_ended_its_copying(tmp_path):
    """The moment told is one of the end: no earlier than what was acknowledged before the command began."""
    here = place("sqlite", tmp_path / "here")
    with serving(tmp_path / "here", **here):
        before = SystemClock().now()
        done = gamehall(tmp_path, "backup", str(tmp_path / "kept.backup"), **here)

        assert before < moment_told(done) <= SystemClock().now()


def test_a_database_that_nobody_has_open_is_backed_up_as_well(kind, tools, tmp_path):
    here, there = place(kind, tmp_path / "here"), place(kind, tmp_path / "there")
    assert gamehall(tmp_path, "user", "create", "ann", "--email", "a@example.com", **here, GAMEHALL_USER_PASSWORD=PASSWORD).returncode == 0

    moment_told(gamehall(tmp_path, "backup", "kept.backup", **{**here, **tools}))

    assert (tmp_path / "kept.backup").stat().st_mode & 0o777 == 0o600
    assert gamehall(tmp_path, "restore", "kept.backup", **{**there, **tools}).returncode == 0
    with serving(tmp_path / "there", **there) as server:
        assert server.sign_in("ann").status_code == 200


@pytest.fixture(scope="module")
def kept(kind, tools, tmp_path_factory):
    """The backup of a database with nobody but the administrator."""
    folder = tmp_path_factory.mktemp("kept")
    here = place(kind, folder / "made")
    assert gamehall(folder, "client", "create", "one", "--public", **here).returncode == 0
    moment_told(gamehall(folder, "backup", "made.backup", **{**here, **tools}))
    return folder / "made.backup"


@pytest.fixture
def backup(kept, tmp_path):
    """The same, the test's own."""
    return Path(shutil.copy(kept, tmp_path / "made.backup"))


def test_a_backup_replaces_no_file(kind, tools, backup, tmp_path):
    before = backup.read_bytes()
    here = place(kind, tmp_path / "other")

    done = gamehall(tmp_path, "backup", str(backup), **{**here, **tools, "GAMEHALL_DATABASE_URL": made(kind, tmp_path, here)})

    assert (done.returncode, backup.read_bytes()) == (1, before)
    assert "is there already, and is not replaced" in done.stderr


def made(kind, tmp_path, here):
    """A database with a schema, at the URL of an environment."""
    assert gamehall(tmp_path, "migrate", **here).returncode == 0
    return here["GAMEHALL_DATABASE_URL"]


def test_a_database_in_use_is_not_restored_over(kind, tools, backup, tmp_path):
    here = place(kind, tmp_path / "here")
    with serving(tmp_path / "here", **here) as server:
        done = gamehall(tmp_path, "restore", str(backup), **{**here, **tools})

        assert done.returncode == 1
        assert {"sqlite": f"in use by another process (pid {server.process.pid})", "postgresql": "has a schema already"}[
            kind
        ] in done.stderr
        assert server.sign_in("admin").status_code == 200


def test_a_database_that_is_there_is_not_restored_over(kind, tools, backup, tmp_path):
    here = place(kind, tmp_path / "here")
    made(kind, tmp_path, here)

    done = gamehall(tmp_path, "restore", str(backup), **{**here, **tools})

    assert done.returncode == 1
    assert {"sqlite": "is there already, and is not replaced", "postgresql": "has a schema already"}[kind] in done.stderr


def test_the_log_of_another_database_is_not_taken_into_a_restored_one(tmp_path):
    here = place("sqlite", tmp_path / "here")
    made("sqlite", tmp_path, here)
    gamehall(tmp_path, "backup", "kept.backup", **here)
    file = tmp_path / "here" / "gamehall.db"
    file.rename(tmp_path / "moved.db")
    file.with_name("gamehall.db-wal").write_bytes(b"left over")

    done = gamehall(tmp_path, "restore", "kept.backup", **here)

    assert done.returncode == 1
    assert "gamehall.db-wal is there already, from another database" in done.stderr
    assert not file.exists()


def test_a_backup_of_the_other_database_is_told_from_one_of_this(kind, tools, backup, tmp_path):
    other = place(next(each for each in KINDS if each != kind), tmp_path / "there")

    done = gamehall(tmp_path, "restore", str(backup), **{**other, **tools})

    assert done.returncode == 1
    assert f"is a backup of {'SQLite' if kind == 'sqlite' else 'PostgreSQL'}; the database is to be" in done.stderr


@pytest.mark.parametrize("harm", ["half", "other bytes", "no backup", "empty", "nowhere", "not ours"])
def test_what_is_no_whole_backup_restores_nothing(kind, tools, backup, tmp_path, harm):
    whole = backup.read_bytes()
    if harm == "half":
        backup.write_bytes(whole[: len(whole) // 2])
    elif harm == "other bytes":
        backup.write_bytes(whole[: len(whole) // 3] + b"\xff" * (len(whole) // 3) + whole[2 * len(whole) // 3 :])
    elif harm in ("no backup", "empty"):
        backup.write_bytes(b"this is no backup" * 1000 if harm == "no backup" else b"")
    elif harm == "nowhere":
        backup.unlink()
    else:
        newer(kind, tools, backup, tmp_path)
    there = place(kind, tmp_path / "there")

    done = gamehall(tmp_path, "restore", str(backup), **{**there, **tools})

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert gamehall(tmp_path, "migrate", **there).stdout == "migrated\n", "something was left in the database"


def newer(kind, tools, backup, tmp_path):
    """Makes the backup one of a version to come."""
    later = place(kind, tmp_path / "later")
    gamehall(tmp_path, "restore", str(backup), **{**later, **tools})
    backup.unlink()
    statement = "UPDATE alembic_version SET version_num = '9999'"
    if kind == "sqlite":
        import sqlite3

        with sqlite3.connect(tmp_path / "later" / "gamehall.db") as connection:
            connection.execute(statement)
        connection.close()
    else:
        name = later["GAMEHALL_DATABASE_URL"].partition("@/")[2].partition("?")[0]
        server = shared_postgres()
        server._run("psql", "-X", "-q", "-h", str(server.folder), "-U", "postgres", "-d", name, "-c", statement)
    moment_told(gamehall(tmp_path, "backup", str(backup), **{**later, **tools}))


def test_without_the_tools_of_postgresql_a_sentence_says_so(tmp_path):
    here = place("postgresql", tmp_path / "here")

    done = gamehall(tmp_path, "backup", "kept.backup", **{**here, "PATH": str(tmp_path)})

    assert done.returncode == 1
    assert done.stderr == "gamehall: pg_dump is not on the PATH: backups of PostgreSQL are made by its client tools, so install them\n"


def test_tools_older_than_the_server_are_told_with_both_versions(tmp_path):
    here = place("postgresql", tmp_path / "here")
    old = tmp_path / "old" / "pg_dump"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 12.4'\n")
    old.chmod(0o755)

    done = gamehall(tmp_path, "backup", "kept.backup", **{**here, "PATH": f"{old.parent}{os.pathsep}{os.environ['PATH']}"})

    assert done.returncode == 1
    assert re.match(r"gamehall: pg_dump is version 12 and the server \d+: put a pg_dump of version \d+ or later", done.stderr)


def test_a_password_stands_in_no_list_of_arguments(tools, tmp_path):
    """A pg_dump that tells what it was given, in place of the true one."""
    here = place("postgresql", tmp_path / "here")
    spy = tmp_path / "spy"
    spy.mkdir()
    told = spy / "told"
    true = shutil.which("pg_dump", path=tools["PATH"])
    script = f'#!/bin/sh\necho "arguments: $@ password: $PGPASSWORD" >> {told}\nexec {true} "$@"\n'
    (spy / "pg_dump").write_text(script)
    (spy / "pg_dump").chmod(0o755)
    url = here["GAMEHALL_DATABASE_URL"].replace("postgres@", "postgres:very-secret@")

    done = gamehall(
        tmp_path, "backup", "kept.backup", **{**here, "GAMEHALL_DATABASE_URL": url, "PATH": f"{spy}{os.pathsep}{tools['PATH']}"}
    )

    assert done.returncode == 0, done.stderr
    arguments, _, password = Path(told).read_text().splitlines()[-1].partition(" password: ")
    assert password == "very-secret"
    assert "very-secret" not in arguments + done.stdout
