"""Dispositions: what users think of anything, and how many think so."""

from typing import Any

from gamehall.dispositions.v1 import dispositions_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.filters import choose
from gamehall_server.kit.mapping import Embed, compile_values
from gamehall_server.kit.resource import NOWHERE, Inside, Resource
from gamehall_server.kit.verbs import Delete, Get, List
from gamehall_server.modules import users
from gamehall_server.modules.dispositions import tables
from gamehall_server.modules.dispositions.search import COUNTED, WRITTEN
from gamehall_server.modules.dispositions.tables import DispositionRow, disposition_totals

ADMIN = "DISPOSITIONS_ADMIN"
ME = "me"
_t = tables.dispositions.table


def resource_of(**more: Any) -> Resource[DispositionRow]:
    """Dispositions: all of them, or those of one kind of thing."""
    embeds = {"user": Embed("user_id", users.summary)}
    return Resource(DispositionRow, pb.Disposition, owner="user_id", embeds=embeds, totals=(disposition_totals,), **more)


dispositions = resource_of()
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
        answer = pb.CreateDispositionResponse()
        await keep(call, dispositions, request.disposition, ADMIN, answer.disposition)
        return answer

    async def CountDispositions(self, request: pb.CountDispositionsRequest, call: Call) -> pb.CountDispositionsResponse:
        _name_owner(request, call)
        chosen, parameters = choose(COUNTED, request)
        # One thing's are found by an index; all of a kind may be many.
        rows = await tables.counts(call.db, chosen, parameters, near=":" in request.filter_context)
        return pb.CountDispositionsResponse(counts=[pb.DispositionCount(name=name, count=count) for name, count in rows])


async def keep(call: Call, resource: Any, told: Any, permission: str, answer: Any, inside: Inside = NOWHERE) -> None:
    """Keeps what a caller thinks, or with the permission somebody else, and shows it in `answer`."""
    owner = await users.named_or_caller(call, told, permission, "disposition")
    row = await resource.add(call, {**_values(told), "user_id": owner}, inside)
    kept = dict(zip(_t.columns.keys(), row, strict=True))
    call.emit("disposition_created", disposition=row[0], user=owner, **{name: kept[name] for name in ("context", "context_id", "name")})
    await resource.show(call, row, answer)


def _name_owner(request: Any, call: Call) -> None:
    """The word for the caller becomes their id."""
    if request.filter_owner == ME:
        if call.caller is None or call.user_id is None:
            raise Invalid("nobody is signed in", field="filter_owner")
        request.filter_owner = str(call.user_id)
