"""After a change of what a template marks: the records that have it are found by what it marks now. It goes through them by and by, some in
each transaction, so that it holds nobody up, and goes on after a restart."""

from collections.abc import Callable

from gamehall.templates.v1.template_pb2 import Template

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.dispatch import Consumer, Delivery, Finish
from gamehall_server.kit.events import task
from gamehall_server.kit.outbox import Outbox
from gamehall_server.kit.properties import definitions_of
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.templates import tables
from gamehall_server.modules.templates.families import REINDEX, Reindex
from gamehall_server.modules.templates.part import Use, parts

TOGETHER = 200


class Reindexing:
    """The consumer of changes of what templates mark."""

    def __init__(self, outbox: Outbox, now: Callable[[], Micros]) -> None:
        self._outbox = outbox
        self._now = now
        self.consumer = Consumer("templates", (REINDEX,), self._take)

    async def _take(self, delivery: Delivery) -> Finish:
        kind, template_id, after = delivery.body["kind"], delivery.body["template_id"], delivery.body["after"]

        async def finish(db: Handle) -> None:
            kept, of = await tables.definitions(db, kind, template_id), parts.get(kind)
            if kept is None or of is None:
                return
            use = Use(template_id, definitions_of(Template, *kept))
            given = {} if after is None else {"after": after}
            records = await db.all(of.first if after is None else of.some, template_id=template_id, most=TOGETHER, **given)
            for id, properties in records:
                tables.forget(db, kind, str(id))
                of.index(db, id, of.message.FromString(properties or b"").additional_properties, use)
            if len(records) == TOGETHER:
                await self._outbox.keep(db, self._now(), [task(REINDEX, Reindex(delivery.key, kind, template_id, records[-1][0]))])

        return finish
