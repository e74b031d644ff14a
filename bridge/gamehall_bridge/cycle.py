"""One request and its answer on uvicorn, with a shorter way for an answer that is whole."""

from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gamehall_bridge.answers import WHOLE, lines
from gamehall_bridge.errors import Headers


class Cycle(RequestResponseCycle):
    """uvicorn's, which looks at each header on its own and writes twice; an answer that is whole is written at once."""

    # uvicorn's headers, a new list each time that their date changes, and their lines.
    _common: ClassVar[tuple[Headers, bytes]] = ([], b"")

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
        head = (STATUS_LINE[message["status"]], self._lines_of_all(), message["head"], close, b"\r\n", message["body"])
        self.transport.write(b"".join(head))
        if close:
            self.transport.close()
        self.on_response()

    def _lines_of_all(self) -> bytes:
        if self.default_headers is not Cycle._common[0]:
            Cycle._common = self.default_headers, lines(self.default_headers)
        return Cycle._common[1]
