"""pygrpc-native, with a shorter way to our unary RPCs.

Its asyncio server builds a servicer context and a metadata list for every call, which none of our methods looks at. This subclass takes
the events of our unary RPCs before that happens: bytes and metadata in, bytes out. Streams, health and reflection go the library's way.
It leans on private names of 0.5.0 (`_on_events`, `_front`, `_table`, `_calls`, `_send`), one more reason why the version is pinned exactly.
"""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from grpc import StatusCode

from gamehall_server.kit.engines.handlers import Reply, serve_unary
from gamehall_server.kit.invoke import App
from gamehall_server.kit.rpc import Rpc

TOO_LARGE, ENDING = StatusCode.RESOURCE_EXHAUSTED.value[0], StatusCode.UNAVAILABLE.value[0]
MODULE = "pygrpc_native.aio"
# How often a stream looks whether its client has caught up.
BEHIND_SECONDS = 0.05
Serve = Callable[[bytes, tuple[tuple[str, str], ...], str], Awaitable[Reply]]


def native_server(app: App, options: list[tuple[str, Any]]) -> Any:
    """A server as grpc.aio.server() would be. Raises ImportError where the wheel is not installed."""
    # By its module name: `from pygrpc_native import aio` recurses without end in 0.5.0.
    library = import_module(MODULE)
    native = import_module("pygrpc_native._native")

    class Server(library.Server):  # type: ignore[name-defined, misc]  # Known only once it is imported.
        """Answers our RPCs itself."""

        _ours: dict[int, Serve]
        _tasks: dict[int, asyncio.Task[None]]
        _ending: bool

        async def start(self) -> None:
            """Opens the door."""
            self._tasks = {}
            self._ending = False
            self._ours = {}
            await super().start()
            ours = ((number, app.rpcs.get(path)) for number, (path, _) in enumerate(self._table))
            self._ours = {number: _serving(app, rpc) for number, rpc in ours if rpc is not None and not rpc.streams}

        async def stop(self, grace: float | None) -> None:
            """Refuses new calls and lets those under way end for `grace` seconds."""
            self._ending = True
            # Ours and the library's: its own stop knows only of the latter, and closes under the former.
            tasks = [*self._tasks.values(), *(call.task for call in self._calls.values() if call.task is not None)]
            if tasks and grace:
                await asyncio.wait(tasks, timeout=grace)
            late = list(self._tasks.values())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            await super().stop(grace)

        def _on_events(self, events: list[tuple[Any, ...]]) -> None:
            others = []
            ours, tasks, loop = self._ours, self._tasks, self._loop
            for event in events:
                kind, call_id, method_id, payload, _, details = event
                if kind == native.EVENT_CANCEL:
                    task = tasks.get(call_id)
                    if task is not None:
                        task.cancel()
                        continue
                elif (serve := ours.get(method_id)) is not None:
                    if self._ending:
                        self._front.fail(call_id, ENDING, "The server is shutting down.", [])
                        continue
                    if len(payload) > self._receive_limit:
                        self._front.fail(call_id, TOO_LARGE, f"The message is larger than {self._receive_limit} bytes.", [])
                        continue
                    tasks[call_id] = loop.create_task(self._answer(call_id, serve, payload, details))
                    continue
                others.append(event)
            if others:
                super()._on_events(others)

        async def _send(self, call: Any, context: Any, response: Any) -> bool:
            # The library's own waits on a thread for a client that is behind: a few such clients would hold every thread there is.
            data = self._encode(call, context, response)
            if data is None:
                return False
            context._initial_sent = True
            while (sent := self._front.stream_try_send(call.call_id, data)) == native.STREAM_FULL:  # noqa: ASYNC110  # It tells nobody.
                await asyncio.sleep(BEHIND_SECONDS)
            return bool(sent != native.STREAM_CLOSED)

        async def _answer(self, call_id: int, serve: Serve, payload: bytes, details: tuple[Any, ...]) -> None:
            front = self._front
            try:
                reply = await serve(payload, details[0], details[1])
                if reply.code is None:
                    front.respond(call_id, reply.payload, None, reply.trailers)
                else:
                    front.fail(call_id, reply.code, reply.message, reply.trailers)
            except asyncio.CancelledError:
                # The client has gone or its deadline has passed; or the server ends, and the client shall try another.
                front.fail(call_id, ENDING, "The server is shutting down.", [])
            finally:
                del self._tasks[call_id]

    return Server(options=options, io_threads=2)


def _serving(app: App, rpc: Rpc) -> Serve:
    return lambda payload, metadata, peer: serve_unary(app, rpc, payload, metadata, peer)
