"""What tags do to the records of a module."""

from typing import Any

from sqlalchemy import bindparam, delete

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.parts import Part
from gamehall_server.kit.storage import Query
from gamehall_server.kit.tags import wrong_with_tags
from gamehall_server.modules.tags.tables import tagged

_t = tagged.table
_forget = Query(delete(_t).where(_t.c.kind == bindparam("kind"), _t.c.record == bindparam("record")))


class Tagged(Part):
    """A part of a Resource whose records have `tags`: a repeated text of the message, kept as bytes in a column of that name."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    async def check(self, call: Call, message: Any, path: str) -> None:
        """Each tag once, in the order of their letters. Raises Invalid."""
        wrong = wrong_with_tags(message.tags, f"{path}.tags")
        if wrong:
            raise Invalid(violations=tuple(wrong))
        message.tags[:] = sorted(set(message.tags))

    async def keep(self, call: Call, id: Any, message: Any, found: None, *, new: bool) -> None:
        """Writes what lists find the record by."""
        if not new:
            call.db.later(_forget, kind=self._kind, record=str(id))
        for tag in message.tags:
            call.db.later(tagged.insert, kind=self._kind, record=str(id), tag=tag)

    async def drop(self, call: Call, id: Any) -> None:
        """Nothing finds it any more."""
        call.db.later(_forget, kind=self._kind, record=str(id))
