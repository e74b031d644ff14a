"""What resources keep of their records beside their columns, and what records of others they are held to."""

from typing import Any

from sqlalchemy import Column, bindparam, select

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.mapping import Embed
from gamehall_server.kit.storage import Query


class Part:
    """What a resource keeps beside its columns, in tables of its own: words that group records, properties that lists find them by."""

    async def check(self, call: Call, message: Any, path: str) -> Any:
        """Before a record is written, whose message it may complete; gives what `keep` wants to know. Raises Invalid."""

    async def keep(self, call: Call, id: Any, message: Any, found: Any, *, new: bool) -> None:
        """After it was written as the message says."""

    async def drop(self, call: Call, id: Any) -> None:
        """The record is deleted."""


class ChosenRecord(Part):
    """A record that a caller chooses by its id must be there."""

    def __init__(self, chosen: tuple[str, Embed]) -> None:
        self._name, self._embed = chosen
        self._there = by_id(self._embed)

    async def check(self, call: Call, message: Any, path: str) -> None:
        if message.HasField(self._name) and await call.db.one(self._there, id=getattr(message, self._name).id) is None:
            whole: Any = self._embed.columns[0].table
            raise Invalid(f"no {getattr(whole, 'element', whole).name} has this id", field=f"{path}.{self._name}.id")


def by_id(embed: Embed) -> Query[tuple[Any, ...]]:
    """Reads what an embedded record shows."""
    key = embed.columns[0]
    return Query(select(*embed.columns).where(key == bindparam("id", type_=key.type)), seeks=True)


def users_of(key: Column[Any]) -> list[tuple[str, Query[Any]]]:
    """Tables whose rows refer to the rows with this key and stay when these go, and the look for one."""
    found = []
    for table in key.table.metadata.sorted_tables:
        for foreign in table.foreign_keys:
            if foreign.column is key and foreign.ondelete is None:
                used = select(foreign.parent).where(foreign.parent == bindparam("id", type_=key.type)).limit(1)
                found.append((table.name.replace("_", " "), Query(used)))
    return found
