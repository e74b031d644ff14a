"""The comments API over gRPC as a skilled engineer would write it by hand for speed: pygrpc-native's events, the database's driver,
prepared SQL, no framework."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

import grpc
import uvloop
from gamehall.comments.v1 import comments_pb2 as pb
from google.protobuf.message import DecodeError

from bench.references import command_line
from bench.references.known_tokens import KnownTokens, NoToken
from bench.references.raw_storage import Row, Storage, open_storage
from bench.references.summary import summary_of

# By its module name: `from pygrpc_native import aio` recurses without end in 0.5.0.
native = import_module("pygrpc_native.aio")
cancelled = import_module("pygrpc_native._native").EVENT_CANCEL
SERVICE = "gamehall.comments.v1.CommentService"
LONGEST = {"context": 100, "context_id": 100, "content": 10_000}
Method = Callable[[bytes, int], Awaitable[bytes]]


class Refused(Exception):
    """A code of gRPC's, and a sentence."""


def shown(row: Row, comment: pb.Comment) -> None:
    """Puts a joined row where the API shows it."""
    number, context, context_id, content, created, updated, user_id, username, display_name, avatar_url = row
    comment.id, comment.context, comment.context_id, comment.content = number, context, context_id, content
    comment.summary = summary_of(content)
    comment.created_date, comment.updated_date = created // 1_000_000, updated // 1_000_000
    if user_id is not None:
        user = comment.user
        user.id, user.username, user.display_name = user_id, username, display_name
        if avatar_url is not None:
            user.avatar_url = avatar_url


class Comments:
    """Three methods, from bytes to bytes."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def get(self, payload: bytes, user_id: int) -> bytes:
        """GetComment."""
        row = await self._storage.get(pb.GetCommentRequest.FromString(payload).id)
        if row is None:
            raise Refused(grpc.StatusCode.NOT_FOUND, "no such comment")
        answer = pb.GetCommentResponse()
        shown(row, answer.comment)
        return answer.SerializeToString()

    async def list(self, payload: bytes, user_id: int) -> bytes:
        """ListComments: those of one object."""
        asked = pb.ListCommentsRequest.FromString(payload)
        size, page = asked.size or 25, asked.page or 1
        if not (asked.context and asked.context_id) or not 1 <= size <= 1000 or page < 1:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "context, context_id, size or page")
        rows, total = await self._storage.page(asked.context, asked.context_id, size, (page - 1) * size)
        answer = pb.ListCommentsResponse()
        for row in rows:
            shown(row, answer.content.add())
        info, pages = answer.page_info, -(-total // size)
        info.last, info.total_pages, info.total_elements, info.first = page >= pages, pages, total, page == 1
        info.number_of_elements, info.size, info.number = len(rows), size, page - 1
        return answer.SerializeToString()

    async def create(self, payload: bytes, user_id: int) -> bytes:
        """CreateComment."""
        comment = pb.CreateCommentRequest.FromString(payload).comment
        values = comment.context, comment.context_id, comment.content
        for name, value in zip(LONGEST, values, strict=True):
            if not 0 < len(value) <= LONGEST[name]:
                raise Refused(grpc.StatusCode.INVALID_ARGUMENT, f"{name} must be a text of 1 to {LONGEST[name]} characters")
        author = await self._storage.user(user_id)
        if author is None:
            raise Refused(grpc.StatusCode.UNAUTHENTICATED, "no such user")
        now = time.time_ns() // 1000
        number = await self._storage.insert((*values, user_id, now, now))
        answer = pb.CreateCommentResponse()
        shown((number, *values, now, now, *author), answer.comment)
        return answer.SerializeToString()


class Server(native.Server):  # type: ignore[name-defined, misc]  # Known only once it is imported.
    """Takes the library's events before it makes a context of them."""

    def __init__(self, methods: dict[str, Method]) -> None:
        super().__init__(options=[], io_threads=2)
        unused: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(lambda request, context: request)
        self.add_registered_method_handlers(SERVICE, dict.fromkeys(methods, unused))
        self._methods = methods
        self._known = KnownTokens("Bearer ")
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Opens the door."""
        await super().start()
        self._by_number = [self._methods[path.rpartition("/")[2]] for path, _ in self._table]

    def _on_events(self, events: list[tuple[Any, ...]]) -> None:
        for kind, call_id, method_id, payload, _, details in events:
            if kind != cancelled:
                task = self._loop.create_task(self._answer(call_id, self._by_number[method_id], payload, details[0]))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _answer(self, call_id: int, method: Method, payload: bytes, metadata: tuple[tuple[str, str], ...]) -> None:
        try:
            user_id = self._known.user(next((value for key, value in metadata if key == "authorization"), ""))
            self._front.respond(call_id, await method(payload, user_id), None, [])
        except NoToken:
            self._front.fail(call_id, grpc.StatusCode.UNAUTHENTICATED.value[0], "not a valid token", [])
        except DecodeError:
            self._front.fail(call_id, grpc.StatusCode.INVALID_ARGUMENT.value[0], "not a message", [])
        except Refused as refused:
            self._front.fail(call_id, refused.args[0].value[0], refused.args[1], [])


async def main() -> None:
    storage = open_storage(command_line.database_url())
    await storage.open()
    comments = Comments(storage)
    server = Server({"GetComment": comments.get, "ListComments": comments.list, "CreateComment": comments.create})
    server.add_insecure_port(f"127.0.0.1:{command_line.port()}")
    await server.start()
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()
    await server.stop(1)
    await storage.close()


if __name__ == "__main__":
    uvloop.run(main())
