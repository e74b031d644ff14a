"""Objects of a game's own, each held to its template."""

from typing import Any

from gamehall.objects.v1 import objects_pb2 as pb
from gamehall.templates.v1.item_template_pb2 import ItemTemplate

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.verbs import Create, Delete, Get, List, Update
from gamehall_server.modules.objects import behaviors, data, tables
from gamehall_server.modules.tags import Tagged

objects = Resource(
    tables.ObjectRow,
    pb.Object,
    by="object_id",
    within=("template_id",),
    defaults={"sort": 500},
    parts=(Tagged(tables.KIND),),
)


class Objects:
    """gamehall.objects.v1.ObjectService."""

    service = pb.DESCRIPTOR.services_by_name["ObjectService"]

    GetObject = Get(objects)
    DeleteObject = Delete(objects)

    def __init__(self) -> None:
        methods = self.service.methods_by_name
        self._page: Any = List(objects).bound_to(methods["ListObjects"])
        self._create: Any = Create(objects).bound_to(methods["CreateObject"])
        self._update: Any = Update(objects).bound_to(methods["UpdateObject"])

    async def ListObjects(self, request: pb.ListObjectsRequest, call: Call) -> Any:
        rows = await self._page(request, call)
        if not rows.rows:
            await _template(call, request.template_id)
        return rows

    async def CreateObject(self, request: pb.CreateObjectRequest, call: Call) -> pb.CreateObjectResponse:
        await _hold(call, request.template_id, request.object)
        groups = await behaviors.settle(call, request.object.behaviors, "object.behaviors", behaviors.NONE, cascade=request.cascade)
        answer: pb.CreateObjectResponse = await self._create(request, call)
        behaviors.keep(call, answer.object.id, groups, new=True)
        return answer

    async def UpdateObject(self, request: pb.UpdateObjectRequest, call: Call) -> pb.UpdateObjectResponse:
        await objects.load(call, request.object_id, lock=True, inside=objects.inside(request))
        await _hold(call, request.template_id, request.object)
        groups = await behaviors.settle(call, request.object.behaviors, "object.behaviors", request.object_id, cascade=request.cascade)
        answer: pb.UpdateObjectResponse = await self._update(request, call)
        behaviors.keep(call, request.object_id, groups, new=False)
        return answer


async def _template(call: Call, id: str) -> ItemTemplate:
    """A template of objects. Raises NotFound."""
    said = await tables.said(call.db, id)
    if said is None:
        raise NotFound("No template with this id.", field="template_id")
    return ItemTemplate.FromString(b"".join(said))


async def _hold(call: Call, template_id: str, told: pb.Object) -> None:
    """Holds an object to its template, and completes it. Raises Invalid with all that is wrong."""
    template = await _template(call, template_id)
    wrong = behaviors.follow(template, told.behaviors, "object.behaviors") + data.hold(template, told.data, "object.data")
    if wrong:
        raise Invalid(violations=tuple(wrong))
