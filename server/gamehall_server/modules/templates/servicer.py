"""Templates of any kind by one set of calls, and the types of properties."""

from typing import Any

from gamehall.templates.v1 import templates_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import NotFound
from gamehall_server.kit.rpc import Method
from gamehall_server.kit.verbs import Create, Get, List, Update
from gamehall_server.modules.templates.families import KINDS, DeleteTemplate, resource_of
from gamehall_server.modules.templates.forms import FORMS
from gamehall_server.modules.templates.part import check


class TemplatesOfKinds:
    """gamehall.templates.v1.TemplateService."""

    service = pb.DESCRIPTOR.services_by_name["TemplateService"]

    def __init__(self) -> None:
        self._resources = {kind: resource_of(kind) for kind in KINDS}
        self._methods: dict[str, dict[str, Method]] = {}

    async def ListTemplatesOfKind(self, request: Any, call: Call) -> Any:
        return await self._method("List", request)(request, call)

    async def CreateTemplateOfKind(self, request: Any, call: Call) -> Any:
        return await self._method("Create", request)(request, call)

    async def GetTemplateOfKind(self, request: Any, call: Call) -> Any:
        return await self._method("Get", request)(request, call)

    async def UpdateTemplateOfKind(self, request: Any, call: Call) -> Any:
        return await self._method("Update", request)(request, call)

    async def DeleteTemplateOfKind(self, request: Any, call: Call) -> Any:
        return await self._method("Delete", request)(request, call)

    async def ValidateProperties(self, request: pb.ValidatePropertiesRequest, call: Call) -> pb.ValidatePropertiesResponse:
        self._known(request.type_hint)
        await check(call, request.type_hint, request.resource, "resource")
        return pb.ValidatePropertiesResponse()

    def _known(self, kind: str) -> None:
        if kind not in self._resources:
            raise NotFound(f"There are templates of {', '.join(sorted(self._resources))}.", field="type_hint")

    def _method(self, verb: str, request: Any) -> Method:
        """What answers a call about this kind: the verb that answers the family's own."""
        kind: str = request.type_hint
        self._known(kind)
        methods = self._methods.get(kind)
        if methods is None:
            resource, rpcs = self._resources[kind], self.service.methods_by_name
            methods = self._methods[kind] = {
                "List": List(resource).bound_to(rpcs["ListTemplatesOfKind"]),
                "Create": Create(resource).bound_to(rpcs["CreateTemplateOfKind"]),
                "Get": Get(resource).bound_to(rpcs["GetTemplateOfKind"]),
                "Update": Update(resource).bound_to(rpcs["UpdateTemplateOfKind"]),
                "Delete": DeleteTemplate(resource, kind).bound_to(rpcs["DeleteTemplateOfKind"]),
            }
        return methods[verb]


class PropertyTypes:
    """gamehall.templates.v1.PropertyTypeService."""

    service = pb.DESCRIPTOR.services_by_name["PropertyTypeService"]

    async def ListPropertyTypes(self, request: pb.ListPropertyTypesRequest, call: Call) -> pb.ListPropertyTypesResponse:
        return pb.ListPropertyTypesResponse(types=FORMS.values())

    async def GetPropertyType(self, request: pb.GetPropertyTypeRequest, call: Call) -> pb.GetPropertyTypeResponse:
        form = FORMS.get(request.type)
        if form is None:
            raise NotFound(f"There are {', '.join(FORMS)}.", field="type")
        return pb.GetPropertyTypeResponse(type=form)
