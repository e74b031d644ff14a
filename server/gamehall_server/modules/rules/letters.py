"""Letters of rules."""

from collections.abc import Callable

from sqlalchemy import BigInteger, bindparam, select

from gamehall_server.kit.dispatch import Delivery
from gamehall_server.kit.storage import Handle, Query
from gamehall_server.modules.mail import Letter
from gamehall_server.modules.users.tables import users

_address = Query(select(users.table.c.email).where(users.table.c.id == bindparam("id", type_=BigInteger)))


class Letters:
    """Makes mail of what rules say."""

    def __init__(self, reader: Callable[[], Handle]) -> None:
        self._reader = reader

    async def letter(self, delivery: Delivery) -> Letter | None:
        """The letter; None for a user without an address."""
        address = await self._reader().value(_address, id=delivery.body["user_id"])
        told = {name: delivery.body[name] for name in ("subject", "body")}
        return Letter(address, "rule_message", told) if address else None
