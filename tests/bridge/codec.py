"""JSON into messages of the fixture and back, through a bridge."""

import json
from typing import Any

from gamehall_bridge.app import Bridge
from gamehall_server.kit.validation import compile_check

from tests.bridge.http_contract import Echo, Operation, call, rpcs_of, type_of
from tests.bridge.http_wire import Answer


class Codec:
    """A bridge with one operation for each of these messages, which takes it as body and answers with it."""

    def __init__(self, *names: str) -> None:
        self._echo = Echo(rpcs_of(*(Operation(f"PUT /{name}", name, name, "*") for name in names)))
        self._bridge = Bridge(self._echo)

    def put(self, name: str, body: bytes) -> Any:
        """The message that a body is read as, or the answer that refuses it."""
        self._echo.asked.clear()
        answer = call(self._bridge, "PUT", f"/{name}", body=body)
        assert answer.status == (200 if self._echo.asked else 400), answer
        return self._echo.asked[0][1] if self._echo.asked else answer

    def read(self, name: str, value: Any) -> Any:
        """A message read from JSON that is right."""
        message = self.put(name, json.dumps(value).encode())
        assert isinstance(message, type_of(name)), message
        return message

    def wrong_with(self, name: str, value: Any) -> dict[str | None, str]:
        """What is wrong with JSON for a message, by field."""
        return told(self.put(name, json.dumps(value).encode()))

    def answered(self, message: Any) -> bytes:
        """A message as an answer's body."""
        self._echo.answer = message
        try:
            return call(self._bridge, "PUT", f"/{message.DESCRIPTOR.full_name.partition('.')[2]}").body
        finally:
            self._echo.answer = None

    def written(self, name: str, /, **fields: Any) -> Any:
        """The JSON of a message."""
        return json.loads(self.answered(type_of(name)(**fields)))

    def through(self, message: Any) -> Any:
        """A message, written as JSON and read again."""
        return self.put(message.DESCRIPTOR.full_name.partition(".")[2], self.answered(message))


def told(answer: Any) -> dict[str | None, str]:
    """What a refusal says of each field."""
    assert isinstance(answer, Answer), answer
    assert answer.status == 400, answer
    return {result["field"]: result["message"] for result in answer.json()["result"]}


def unruly(name: str, /, **fields: Any) -> dict[str, str]:
    """Which rules of the contract a message breaks, by the field's path in the message."""
    message = type_of(name)(**fields)
    return {violation.field: violation.message for violation in compile_check(message.DESCRIPTOR)(message)}
