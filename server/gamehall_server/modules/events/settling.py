"""What every deployment starts with: the triggers that the contract declares."""

import logging

from gamehall.events.v1 import triggers_pb2 as pb

from gamehall_server.kit.comments import comment
from gamehall_server.kit.events import Declared, declared
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.events import tables
from gamehall_server.modules.events.variables import VARIABLES

log = logging.getLogger("gamehall.events")


async def settle_triggers(db: Handle) -> None:
    """Writes the triggers of this version where they are missing or were another version's. Raises ValueError for a declared event whose
    parameters are of no variable type."""
    kept = await tables.built_in(db)
    for event in declared().values():
        wanted = (event.name.replace("_", " ").capitalize(), comment(event.full_name), event.category, _parameters(event))
        row = kept.get(event.name)
        if row is not None and (row.trigger_name, row.trigger_description, row.category, row.parameters) == wanted:
            continue
        if row is None and await tables.trigger_named(db, event.name) is None:
            title, told, about, tells = wanted
            values = {"trigger_name": title, "trigger_description": told, "category": about, "parameters": tells}
            db.later(tables.triggers.insert, event_name=event.name, **values, system_trigger=True, tags=None)
            continue
        if row is None:
            log.warning("the trigger %s of the application's own is this version's now", event.name)
        tables.rewrite(db, event.name, *wanted)


def _parameters(event: Declared) -> bytes | None:
    told = pb.Trigger()
    for each in event.parameters.values():
        if each.variable not in VARIABLES:
            raise ValueError(f"{event.full_name}.{each.name} is of no variable type: {each.variable}")
        told.parameters.add(name=each.name, type=each.variable, optional=each.optional)
    return told.SerializeToString(deterministic=True) or None
