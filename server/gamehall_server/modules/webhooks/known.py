"""Every webhook of a deployment, in memory: which events are wanted, and which of them nothing is sent to."""

from functools import partial
from typing import Any, NamedTuple

from gamehall.webhooks.v1 import webhooks_pb2 as pb

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.kept import Kept
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.webhooks import tables


class Known(NamedTuple):
    """A webhook, as far as posting goes."""

    id: int
    names: frozenset[str]
    paused: bool
    disabled: bool
    failing_since: Micros | None

    def wants(self, event: str) -> bool:
        """Whether events of this name are kept for it."""
        return not self.disabled and (not self.names or event in self.names)


async def read(db: Handle) -> dict[int, Known]:
    """As the database has them."""
    found: dict[int, Known] = {}
    row: Any
    for row in await db.all(tables.every):
        names = frozenset(pb.Webhook.FromString(row.event_names or b"").event_names)
        found[row.id] = Known(row.id, names, bool(row.paused), row.disabled_reason is not None, row.failing_since)
    return found


class Webhooks:
    """What a process knows of webhooks."""

    def __init__(self) -> None:
        self.kept = Kept(read)

    def wants(self, event: str) -> bool:
        """Whether somebody wants events of this name."""
        return any(each.wants(event) for each in self.kept.value.values())

    def get(self, id: int) -> Known | None:
        """One of them."""
        return self.kept.value.get(id)

    async def changed(self, db: Handle) -> None:
        """This process knows with the commit of what was changed in the transaction of `db`."""
        db.after(partial(self.kept.put, await read(db)))
