"""Server streams over HTTP: the answer begins at once and goes on until there is no more to say or nobody to say it to.

REST gives server-sent events (HTML Standard, section 9.2): one event `message` per message of the stream, with the published JSON as its
data and its number in this answer as its id. A stream begins with the present state and not after an id, so Last-Event-ID is not looked at.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from typing import Any, Protocol

from gamehall_server.kit.errors import Fault, TimedOut
from gamehall_server.kit.streams import steps
from google.protobuf.message import Message

from gamehall_bridge.binding import Binding
from gamehall_bridge.errors import Headers, refusal

# Silence after which a comment shows that the connection lives, to both sides and to what stands between them.
BEAT_SECONDS = 15.0
_RETRY = b"retry: 3000\n\n"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Form(Protocol):
    """How a stream is written. `begins` comes first; `beat` breaks a silence, where it is not empty."""

    begins: bytes
    beat: bytes

    @property
    def content_type(self) -> bytes:
        """Of the whole stream."""
        ...

    def message(self, message: Message) -> bytes:
        """One message."""
        ...

    def end(self, fault: Fault | None, number: str) -> bytes:
        """The last word; `fault` is why it is the last, where that is not because all is said."""
        ...


class Events:
    """Server-sent events of one route."""

    begins = _RETRY
    beat = b":\n\n"
    content_type = b"text/event-stream"

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._number = 0

    def message(self, message: Message) -> bytes:
        """An event with the published JSON."""
        self._number += 1
        return b"id: %d\nevent: message\ndata: %b\n\n" % (self._number, self._binding.write(message))

    def end(self, fault: Fault | None, number: str) -> bytes:
        """Nothing, or the event `error` with the published shape."""
        if fault is None:
            return b""
        return b"event: error\ndata: " + refusal(fault, number, self._binding, False)[1] + b"\n\n"


async def send_stream(
    receive: Receive,
    send: Send,
    headers: Headers,
    form: Form,
    messages: AsyncGenerator[Message, None],
    number: str,
    seconds: float | None = None,
    *,
    head: bool = False,
) -> None:
    """Sends all of a stream, or of a HEAD its head, and closes the messages. `seconds` is all the time the client gives it."""
    headers = [*headers, (b"content-type", form.content_type), (b"x-accel-buffering", b"no")]
    gone = asyncio.ensure_future(_gone(receive))
    last = b""
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if not head:
            await send({"type": "http.response.body", "body": form.begins, "more_body": True})
            async with asyncio.timeout(seconds), aclosing(steps(messages, gone, BEAT_SECONDS)) as found:
                async for message in found:
                    part = form.beat if message is None else form.message(message)
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            last = form.end(None, number)
    except Fault as fault:
        last = form.end(fault, number)
    except TimeoutError:
        last = form.end(TimedOut(), number)
    finally:
        gone.cancel()
        await messages.aclose()
    await send({"type": "http.response.body", "body": last})


async def _gone(receive: Receive) -> None:
    """Ends when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
