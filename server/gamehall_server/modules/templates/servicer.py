"""Templates of any kind by one set of calls, and the types of properties."""

from typing import Any

from gamehall.templates.v1 import templates_pb2 as pb
from gamehall.templates.v1.template_pb2 import ListTemplatesResponse

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import NotFound
from gamehall_server.kit.page import page_of
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.rpc import Method
from gamehall_server.kit.verbs import Create, Get, Update
from gamehall_server.modules.templates.families import KINDS, DeleteTemplate, resource_of
from gamehall_server.modules.templates.forms import FORMS
from gamehall_server.modules.templates.part import check


class TemplatesOfKinds:
    """gamehall.templates.v1.TemplateService."""

    service = pb.DESCRIPTOR.services_by_name["TemplateService"]

    def __init__(self) -> None:
        self._resources = {kind: resource_of(kind) for kind in KINDS}
        self._methods: dict[str, dict[str, Method]] = {}

    async def ListTemplatesOfKind(self, request: pb.ListTemplatesOfKindRequest, call: Call) -> Rows:
        self._known(request.type_hint)
        resource = self._resources[request.type_hint]
        return await resource.page(call, (), {}, page_of(request), request.order, ListTemplatesResponse)

    async def CreateTemplateOfKind(self, request: Any, call: Call) -> Any:
        return await self._method("CreateTemplateOfKind", request.type_hint)(request, call)

    async def GetTemplateOfKind(self, request: Any, call: Call) -> Any:
        return await self._method("GetTemplateOfKind", request.type_hint)(request, call)

    async def UpdateTemplateOfKind(self, request: Any, call: Call) -> Any:
        return await self._method("UpdateTemplateOfKind", request.type_hint)(request, call)

    async def DeleteTemplateOfKind(self, request: Any, call: Call) -> Any:
        return await self._method("DeleteTemplateOfKind", request.type_hint)(request, call)

    async def ValidateProperties(self, request: pb.ValidatePropertiesRequest, call: Call) -> pb.ValidatePropertiesResponse:
        self._known(request.type_hint)
        await check(call, request.type_hint, request.resource, "resource")
        return pb.ValidatePropertiesResponse()

    def _known(self, kind: str) -> None:
        if kind not in self._resources:
            raise NotFound(f"There are templates of {', '.join(sorted(self._resources))}.", field="type_hint")

    def _method(self, name: str, kind: str) -> Method:
        """What answers this RPC for a kind: the verb that answers the family's own."""
        self._known(kind)
        methods = self._methods.get(kind)
        if methods is None:
            resource, rpcs = self._resources[kind], self.service.methods_by_name
            verbs: dict[str, Any] = {
                "Create": Create(resource),
                "Get": Get(resource),
                "Update": Update(resource),
                "Delete": DeleteTemplate(resource, kind),
            }
            methods = {f"{verb}TemplateOfKind": each.bound_to(rpcs[f"{verb}TemplateOfKind"]) for verb, each in verbs.items()}
            self._methods[kind] = methods
        return methods[name]


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
