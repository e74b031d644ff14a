"""grpcio's own asyncio server, with a loop of ours that accepts its calls.

grpc.aio waits for the next call of every method at once, and looks at all of them again for each call: with some hundred methods that
takes longer than the call. And it reads the path of a call that names no method of ours where nothing catches an error: one that is not
UTF-8 ends the whole server. Here each method has a task that waits for its calls, and whatever names none is answered unread.
It leans on private names of 1.85.1 (`_make_request_call_future`, `_request_call`, `_request_registered_call`, `_server_main_loop`,
`_handle_rpc`, `_schedule_rpc_coro`, `_RequestCallError`), which is why the version is pinned exactly.
"""

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import Any

from grpc._cython import cygrpc
from grpc.aio._server import Server

# What a call that names no method of ours is told to have named.
UNKNOWN = ""
# How many tasks may wait for the calls of one method. More of them refuse more under overload, at nearly the price of an answer each.
MOST_OF_METHOD = 8
# What the library says, with the value, of a header that is not UTF-8: it may be a secret, and is the caller's fault alone.
UNREADABLE = "Invalid encoding on"
# How the error begins of an answer that found its client gone. One that could not even be begun is ours, and begins otherwise.
GONE = 'Failed "execute_batch"'


class _Begun(Exception):
    """The library has opened its door and wants to wait for calls."""


class _AioServer(cygrpc.AioServer):  # type: ignore[misc]  # Compiled, without types.
    """The library's, which accepts calls in its own way."""

    def __init__(self, loop: Any, options: list[tuple[str, Any]]) -> None:
        super().__init__(loop, None, [], None, tuple(options), None)
        self.accepting_loop = loop
        self.under_way: set[asyncio.Task[None]] = set()
        self._handlers: dict[str, Any] = {}

    def add_registered_method_handlers(self, method_handlers: dict[str, Any]) -> None:
        """Called for each service."""
        super().add_registered_method_handlers(method_handlers)
        self._handlers.update(method_handlers)

    def _make_request_call_future(self, _: bytes | None) -> Any:
        raise _Begun

    async def _server_main_loop(self, server_started: Any) -> None:
        with suppress(_Begun):
            await super()._server_main_loop(server_started)
        async with asyncio.TaskGroup() as group:
            for path, handler in [*self._handlers.items(), (UNKNOWN, None)]:
                group.create_task(_Method(self, group, path, handler).accept())


class _Method:
    """Accepts the calls of one method. One task takes one call in each turn of the loop, so there are more of them where calls come
    in crowds: those that nobody takes wait within the library, where no bound of ours sees them."""

    def __init__(self, server: _AioServer, group: asyncio.TaskGroup, path: str, handler: Any) -> None:
        self._server, self._group, self._path, self._handler = server, group, path, handler
        self._next = partial(server._request_registered_call, path.encode()) if path else server._request_call
        self._waiting = 1
        self._last = 0

    async def accept(self) -> None:
        """Takes calls until the server shuts down."""
        server, loop = self._server, self._server.accepting_loop
        with suppress(cygrpc._RequestCallError):
            while True:
                state = await self._next()
                self._grow(int(loop.time() * 1000))
                call = cygrpc._handle_rpc(self._path, self, (), state, loop, False)
                task = loop.create_task(cygrpc._schedule_rpc_coro(call, state, loop, self._path))
                server.under_way.add(task)
                task.add_done_callback(server.under_way.discard)

    def resolve_handler(self, *_: Any) -> Any:
        """Called by the library for each call. None for UNIMPLEMENTED."""
        return self._handler

    def _grow(self, millisecond: int) -> None:
        if millisecond == self._last and self._waiting < MOST_OF_METHOD:
            self._waiting += 1
            self._group.create_task(self.accept())
        self._last = millisecond


class GrpcioServer(Server):
    """What grpc.aio.server() would give."""

    def __init__(self, options: list[tuple[str, Any]]) -> None:
        # Not the library's own: it would make a server that accepts in the library's way.
        self._loop = cygrpc.get_working_loop()
        self._server = _AioServer(self._loop, options)
        logging.getLogger(cygrpc.__name__).addFilter(_may_be_told)


def _may_be_told(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not (str(record.msg).startswith(UNREADABLE) or str(error).startswith(GONE))
