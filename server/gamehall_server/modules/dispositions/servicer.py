"""Dispositions: what users think of anything, and how many think so."""

from typing import Any

from gamehall.dispositions.v1 import dispositions_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Forbidden, Invalid
from gamehall_server.kit.filters import choose
from gamehall_server.kit.mapping import Embed, compile_values
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.verbs import Changed, Delete, Get, List
from gamehall_server.modules import users
from gamehall_server.modules.dispositions import tables
from gamehall_server.modules.dispositions.search import COUNTED, WRITTEN
from gamehall_server.modules.dispositions.tables import DispositionRow, disposition_totals

ADMIN = "DISPOSITIONS_ADMIN"
ME = "me"
_t = tables.dispositions.table
dispositions = Resource(
    DispositionRow, pb.Disposition, owner="user_id", embeds={"user": Embed("user_id", users.summary)}, totals=(disposition_totals,)
)
_values = compile_values(pb.Disposition, _t, [pb.Disposition.DESCRIPTOR.fields_by_name[name] for name in ("context", "context_id", "name")])


class Dispositions:
    """gamehall.dispositions.v1.DispositionService."""

    service = pb.DESCRIPTOR.services_by_name["DispositionService"]

    GetDisposition = Get(dispositions)
    DeleteDisposition = Delete(dispositions)

    def __init__(self) -> None:
        self._page: Any = List(dispositions, WRITTEN).bound_to(self.service.methods_by_name["ListDispositions"])

    async def ListDispositions(self, request: pb.ListDispositionsRequest, call: Call) -> Any:
        _name_owner(request, call)
        return await self._page(request, call)

    async def CreateDisposition(self, request: pb.CreateDispositionRequest, call: Call) -> pb.CreateDispositionResponse:
        told, answer, owner = request.disposition, pb.CreateDispositionResponse(), call.user_id
        if told.HasField("user") and told.user.id != owner:
            if not call.may(ADMIN):
                raise Forbidden(f"Those of others need the permission {ADMIN}.", field="disposition.user")
            if await users.summary_of(call.db, told.user.id) is None:
                raise Invalid("no user has this id", field="disposition.user.id")
            owner = told.user.id
        row = await dispositions.add(call, {**_values(told), "user_id": owner})
        call.emit("disposition_created", Changed(f"disposition:{row[0]}", row[0], owner))
        await dispositions.show(call, row, answer.disposition)
        return answer

    async def CountDispositions(self, request: pb.CountDispositionsRequest, call: Call) -> pb.CountDispositionsResponse:
        _name_owner(request, call)
        chosen, parameters = choose(COUNTED, request)
        # One thing's are found by an index; all of a kind may be many.
        rows = await tables.counts(call.db, chosen, parameters, near=":" in request.filter_context)
        return pb.CountDispositionsResponse(counts=[pb.DispositionCount(name=name, count=count) for name, count in rows])


def _name_owner(request: Any, call: Call) -> None:
    """The word for the caller becomes their id."""
    if request.filter_owner == ME:
        if call.caller is None or call.user_id is None:
            raise Invalid("nobody is signed in", field="filter_owner")
        request.filter_owner = str(call.user_id)
