"""The benchmarks' commands, each for a moment: they measure what they say, fail with a sentence, and write their page. No figures."""

import asyncio
import contextlib
import re
import subprocess
import sys

import pytest

from bench.fill import fill
from bench.load.__main__ import measure
from bench.load.job import Job
from bench.servers import ROOT, SUBJECTS, environment, running
from tests.bench.documented import NAKAMA_KEY, SUPERUSER, Nakama, PocketBase, documented

pytestmark = pytest.mark.xdist_group("bench")
SHORT = ("--seconds", "0.3", "--warmup", "0.2")
PEER = (*SHORT, "--users", "2", "--objects", "50", "--prepared", "20", "--in-flight", "2")
CALLS = ["account,", "read", "durable", "list", "password"]


def command(name, *arguments, **settings):
    """`python -m bench.<name>`."""
    given = {**environment(""), **settings}
    return subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *arguments], env=given, cwd=ROOT, capture_output=True, text=True, check=False
    )


def table(page):
    """The rows of the only table of a page, as lists of cells."""
    rows = [line.strip("|").split("|") for line in page.read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_workers_are_compared_call_by_call(tmp_path):
    done = command("workers", *SHORT, "--rounds", "1", "--page", str(tmp_path / "page.md"))

    assert done.returncode == 0, done.stderr
    rows = table(tmp_path / "page.md")
    assert [row[0] for row in rows] == ["HTTP get", "HTTP list", "gRPC get", "HTTP create", "gRPC create"]
    assert all("passed" in cell or "missed" in cell for row in rows for cell in (row[4], row[10]))
    assert "calls failed" not in (tmp_path / "page.md").read_text()


def test_idle_streams_and_connections_are_held_on_both_engines(tmp_path):
    done = command("idle", "--many", "120", "--seconds", "0.3", "--page", str(tmp_path / "page.md"))

    assert done.returncode == 0, done.stderr
    assert [row[:2] for row in table(tmp_path / "page.md")] == [["Gamehall", "passed"], ["Gamehall, grpcio engine", "passed"]]


def test_reads_are_measured_beside_logins_at_both_doors(tmp_path):
    done = command("logins", *SHORT, "--rounds", "1", "--logins", "3", "--page", str(tmp_path / "page.md"))

    assert done.returncode == 0, done.stderr
    assert [row[0] for row in table(tmp_path / "page.md")] == ["HTTP", "gRPC"]
    assert "calls failed" not in (tmp_path / "page.md").read_text()


def test_the_check_of_a_known_token_is_told_in_microseconds():
    done = command("token_check")

    assert not done.stderr
    assert re.fullmatch(r"a known token costs \d+\.\d\d us \(bar: 10 us\)\n", done.stdout)


async def slow(reader, writer):
    """Answers, 20 ms after each request."""
    with contextlib.suppress(asyncio.IncompleteReadError):
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(0.02)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    writer.close()


def test_what_is_offered_counts_from_when_it_was_due():
    """One connection takes 50 requests a second at most. Of 1,000 that are offered, most have long been due when they are sent."""

    async def both():
        server = await asyncio.start_server(slow, "127.0.0.1", 0)
        job = Job(
            door="http", scenario="", port=server.sockets[0].getsockname()[1], requests=[b"GET / HTTP/1.1\r\n\r\n"],
            seed=0, connections=1, warmup=0.2, seconds=0.3, watch={},
        )  # fmt: skip
        closed = await measure(job)
        job.rate = 1000
        return closed, await measure(job)

    closed, offered = asyncio.run(both())

    assert not closed.failures
    assert not offered.failures
    assert offered.p50 > 3 * closed.p50


def told(done):
    """The first word of each line of figures, and whether each says that something was answered."""
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    rows = lines[lines.index(next(line for line in lines if line.startswith("call "))) + 1 :]
    return [row.split()[0] for row in rows], [float(row.split()[-3].replace(",", "")) > 0 for row in rows]


def test_a_running_gamehall_is_measured_as_a_peer(tmp_path):
    url = f"sqlite:///{tmp_path / 'peer.db'}"
    fill(url, 1)
    with running(SUBJECTS[0], url, tmp_path / "log") as server:
        done = command("peer", *PEER, URL=f"http://127.0.0.1:{server.http_port}", KIND="gamehall")

    assert told(done) == (CALLS, [True] * 5)


@pytest.mark.parametrize(
    "kind, api, settings",
    [
        ("nakama", Nakama, {"NAKAMA_SERVER_KEY": NAKAMA_KEY}),
        ("pocketbase", PocketBase, {"POCKETBASE_EMAIL": SUPERUSER["identity"], "POCKETBASE_PASSWORD": SUPERUSER["password"]}),
    ],
)
def test_other_peers_are_asked_as_their_documents_say(kind, api, settings):
    with documented(api()) as url:
        done = command("peer", *PEER, URL=url, KIND=kind, **settings)
        refused = command("peer", *PEER, URL=url, KIND=kind)

    assert told(done) == (CALLS, [True] * 5)
    assert refused.returncode == 1
    assert refused.stderr.startswith("bench-peer: ")
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ((), "where is the server?"),
        (("--url", "http://127.0.0.1:9", "--kind", "oracle"), "unknown kind 'oracle'"),
        (("--url", "https://127.0.0.1:9"), "must be http://host:port"),
        (("--url", "http://127.0.0.1:9"), "Connection refused"),
        (("--url", "http://127.0.0.1:9", "--objects", "10"), "every user needs 25 objects"),
    ],
)
def test_a_peer_that_cannot_be_measured_is_explained(arguments, sentence):
    done = command("peer", *arguments)

    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
