"""What rules rely on stays as they need it."""

from typing import Any

from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid
from gamehall_server.modules.rules import tables
from gamehall_server.modules.rules.ruleset import compiled, known, rule_of


async def refuse_broken(call: Call, trigger: str) -> None:
    """After a trigger was changed or deleted in this transaction. Raises Invalid where a rule that is about it, or fires it, needs it as it
    was."""
    there = await known(call.db)
    rows: list[Any] = await call.db.all(tables.using, event=trigger)
    for row in rows:
        if compiled(rule_of(row), there).wrong:
            raise Invalid(f"in use by: the rule {row.id}", field="event_name", reason=ErrorReason.ERROR_REASON_IN_USE)
