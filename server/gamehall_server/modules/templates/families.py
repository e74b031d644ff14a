"""Families of templates: for each kind of record that has them the same five methods over one table."""

from typing import Any

from gamehall.templates.v1 import families_pb2, item_families_pb2
from gamehall.templates.v1.item_template_pb2 import ItemTemplate
from gamehall.templates.v1.template_pb2 import Template
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid, Violation
from gamehall_server.kit.events import Task
from gamehall_server.kit.parts import Part
from gamehall_server.kit.properties import wrong_with
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.rpc import Method, Servicer
from gamehall_server.kit.verbs import Create, Get, List, Update, Verb
from gamehall_server.modules.templates import tables
from gamehall_server.modules.templates.part import detaching
from gamehall_server.modules.templates.tables import TemplateRow

DETACH = "detach"
REINDEX = "template_reindex"


class Reindex(Task, frozen=True):
    """The records of a template from this id on are to be found by what it marks now."""

    kind: str
    template_id: str
    after: str | int | None = None


class _Said(Part):
    """The part of a template that is not in its row: what it marks, and that what it says makes sense."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    async def check(self, call: Call, message: Any, path: str) -> tuple[str, ...]:
        wrong = wrong_with(message.properties, f"{path}.properties")
        wrong += [
            Violation(f"{path}.properties[{at}].name", "no colon and no semicolon, for lists find records by it")
            for at, each in enumerate(message.properties)
            if each.indexed and set(each.name) & {":", ";"}
        ]
        if wrong:
            raise Invalid(violations=tuple(wrong))
        return tuple(each.name for each in message.properties if each.indexed)

    async def keep(self, call: Call, id: Any, message: Any, found: tuple[str, ...], *, new: bool) -> None:
        if not new and set(found) != await tables.marked_by(call.db, id):
            call.leave(REINDEX, Reindex(f"template:{id}", self._kind, id))
        tables.mark(call.db, self._kind, id, found)

    async def drop(self, call: Call, id: Any) -> None:
        tables.forget_all(call.db, id)


class DeleteTemplate(Verb):
    """Removes a template that no record has; with `cascade` detach takes it from those that have it."""

    past = "deleted"

    def __init__(self, resource: Resource[Any], kind: str) -> None:
        super().__init__(resource)
        self._kind = kind

    def bound_to(self, rpc: MethodDescriptor) -> Method:
        """The method for this RPC."""
        response, _ = self._answer(rpc)

        async def delete(request: Any, call: Call) -> Message:
            await remove(call, self.resource, self._kind, request.id, request.cascade)
            call.emit("template_deleted", template=request.id)
            return response()

        return delete


async def remove(call: Call, resource: Resource[Any], kind: str, id: str, cascade: str) -> None:
    """Deletes a template. Raises Invalid where records have it, unless they are to lose it."""
    if cascade not in ("", DETACH):
        raise Invalid(f"must be {DETACH}, or nothing", field="cascade")
    row = await resource.load(call, id, lock=True)
    if cascade and kind in detaching:
        await call.db.run(detaching[kind], template_id=id)
    await resource.remove(call, row)


def resource_of(kind: str, message: Any = Template) -> Resource[TemplateRow]:
    """The templates of one kind."""
    return Resource(TemplateRow, message, fixed={"kind": kind}, parts=(_Said(kind),))


def family(name: str, kind: str, file: Any = families_pb2, message: Any = Template) -> type[Servicer]:
    """The servicer of one family: that of the service NameTemplateService."""
    templates = resource_of(kind, message)
    verbs = {
        f"List{name}Templates": List(templates),
        f"Create{name}Template": Create(templates),
        f"Get{name}Template": Get(templates),
        f"Update{name}Template": Update(templates),
        f"Delete{name}Template": DeleteTemplate(templates, kind),
    }
    made: type[Servicer] = type(f"{name}Templates", (), {"service": file.DESCRIPTOR.services_by_name[f"{name}TemplateService"], **verbs})
    return made


# Every family there is: adding one is adding a line, beside its service in the contract.
NAMES = {
    "Article": "article",
    "Artist": "artist",
    "BreCategory": "bre_category",
    "Category": "category",
    "Device": "device",
    "Group": "group",
    "GroupMember": "group_member",
    "Poll": "poll",
    "User": "user",
    "Video": "video",
}
# Of items: these templates say which behaviors there are, too.
ITEMS = {"Object": "object"}
KINDS = (*NAMES.values(), *ITEMS.values())
FAMILIES: tuple[type[Servicer], ...] = (
    *(family(name, kind) for name, kind in NAMES.items()),
    *(family(name, kind, item_families_pb2, ItemTemplate) for name, kind in ITEMS.items()),
)
