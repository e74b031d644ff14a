"""The servers that are compared: how each is started, when it is ready, how it is stopped."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NamedTuple

from bench import dataset
from bench.machine import pinned_to

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
PATIENCE = 60.0
"""Seconds until a server that does not answer is given up."""


class Subject(NamedTuple):
    """A server under test."""

    name: str
    title: str
    command: str
    """Arguments of python, with {http}, {grpc} and {database} to be filled in."""
    http: tuple[str, ...] = ()
    """Scenarios to run over HTTP/1.1."""
    grpc: tuple[str, ...] = ()
    """Scenarios to run over gRPC."""
    engine: str = "auto"
    product: bool = False
    settings: tuple[tuple[str, str], ...] = ()
    """Further variables of its environment."""


SERVE = "-m gamehall_server serve --http-port {http} --grpc-port {grpc} --database-url {database}"
SUBJECTS = (
    Subject("gamehall", "Gamehall", SERVE, http=("get", "list", "create"), grpc=("get", "create"), engine="native", product=True),
    Subject("gamehall-grpcio", "Gamehall, grpcio engine", SERVE, grpc=("get", "create"), engine="grpcio", product=True),
    Subject("raw", "raw ASGI + driver", "-m bench.references.raw_asgi --port {http}", http=("get", "list", "create")),
    Subject("fastapi", "FastAPI + SQLModel", "-m bench.references.fastapi_sqlmodel --port {http}", http=("get", "list", "create")),
    Subject("raw-grpc", "raw pygrpc-native + driver", "-m bench.references.raw_grpc --port {grpc}", grpc=("get", "list", "create")),
    Subject("echo", "grpc.aio echo, no database", "-m bench.references.grpc_echo --port {grpc}", grpc=("echo",)),
)


class Server(NamedTuple):
    """A running one."""

    pid: int
    http_port: int
    grpc_port: int
    started: float
    """`time.perf_counter()` just before its process was started."""


class DidNotStart(Exception):
    """A server ended, or never answered; holds what it printed."""


def free_port() -> int:
    """A port that nobody listens on now, from below those that the kernel gives by itself: no neighbour gets it while a server starts."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, 10_000 + secrets.randbelow(22_000)))
            port: int = probe.getsockname()[1]
            return port


def environment(database_url: str) -> dict[str, str]:
    """What a process needs that runs from this tree, and keeps its bytecode, as what is installed does."""
    paths = os.pathsep.join(str(ROOT / part) for part in (".", "server", "bridge", "generated"))
    # Everybody who signs in has one address here.
    ours = {"GAMEHALL_ROOT_KEY": dataset.ROOT_KEY, "GAMEHALL_NETWORK_TRIES": "1000000"}
    return os.environ | ours | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "", "DATABASE_URL": database_url}


@contextmanager
def running(subject: Subject, database_url: str, log: Path, cores: set[int] | None = None) -> Iterator[Server]:
    """Starts a server, on these cores only if told, waits until it accepts connections, and stops it at the end."""
    http_port, grpc_port = free_port(), free_port()
    arguments = [part.format(http=http_port, grpc=grpc_port, database=database_url) for part in subject.command.split()]
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=environment(database_url) | {"GAMEHALL_GRPC_ENGINE": subject.engine, **dict(subject.settings)},
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=pinned_to(cores) if cores else None,
        )
        try:
            for port in [http_port] * bool(subject.http) + [grpc_port] * bool(subject.grpc):
                _wait(process, port, log)
            yield Server(process.pid, http_port, grpc_port, started)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), 1).close()
            return
        except OSError:
            time.sleep(0.005)
    raise DidNotStart(log.read_text(errors="replace")[-3000:])


def ask(port: int, method: str, path: str, token: str, body: object = None) -> tuple[int, object]:
    """One HTTP call, by nobody where `token` is empty: status and JSON answer."""
    connection = HTTPConnection(HOST, port, timeout=30)
    try:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except HTTPException as broken:
        raise DidNotStart(f"{method} {path}: {broken!r}") from broken
    finally:
        connection.close()
