"""Commands beside a running server. On SQLite the server owns the file, so the server carries them out.

It listens on a Unix socket beside the database file, for its own user alone. One order is one line of JSON, and so is its answer; the
order may hold a password, which stands nowhere else: in no list of arguments, in no log.
"""

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import msgspec

from gamehall_server.kit.errors import Fault
from gamehall_server.kit.storage import Database, UnsafeSQLite
from gamehall_server.kit.storage.sqlite import SQLiteDatabase
from gamehall_server.kit.storage.sqlite_copy import CopyFailed
from gamehall_server.migrate import SQLITE, Unusable

log = logging.getLogger("gamehall.beside")
# What fits into the address of a Unix socket everywhere.
LONGEST_ADDRESS = 100


class AddUser(msgspec.Struct, tag="user"):
    """`gamehall user create`; its answer is the user's number."""

    username: str
    email: str
    password: str
    roles: list[str]


class AddClient(msgspec.Struct, tag="client"):
    """`gamehall client create`; its answer is the secret, or nothing for a public client."""

    client_key: str
    name: str
    public: bool
    roles: list[str]


class BackUp(msgspec.Struct, tag="backup"):
    """`gamehall backup`, to an absolute path; its answer is a sentence."""

    path: str


class RotateKeys(msgspec.Struct, tag="rotate"):
    """`gamehall rotate-keys`; its answer is a sentence."""

    after_seconds: int | None
    compromised: bool


class VerifyAudit(msgspec.Struct, tag="audit"):
    """`gamehall verify-audit`; its answer is what the chain tells."""

    known: str


Order = AddUser | AddClient | BackUp | RotateKeys | VerifyAudit


class Answer(msgspec.Struct):
    """How an order ended."""

    told: str = ""
    problem: str | None = None


def ask(url: str, order: Order) -> str | None:
    """Has the server that owns a database carry out an order; gives its answer, or None where there is no such server.

    Raises Unusable with the server's sentence where it refuses.
    """
    if not url.startswith(SQLITE):
        return None
    file = Path(url.removeprefix(SQLITE))
    with socket.socket(socket.AF_UNIX) as server:
        try:
            with _address(file) as address:
                server.connect(address)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            return None
        except PermissionError:
            raise Unusable(f"a server of another user has {file}: run this command as that user") from None
        if not _same_user(server):
            raise Unusable(f"a server of another user has {file}: run this command as that user")
        line = b""
        with contextlib.suppress(ConnectionError), server.makefile("rb") as reading:
            server.sendall(msgspec.json.encode(order) + b"\n")
            line = reading.readline()
    if not line.endswith(b"\n"):
        raise Unusable("the server ended before it answered: look whether it was done")
    answer = msgspec.json.decode(line, type=Answer)
    if answer.problem is not None:
        raise Unusable(answer.problem)
    return answer.told


@contextlib.asynccontextmanager
async def side_door(database: Database, perform: Callable[[Order], Awaitable[str]]) -> AsyncIterator[None]:
    """Takes orders while the block runs. Orders that have not ended by then are given up. Only a SQLite file needs it."""
    if not isinstance(database, SQLiteDatabase):
        yield
        return
    busy: set[asyncio.Task[None]] = set()

    async def take(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        try:
            with contextlib.closing(writing):
                await _serve(perform, reading, writing)
        finally:
            busy.discard(task)

    try:
        server = await asyncio.start_unix_server(take, sock=_bound(database.path))
    except OSError as error:
        log.warning("commands beside this server are refused, because their socket cannot be made: %s", error)
        yield
        return
    try:
        yield
    finally:
        server.close()
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        _socket_of(database.path).unlink(missing_ok=True)


async def _serve(perform: Callable[[Order], Awaitable[str]], reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
    with socket.socket(fileno=os.dup(writing.get_extra_info("socket").fileno())) as peer:
        if not _same_user(peer):
            return
    try:
        order = msgspec.json.decode(await reading.readline(), type=Order)
        answer = Answer(await perform(order))
    except (msgspec.MsgspecError, asyncio.LimitOverrunError, ValueError):
        answer = Answer(problem="The running server does not understand this command: it may be of another version.")
    except (Fault, Unusable, CopyFailed, UnsafeSQLite, OSError) as problem:
        answer = Answer(problem=str(problem))
    writing.write(msgspec.json.encode(answer) + b"\n")
    with contextlib.suppress(ConnectionError):
        await writing.drain()


def _socket_of(file: Path) -> Path:
    return file.with_name(file.name + ".sock")


def _bound(file: Path) -> socket.socket:
    """A socket that nobody else may use. Who has the file has the socket, so one that is there was left behind."""
    _socket_of(file).unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX)
    try:
        with _address(file) as address:
            bound.bind(address)
        # It does not listen yet: before this line nobody can connect.
        _socket_of(file).chmod(0o600)
    except OSError:
        bound.close()
        raise
    return bound


@contextlib.contextmanager
def _address(file: Path) -> Iterator[str]:
    """The socket's address. One that is too long for an address goes by way of the open folder, where the system has such a way."""
    path = _socket_of(file)
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _same_user(peer: socket.socket) -> bool:
    """Whether the process at the other end is of our user. Where the system does not tell, the file's mode has to do."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    _, user, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return bool(user == os.geteuid())
