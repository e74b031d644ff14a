"""Globals: what rules keep, one value or one for each value of some scopes."""

from typing import Any

from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall.rules.v1 import globals_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Forbidden, Invalid, Violation
from gamehall_server.kit.mapping import compile_values
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.validation import output_only
from gamehall_server.kit.verbs import Get, List
from gamehall_server.modules.events.variables import VARIABLES
from gamehall_server.modules.rules import tables
from gamehall_server.modules.rules.ruleset import Ruleset

globals_ = Resource(tables.GlobalRow, pb.GlobalDefinition, defaults={"system_global": False})
_writable = [field for field in pb.GlobalDefinition.DESCRIPTOR.fields if not output_only(field) and field.name != "id"]
_values = compile_values(pb.GlobalDefinition, tables.globals_.table, _writable)


class Globals:
    """gamehall.rules.v1.GlobalService."""

    service = pb.DESCRIPTOR.services_by_name["GlobalService"]

    ListGlobals = List(globals_)
    GetGlobal = Get(globals_)

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset

    async def CreateGlobal(self, request: pb.CreateGlobalRequest, call: Call) -> pb.CreateGlobalResponse:
        told = getattr(request, "global")
        row = await globals_.add(call, {**_checked(told), "id": told.id or None})
        call.emit("bre_global_created", bre_global=row[0])
        await self._ruleset.changed(call.db)
        answer = pb.CreateGlobalResponse()
        await globals_.find(call, row[0], getattr(answer, "global"))
        return answer

    async def UpdateGlobal(self, request: pb.UpdateGlobalRequest, call: Call) -> pb.UpdateGlobalResponse:
        told = getattr(request, "global")
        row = await self._free(call, request.id)
        if told.id not in ("", row.id):
            raise Invalid("must be the id in the path: a global keeps its id", field="global.id")
        await globals_.change(call, row, **_checked(told))
        call.emit("bre_global_updated", bre_global=row.id)
        await self._ruleset.changed(call.db)
        answer = pb.UpdateGlobalResponse()
        await globals_.find(call, row.id, getattr(answer, "global"))
        return answer

    async def DeleteGlobal(self, request: pb.DeleteGlobalRequest, call: Call) -> pb.DeleteGlobalResponse:
        row = await self._free(call, request.id)
        await globals_.remove(call, row)
        call.emit("bre_global_deleted", bre_global=row.id)
        await self._ruleset.changed(call.db)
        return pb.DeleteGlobalResponse()

    async def _free(self, call: Call, id: str) -> Any:
        """A global that no rule uses, locked. Raises Forbidden for one of the product, Invalid for one in use."""
        row = await globals_.load(call, id, lock=True)
        if row.system_global:
            raise Forbidden(f"The global {row.key} is the product's own.", reason=ErrorReason.ERROR_REASON_LOCKED)
        rule = await tables.named_by(call.db, "global", row.id)
        if rule is not None:
            raise Invalid(f"in use by: the rule {rule}", field="id", reason=ErrorReason.ERROR_REASON_IN_USE)
        return row


def _checked(told: pb.GlobalDefinition) -> dict[str, Any]:
    """The columns of a global. Raises Invalid with all that is wrong."""
    known = ", ".join(VARIABLES)
    wrong = [Violation("global.type", f"no variable type; there are: {known}")] if told.type not in VARIABLES else []
    seen: set[str] = set()
    for at, scope in enumerate(told.scopes):
        if scope.name in seen:
            wrong.append(Violation(f"global.scopes[{at}].name", "the name of another scope too"))
        if scope.type not in VARIABLES:
            wrong.append(Violation(f"global.scopes[{at}].type", f"no variable type; there are: {known}"))
        seen.add(scope.name)
    if wrong:
        raise Invalid(violations=tuple(wrong))
    return {**_values(told), "signature": "\n".join([told.key, *sorted(seen)])}
