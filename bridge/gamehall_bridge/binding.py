"""A route's way from an HTTP request to a message and from an answer to bytes, compiled once per route."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall_server.kit.errors import Invalid, Malformed, Violation
from gamehall_server.kit.validation import rules_of
from google.protobuf.message import Message

from gamehall_bridge.decode import Set, Wrong, decode, reader, setter
from gamehall_bridge.encode import FREE, encoder, field_encoder
from gamehall_bridge.routes import Route

JSON = b"application/json;charset=UTF-8"
TEXT = b"text/plain;charset=UTF-8"
FORM = b"application/x-www-form-urlencoded"
# More parameters than any operation has: a request with more is an attack.
MOST_PARAMETERS = 200
# Levels of JSON. Free JSON needs three messages a level, and protobuf reads no more than 100.
DEEPEST = 32
WHOLE, WRAPPED = "*", "value"


class Binding:
    """One route, ready to read requests and to write answers."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.rpc = route.rpc
        rules = route.rpc.rules
        descriptor = route.rpc.descriptor
        fields = descriptor.input_type.fields_by_name
        self.oauth = rules.oauth
        self.has_body = bool(route.body)
        self.body_field: Any = fields[route.body] if route.body and route.body != WHOLE else None
        self._new = route.rpc.request
        self._variables = [(name, reader(fields[name])) for name in route.variables]
        bound = {*route.variables, route.body}
        self._query: dict[str, Set] = {}
        if route.body != WHOLE or rules.oauth:
            self._query = {f.name: _query_setter(f) for f in descriptor.input_type.fields if f.name not in bound and f.message_type is None}
        self.server_secrets = tuple(field.name for field in descriptor.input_type.fields if rules_of(field).server_only)
        self.empty = not descriptor.output_type.fields
        self.status = rules.status or (204 if self.empty else 200)
        self.content_type, self._write = _writer(route)

    def write(self, answer: Message) -> bytes:
        """The body of a successful answer."""
        return self._write(answer)

    def read(self, values: tuple[str, ...], query: bytes, body: bytes, content_type: bytes) -> Message:
        """The request. Raises Malformed for what cannot be read and Invalid with every wrong field for what can."""
        request = self._new()
        wrong: Wrong = []
        if self.oauth:
            self._read_form(request, query, body, content_type, wrong)
        else:
            if query and self._query:
                self._read_query(request, query, wrong)
            if self.has_body and body:
                self._read_body(request, body, wrong)
        # After the body, which may be the whole request: what the path names is what the call is about.
        for (name, read), text in zip(self._variables, values, strict=True):
            found = read(text, name, wrong)
            if found is not None:
                setattr(request, name, found)
        if wrong:
            raise Invalid(violations=tuple(wrong))
        return request

    def _read_query(self, request: Message, query: bytes, wrong: Wrong) -> None:
        for name, value in _pairs(query):
            put = self._query.get(name)
            if put is not None and value:
                put(value, request, "", wrong)

    def _read_form(self, request: Message, query: bytes, body: bytes, content_type: bytes, wrong: Wrong) -> None:
        if body.strip() and content_type.partition(b";")[0].strip().lower() not in (FORM, b""):
            raise Malformed("The parameters must be application/x-www-form-urlencoded.")
        seen: set[str] = set()
        for name, value in [*_pairs(query), *_pairs(body)]:
            put = self._query.get(name)
            if put is None:
                continue
            if name in seen:
                # RFC 6749 section 3.2: parameters must not be included more than once.
                wrong.append(Violation(name, "must not be given twice"))
            seen.add(name)
            put(value, request, "", wrong)

    def _read_body(self, request: Message, body: bytes, wrong: Wrong) -> None:
        field = self.body_field
        if field is not None and field.message_type is None and not field.is_repeated:
            self._read_bare(request, field, body, wrong)
            return
        value = parse(body)
        if value is None:
            return
        if field is not None and (field.is_repeated or field.message_type.full_name in FREE):
            setter(field)(value, request, "", wrong)
        elif value.__class__ is not dict:
            raise Malformed("The body must be a JSON object.")
        elif field is None:
            decode(value, request, "", wrong)
        else:
            inner = getattr(request, field.name)
            inner.SetInParent()
            decode(value, inner, field.name + ".", wrong)

    def _read_bare(self, request: Message, field: Any, body: bytes, wrong: Wrong) -> None:
        """One value as a whole body: JSON, or {"value": …} as the later clients send it, or for text the bare words themselves."""
        textual = field.cpp_type == field.CPPTYPE_STRING
        try:
            value = parse(body)
        except Malformed:
            if not textual or body.lstrip()[:1] == b"{":
                raise
            value = _decoded(body)
        if value.__class__ is dict:
            value = value.get(WRAPPED)
            if value is not None:
                found = reader(field)(value, f"{field.name}.{WRAPPED}", wrong)
                if found is not None:
                    setattr(request, field.name, found)
            return
        if textual and value.__class__ is not str:
            # Bare words that happen to be JSON, such as 37 or true, are still words.
            value = _decoded(body)
        setter(field)(value, request, "", wrong)

    def as_written(self, field: str) -> str | None:
        """The name a client knows a request field by; None when it is the body itself."""
        body = self.route.body
        if not body or body == WHOLE:
            return field
        return field.removeprefix(body).removeprefix(".") or None if field.split(".")[0].split("[")[0] == body else field


def parse(body: bytes) -> Any:
    """The JSON value of a body; raises Malformed."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("The body is not valid JSON.") from None
    if body.count(b"{") + body.count(b"[") > DEEPEST and _is_deeper(value):
        raise Malformed(f"The body is nested more than {DEEPEST} levels deep.")
    return value


def _is_deeper(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            item for whole in level for item in (whole.values() if whole.__class__ is dict else whole) if item.__class__ in (dict, list)
        ]
        if not level:
            return False
    return True


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Malformed("The body is not valid UTF-8.") from None


def _pairs(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode(), keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict")
    except ValueError:
        raise Malformed("The parameters cannot be read.", reason=ErrorReason.ERROR_REASON_MALFORMED) from None


def _query_setter(field: Any) -> Set:
    if not field.is_repeated:
        return setter(field)
    put_all = setter(field)

    def put(value: Any, message: Any, path: str, wrong: Wrong) -> None:
        put_all(value.split(","), message, path, wrong)

    return put


def _writer(route: Route) -> tuple[bytes, Callable[[Message], bytes]]:
    output = route.rpc.descriptor.output_type
    if not output.fields:
        return JSON, lambda answer: b""
    if not route.response_body:
        encode = encoder(output)
        return JSON, lambda answer: orjson.dumps(encode(answer))
    field = output.fields_by_name[route.response_body]
    value = field_encoder(field)
    if field.cpp_type == field.CPPTYPE_STRING and not field.is_repeated:
        # Published clients read bare text raw; quoted, some hand the quotes on.
        return TEXT, lambda answer: str(value(answer)).encode()
    return JSON, lambda answer: orjson.dumps(value(answer))
