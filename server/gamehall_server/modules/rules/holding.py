"""What rules will change is held before they are asked, in one statement for all of a kind: where each statement is a round trip, those
for single rows would be most of what rules take."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.rules import tables
from gamehall_server.modules.rules.expressions import Failed, Node
from gamehall_server.modules.rules.ruleset import Compiled
from gamehall_server.modules.users import hold_all


class Context(NamedTuple):
    """What expressions of a rule read."""

    parameters: dict[str, Any]
    db: Handle
    now: Micros
    globals: tables.Globals


async def held(db: Handle, events: Sequence[tuple[dict[str, Any], Sequence[Compiled]]], globals: tables.Globals, now: Micros) -> set[int]:
    """The users whom the rules of some events will change, as far as that is known before; the globals that they will, too, are held.

    A guess, and nothing hangs on it: whoever is not held here is when an action comes to it.
    """
    users: set[int] = set()
    places: set[tuple[str, str]] = set()
    if not db.far:
        return users
    for parameters, rules in events:
        context = Context(parameters, db, now, globals)
        for rule in rules:
            if rule.holds and _known(rule.condition, context, True) is True:
                for node in rule.holds.users:
                    user = _known(node, context)
                    if isinstance(user, int):
                        users.add(user)
                for which, scopes in rule.holds.globals:
                    where = _known(scopes, context, {})
                    if isinstance(where, dict):
                        places.add((which, tables.place_of(where)))
    await globals.hold_all(places)
    return await hold_all(db, users) if users else users


def _known(node: Node | None, context: Context, absent: Any = None) -> Any:
    """The value of a node that waits for nothing; None for one that does, or fails."""
    if node is None:
        return absent
    if node.waits:
        return None
    try:
        return node.run(context)
    except Failed:
        return None
