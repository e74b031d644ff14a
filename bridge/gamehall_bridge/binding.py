"""A route's way from an HTTP request to a message and from an answer to bytes, compiled once per route."""

from collections.abc import Callable
from typing import Any

import orjson
from gamehall_server.kit.errors import Fault, Invalid, Malformed
from gamehall_server.kit.invoke import Rpc
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.rpc import Answer
from gamehall_server.kit.validation import behavior
from gamehall_server.kit.variants import variants_of
from google.api import field_behavior_pb2
from google.protobuf.message import Message

from gamehall_bridge.body import decoded, parse
from gamehall_bridge.decode import Set, decode, holds_decimals, setter, setters
from gamehall_bridge.encode import FREE, encoder, field_encoder
from gamehall_bridge.naming import as_json
from gamehall_bridge.parameters import parameters_of, read_form, read_query
from gamehall_bridge.routes import WHOLE, Route, shows_page
from gamehall_bridge.scalars import TooMany, Wrong, is_text, reader
from gamehall_bridge.server_secrets import Carries, carrier

JSON = b"application/json;charset=UTF-8"
TEXT = b"text/plain;charset=UTF-8"
WRAPPED = "value"
_REQUIRED = field_behavior_pb2.FieldBehavior.Value("REQUIRED")


def success(rpc: Rpc) -> int:
    """The status of an RPC's successful answer."""
    if rpc.descriptor.output_type.fields:
        # 54 published operations declare a 204 with a model; the model cannot travel with one (modules.md G4).
        return 200 if rpc.rules.status in (0, 204) else rpc.rules.status
    return rpc.rules.status or 204


class Binding:
    """One route, ready to read requests and to write answers."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.rpc = route.rpc
        rules = route.rpc.rules
        fields = route.rpc.descriptor.input_type.fields_by_name
        self.oauth = rules.oauth
        self.page = shows_page(route)
        self.has_body = bool(route.body)
        self.body_field: Any = fields[route.body] if route.body not in ("", WHOLE) else None
        self._is_bare = self.body_field is not None and self.body_field.message_type is None and not self.body_field.is_repeated
        self._new = route.rpc.request
        self._exact = holds_decimals(route.rpc.descriptor.input_type)
        self._variables = [(name, reader(fields[name])) for name in route.variables]
        self._query: dict[str, Set] = {}
        if route.body != WHOLE or rules.oauth:
            self._query = parameters_of(route.rpc.descriptor.input_type.fields, {*route.variables, route.body})
        # Where the body is the whole request, what the path names is not the body's to say.
        self._keys = None
        if variants_of(route.rpc.descriptor.input_type) is None:
            self._keys = {name: put for name, put in setters(route.rpc.descriptor.input_type).items() if name not in route.variables}
        self._read_body = self._reader()
        # Tells whether a request proves a server's identity; None where none can.
        self.server_secrets: Carries | None = carrier(route.rpc.descriptor.input_type)
        self.status = success(route.rpc)
        self.content_type, self._write = _writer(route)

    def write(self, answer: Answer) -> bytes:
        """The body of a successful answer."""
        if isinstance(answer, Rows):
            return self._write_rows(answer)
        return self._write(answer)

    def _write_rows(self, rows: Rows) -> bytes:
        json = rows.mapper.json(field_encoder)
        if json is None:
            return self._write(rows.message())
        page: dict[str, Any] = {"content": [json(row) for row in rows.rows]}
        page.update(encoder(rows.info.DESCRIPTOR)(rows.info))
        return orjson.dumps(page)

    def read(self, values: tuple[str, ...], query: bytes, body: bytes, content_type: bytes) -> Message:
        """The request. Raises Malformed for what cannot be read and Invalid with every wrong field for what can."""
        request = self._new()
        wrong = Wrong()
        try:
            for (name, read), text in zip(self._variables, values, strict=True):
                found = read(text, name, wrong)
                if found is not None:
                    setattr(request, name, found)
            if self.oauth:
                read_form(self._query, query, body, content_type, request, wrong, form_only=self.rpc.rules.form)
            else:
                if query and self._query:
                    read_query(self._query, query, request, wrong)
                if self.has_body:
                    self._read_body(body, request, wrong)
        except TooMany:
            pass
        if wrong:
            raise Invalid(violations=tuple(wrong))
        return request

    def _reader(self) -> Callable[[bytes, Any, Wrong], None]:
        field = self.body_field
        if field is None:
            return self._read_whole
        if field.is_repeated or (not self._is_bare and field.message_type.full_name in FREE):
            return _values_reader(field, self._exact)
        return _bare_reader(field, self._exact) if self._is_bare else _object_reader(field, self._exact)

    def _read_whole(self, body: bytes, request: Message, wrong: Wrong) -> None:
        value = parse(body, exact=self._exact) if body else None
        if value is None:
            return
        if value.__class__ is not dict:
            raise Malformed("The body must be a JSON object.")
        if self._keys is None:
            value = {name: item for name, item in value.items() if name not in self.route.variables}
        decode(value, request, "", wrong, self._keys)

    def as_written(self, field: str, body: bytes) -> str:
        """The name a client knows a request field by: without the name of the field that is the body; `value` where the client
        wrapped a bare value; the contract's name for a body that has none. `body` is what the client sent."""
        inside = self.route.body
        field = as_json(field, self.rpc.descriptor.input_type)
        if field == inside:
            return WRAPPED if self._is_bare and _is_wrapped(body) else field
        return field.removeprefix(f"{inside}.") if inside else field


def _is_wrapped(body: bytes) -> bool:
    try:
        return parse(body).__class__ is dict
    except Fault:
        return False


def _object_reader(field: Any, exact: bool) -> Callable[[bytes, Any, Wrong], None]:
    name, path = field.name, field.name + "."
    # No body where one is needed is read as an empty one, so that the refusal names every field that is missing.
    needed = _REQUIRED in behavior(field)

    def read(body: bytes, request: Any, wrong: Wrong) -> None:
        value = parse(body, name, exact) if body else None
        if value is None:
            if needed:
                getattr(request, name).SetInParent()
            return
        if value.__class__ is not dict:
            raise Malformed("The body must be a JSON object.")
        inner = getattr(request, name)
        inner.SetInParent()
        decode(value, inner, path, wrong)

    return read


def _values_reader(field: Any, exact: bool) -> Callable[[bytes, Any, Wrong], None]:
    put = setter(field)

    def read(body: bytes, request: Any, wrong: Wrong) -> None:
        value = parse(body, field.name, exact) if body else None
        if value is not None:
            put(value, request, "", wrong)

    return read


def _bare_reader(field: Any, exact: bool) -> Callable[[bytes, Any, Wrong], None]:
    """One value as a whole body: JSON, or {"value": …} as the later clients send it, or for words the bare words themselves."""
    put = setter(field)
    text = is_text(field)
    words = text or field.enum_type is not None

    def read(body: bytes, request: Any, wrong: Wrong) -> None:
        if not body:
            return
        try:
            value = parse(body, field.name, exact)
        except Malformed:
            if not words or body.lstrip()[:1] == b"{":
                raise
            value = decoded(body) if text else decoded(body).strip()
        if value.__class__ is dict:
            value = value.get(WRAPPED)
        elif text and value is not None and value.__class__ is not str:
            # Bare words that happen to be JSON, such as 37 or true, are still words.
            value = decoded(body).strip()
        if value is not None:
            put(value, request, "", wrong)

    return read


def _writer(route: Route) -> tuple[bytes, Callable[[Message], bytes]]:
    output = route.rpc.descriptor.output_type
    if not output.fields:
        return JSON, lambda answer: b""
    if not route.response_body:
        encode = encoder(output)
        return JSON, lambda answer: orjson.dumps(encode(answer))
    field = output.fields_by_name[route.response_body]
    value = field_encoder(field)
    if not field.is_repeated and (is_text(field) or field.enum_type is not None):
        # Published clients read bare text raw; quoted, some hand the quotes on.
        return TEXT, lambda answer: str(value(answer)).encode()
    return JSON, lambda answer: orjson.dumps(value(answer))
