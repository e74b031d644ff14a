"""The standard methods, each written once. A verb is bound to an RPC by one visible line in a servicer.

At start a verb reads its RPC: the request field that carries the resource's message is the body, every other field names a column.
A verb has no hooks: one line more means a written method, with the same calls of Resource.
"""

from collections.abc import Callable, Mapping
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message

from gamehall_server.kit.call import Call
from gamehall_server.kit.events import declared
from gamehall_server.kit.filters import Filter, Written, choose, compile_filter
from gamehall_server.kit.mapping import compile_values
from gamehall_server.kit.page import page_of
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.rpc import Drift, Method
from gamehall_server.kit.validation import behavior, output_only

PAGE_FIELDS = frozenset({"size", "page", "order"})
_IMMUTABLE = field_behavior_pb2.FieldBehavior.Value("IMMUTABLE")


class Verb:
    """What the verbs share: the resource, and the event they announce, `comment_created`, where the contract declares it."""

    past = ""

    def __init__(self, resource: Resource[Any]) -> None:
        self.resource = resource

    def _teller(self) -> Callable[[Call, Any], None]:
        """A function that announces what was done to a row, be it one that was read or the values of its columns. The noun of the event is
        the record's id, `user` its owner, and what else the event tells are columns of these names."""
        table = self.resource.table
        event = declared().get(f"{table.name}_{self.past}")
        if event is None:
            return lambda call, row: None
        meant = {table.name: self.resource.key.name, "user": self.resource.owner}
        columns = {name: meant.get(name) or name for name in event.parameters}
        places = {name: table.columns.keys().index(column) for name, column in columns.items()}
        name = event.name

        def tell(call: Call, row: Any) -> None:
            if isinstance(row, tuple):
                call.emit(name, **{each: row[place] for each, place in places.items()})
            else:
                call.emit(name, **{each: getattr(row, column) for each, column in columns.items()})

        return tell

    def _body(self, descriptor: Descriptor) -> Any:
        """The field of a request or answer that carries the resource's message."""
        wanted = self.resource.message.DESCRIPTOR
        return next((f for f in descriptor.fields if f.message_type is wanted and not f.is_repeated), None)

    def _answer(self, rpc: MethodDescriptor) -> tuple[type[Message], str | None]:
        shown = self._body(rpc.output_type)
        if shown is None and rpc.output_type.fields:
            raise Drift(f"{rpc.output_type.full_name} neither carries {self.resource.message.DESCRIPTOR.name} nor is empty")
        return message_factory.GetMessageClass(rpc.output_type), None if shown is None else shown.name

    def _key(self, rpc: MethodDescriptor) -> str:
        name = self.resource.by
        if name not in rpc.input_type.fields_by_name:
            raise Drift(f"{rpc.input_type.full_name} does not name a {self.resource.noun} by {name}")
        return name

    def _id(self, row: Any) -> Any:
        return getattr(row, self.resource.key.name)


class Create(Verb):
    """Keeps what the body says and answers with the record."""

    past = "created"

    def bound_to(self, rpc: MethodDescriptor) -> Method:
        """The method for this RPC."""
        body = self._body(rpc.input_type)
        if body is None:
            raise Drift(f"{rpc.input_type.full_name} does not carry {self.resource.message.DESCRIPTOR.name}")
        writable = [field for field in body.message_type.fields if not output_only(field)]
        values = compile_values(self.resource.message, self.resource.table, writable, self.resource.embeds)
        response, shown = self._answer(rpc)
        resource, name, tell = self.resource, body.name, self._teller()

        async def create(request: Any, call: Call) -> Message:
            message = getattr(request, name)
            found = await resource.check(call, message, name)
            row = await resource.add(call, values(message), resource.inside(request))
            await resource.keep(call, row[0], message, found, new=True)
            tell(call, row)
            answer = response()
            if shown:
                await resource.show(call, row, getattr(answer, shown))
            return answer

        return create


class Get(Verb):
    """Answers with one record."""

    def bound_to(self, rpc: MethodDescriptor) -> Method:
        """The method for this RPC."""
        key = self._key(rpc)
        response, shown = self._answer(rpc)
        if shown is None:
            raise Drift(f"{rpc.full_name} answers without a {self.resource.noun}")
        resource = self.resource

        async def get(request: Any, call: Call) -> Message:
            answer = response()
            await resource.find(call, getattr(request, key), getattr(answer, shown), resource.inside(request))
            return answer

        return get


class List(Verb):
    """Answers with a page. Every request field but size, page and order chooses rows: as `filter` of the contract says, or by the written
    condition or the filter that is given for it here; an empty one does not count."""

    def __init__(self, resource: Resource[Any], filters: Mapping[str, Written | Filter] | None = None) -> None:
        super().__init__(resource)
        self._written = dict(filters or {})

    def bound_to(self, rpc: MethodDescriptor) -> Method:
        """The method for this RPC."""
        request_fields = rpc.input_type.fields_by_name
        if not PAGE_FIELDS.issubset(request_fields):
            raise Drift(f"{rpc.input_type.full_name} lacks one of {', '.join(sorted(PAGE_FIELDS))}")
        unknown = self._written.keys() - request_fields.keys()
        if unknown:
            raise Drift(f"{rpc.input_type.full_name} has no {', '.join(sorted(unknown))} to filter by")
        table, written = self.resource.table, self._written
        apart = PAGE_FIELDS.union(self.resource.within)
        filters = [compile_filter(field, table, written.get(name)) for name, field in request_fields.items() if name not in apart]
        response = message_factory.GetMessageClass(rpc.output_type)
        resource = self.resource
        checked = [(each.name, each.check) for each in filters if each.check is not None]

        async def list_page(request: Any, call: Call) -> Rows:
            chosen, parameters = choose(filters, request)
            for name, check in checked:
                await check(call, getattr(request, name))
            inside = resource.inside(request)
            return await resource.page(call, chosen, parameters, page_of(request), request.order, response, inside)

        return list_page


class Update(Verb):
    """Writes the body's fields, or the request's own where it has no body, over a record the caller may reach."""

    past = "updated"

    def bound_to(self, rpc: MethodDescriptor) -> Method:
        """The method for this RPC."""
        key = self._key(rpc)
        body = self._body(rpc.input_type)
        source = rpc.input_type if body is None else body.message_type
        apart = {key, *self.resource.within} if body is None else {self.resource.key.name}
        writable = [f for f in source.fields if f.name not in apart and not output_only(f) and _IMMUTABLE not in behavior(f)]
        embeds = {} if body is None else self.resource.embeds
        values = compile_values(message_factory.GetMessageClass(source), self.resource.table, writable, embeds)
        response, shown = self._answer(rpc)
        resource, name, tell = self.resource, None if body is None else body.name, self._teller()

        async def update(request: Any, call: Call) -> Message:
            row = await resource.load(call, getattr(request, key), lock=True, inside=resource.inside(request))
            message = request if name is None else getattr(request, name)
            found = None if name is None else await resource.check(call, message, name)
            await resource.change(call, row, **values(message))
            if found is not None:
                await resource.keep(call, self._id(row), message, found, new=False)
            tell(call, row)
            answer = response()
            if shown:
                await resource.find(call, self._id(row), getattr(answer, shown))
            return answer

        return update


class Delete(Verb):
    """Removes a record the caller may reach."""

    past = "deleted"

    def bound_to(self, rpc: MethodDescriptor) -> Method:
        """The method for this RPC."""
        key = self._key(rpc)
        response, _ = self._answer(rpc)
        resource, tell = self.resource, self._teller()

        async def delete(request: Any, call: Call) -> Message:
            row = await resource.load(call, getattr(request, key), lock=True, inside=resource.inside(request))
            await resource.remove(call, row)
            tell(call, row)
            return response()

        return delete
