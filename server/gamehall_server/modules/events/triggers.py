"""Triggers: those of the product, which stay as they are, and those of the application."""

from collections.abc import Awaitable, Callable
from typing import Any

from gamehall.events.v1 import triggers_pb2 as pb
from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Forbidden, Invalid, Violation
from gamehall_server.kit.filters import Written
from gamehall_server.kit.parts import Part
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.storage import holding
from gamehall_server.kit.verbs import Create, Delete, Get, List, Update
from gamehall_server.modules.events import tables
from gamehall_server.modules.events.variables import VARIABLES
from gamehall_server.modules.tags import Tagged, with_every_tag

KIND, CUSTOM = "bre_trigger", "custom"


class _Parameters(Part):
    """Each parameter has a name of its own and a type that there is."""

    async def check(self, call: Call, message: Any, path: str) -> None:
        seen: set[str] = set()
        wrong = []
        for at, each in enumerate(message.parameters):
            if each.name in seen:
                wrong.append(Violation(f"{path}.parameters[{at}].name", "the name of another parameter too"))
            if each.type not in VARIABLES:
                wrong.append(Violation(f"{path}.parameters[{at}].type", f"no variable type; there are: {', '.join(VARIABLES)}"))
            seen.add(each.name)
            # Told either way; and what is derived from what is not the caller's to say.
            each.optional = each.optional
            each.ClearField("implicit")
        if wrong:
            raise Invalid(violations=tuple(wrong))


triggers = Resource(
    tables.TriggerRow,
    pb.Trigger,
    order="event_name:ASC",
    defaults={"category": CUSTOM, "system_trigger": False},
    parts=(_Parameters(), Tagged(KIND)),
)
_methods = pb.DESCRIPTOR.services_by_name["TriggerService"].methods_by_name


class Triggers:
    """gamehall.events.v1.TriggerService."""

    service = pb.DESCRIPTOR.services_by_name["TriggerService"]

    ListTriggers = List(
        triggers,
        {"filter_tags": with_every_tag(KIND, tables.triggers.table, "filter_tags"), "filter_search": Written(tables.holds_words, holding)},
    )
    CreateTrigger = Create(triggers)
    GetTrigger = Get(triggers)

    def __init__(self, refuse_broken: Callable[[Call, str], Awaitable[None]]) -> None:
        """`refuse_broken` is told of a trigger that was changed or deleted, and raises Invalid where somebody needs it as it was."""
        self._refuse_broken = refuse_broken
        self._update: Any = Update(triggers).bound_to(_methods["UpdateTrigger"])
        self._delete: Any = Delete(triggers).bound_to(_methods["DeleteTrigger"])

    async def UpdateTrigger(self, request: pb.UpdateTriggerRequest, call: Call) -> Any:
        if request.trigger.event_name != request.event_name:
            raise Invalid("must be the name in the path: a trigger keeps its name", field="trigger.event_name")
        await _refuse_system(call, request.event_name)
        answer = await self._update(request, call)
        await self._refuse_broken(call, request.event_name)
        return answer

    async def DeleteTrigger(self, request: pb.DeleteTriggerRequest, call: Call) -> Any:
        await _refuse_system(call, request.event_name)
        answer = await self._delete(request, call)
        await self._refuse_broken(call, request.event_name)
        return answer


async def _refuse_system(call: Call, name: str) -> None:
    """Raises Forbidden for a trigger of the product."""
    row = await tables.trigger_named(call.db, name)
    if row is not None and row.system_trigger:
        raise Forbidden(f"The trigger {name} is the product's own.", reason=ErrorReason.ERROR_REASON_LOCKED)
