"""One request and its answer on uvicorn, with a shorter way for an answer that is whole."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gamehall_bridge.answers import WHOLE, lines


class Cycle(RequestResponseCycle):
    """uvicorn's, which looks at each header on its own and writes twice; an answer that is whole is written at once."""

    async def send(self, message: Any) -> None:
        """Sends a message of ASGI, or a whole answer."""
        if message["type"] != WHOLE:
            await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self.response_started:
            raise RuntimeError("the answer has begun already")
        self.answer(message)

    def answer(self, message: Any) -> None:
        """Writes a whole answer, where nothing else is to be written first."""
        self.response_started = self.response_complete = True
        self.message_event.set()
        close = b"" if self.keep_alive else b"connection: close\r\n"
        head = (STATUS_LINE[message["status"]], lines(self.default_headers), message["head"], close, b"\r\n", message["body"])
        self.transport.write(b"".join(head))
        if close:
            self.transport.close()
        self.on_response()
