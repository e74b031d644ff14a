"""The consumer of the outbox that sends mail."""

from collections.abc import Awaitable, Callable, Mapping

from gamehall_server.kit.dispatch import Consumer, Delivery, GiveUp
from gamehall_server.modules.mail.letters import Letter, Templates
from gamehall_server.modules.mail.ways import Way

Writer = Callable[[Delivery], Awaitable[Letter | None]]


class Mailer:
    """Sends a letter for each event that a writer makes one of. `writers`: by the type of the event."""

    def __init__(self, way: Way, templates: Templates, sender: Callable[[], str], writers: Mapping[str, Writer]) -> None:
        self._way = way
        self._templates = templates
        self._sender = sender
        self._writers = writers

    @property
    def consumer(self) -> Consumer:
        """Takes the events that become mail."""
        return Consumer("mail", tuple(self._writers), self._take)

    async def _take(self, delivery: Delivery) -> None:
        letter = await self._writers[delivery.type](delivery)
        if letter is None:
            return
        number = f"{delivery.at}.{delivery.seq}"
        try:
            message = self._templates.message(letter, self._sender(), number)
        except ValueError as problem:
            raise GiveUp(f"no mail can be made of it: {type(problem).__name__}") from None
        await self._way.send(message, number)
