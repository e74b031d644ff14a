"""One route as an operation of a document, in either dialect."""

from collections.abc import Iterable, Iterator
from typing import Any

from gamehall_server.kit.comments import comment
from gamehall_server.kit.idempotency import LONGEST_KEY
from gamehall_server.kit.page import DEFAULT_SIZE
from gamehall_server.kit.validation import output_only

from gamehall_bridge.binding import WRAPPED, success
from gamehall_bridge.documents.errors import refusals
from gamehall_bridge.documents.examples import example_object, example_of, example_within
from gamehall_bridge.documents.schemas import Schema, Schemas, always_shown, required
from gamehall_bridge.documents.words import permissions, told_of
from gamehall_bridge.encode import FREE
from gamehall_bridge.parameters import DEEPEST
from gamehall_bridge.routes import WHOLE, Route, shows_page
from gamehall_bridge.scalars import is_text

JSON, TEXT, FORM, EVENTS = "application/json", "text/plain", "application/x-www-form-urlencoded", "text/event-stream"
HTML = "text/html"
CLIENT_GRANT, PASSWORD_GRANT, BEARER, BASIC = "oauth2_client_credentials_grant", "oauth2_password_grant", "bearer", "client_basic"
# The published wrappers of bare values; a wrapper of an enum has the enum's name.
_WRAPPERS = {"string": "StringWrapper", "int32": "IntWrapper", "boolean": "ValueWrapperboolean"}
_KEY = "A key of the caller's own: a repeat with the same key answers what the first call answered."
_BARE = f'Taken bare as well as in {{"{WRAPPED}": …}}.'
_STREAMED = "Server-sent events: the data of each event `message` is one of these; an event `error` has a Result and is the last."
Parameters = list[dict[str, Any]]


def parameter_fields(fields: Iterable[Any], bound: set[str], levels: int = DEEPEST, before: str = "") -> Iterator[tuple[str, Any]]:
    """(name, field) of each query parameter, as parameters.py takes them."""
    for field in fields:
        if field.name in bound or output_only(field):
            continue
        if field.message_type is None:
            yield before + field.name, field
        elif levels > 1 and not field.is_repeated:
            yield from parameter_fields(field.message_type.fields, set(), levels - 1, f"{before}{field.name}.")


class Operations:
    """Writes operations for one document."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._modern = schemas.modern

    def of(self, route: Route, name: str) -> dict[str, Any]:
        """The operation of a route under this operationId."""
        method, rules = route.rpc.descriptor, route.rpc.rules
        told = comment(method.full_name)
        who, extension = permissions(rules)
        parameters = list(self._parameters(route))
        body = self._body(route)
        if not self._modern and body is not None:
            parameters += body["parameters"]
        operation: dict[str, Any] = {
            "operationId": name,
            "tags": [tag_of(route)],
            "summary": told.partition(". ")[0].rstrip("."),
            "description": f"{told}\n\n{who}".strip(),
            "parameters": parameters,
            "responses": {
                **self._success(route),
                **refusals(route.rpc, bool(method.input_type.fields), bool(route.variables), self._schemas),
            },
            "security": self._security(rules),
            "x-permissions": extension,
        }
        if body is not None:
            if self._modern:
                operation["requestBody"] = body
            else:
                operation["consumes"] = body["consumes"]
        if not self._modern:
            operation["produces"] = [_produced(route)]
        return operation

    def _security(self, rules: Any) -> list[dict[str, list[str]]]:
        if rules.oauth:
            return [{}, {BASIC: []}]
        # A client has no records of its own.
        names = [PASSWORD_GRANT, *([CLIENT_GRANT] if rules.policy.any or rules.policy.open else []), *([BEARER] if self._modern else [])]
        found: list[dict[str, list[str]]] = [{}] if rules.policy.open else []
        return found + [{name: []} for name in names]

    def _parameters(self, route: Route) -> Iterator[dict[str, Any]]:
        fields: Any = route.rpc.descriptor.input_type.fields_by_name
        for name in route.variables:
            yield self._parameter(name, fields[name], "path", True)
        if route.body != WHOLE:
            bound = {*route.variables, route.body}
            is_list = "page_info" in route.rpc.descriptor.output_type.fields_by_name
            for name, field in parameter_fields(route.rpc.descriptor.input_type.fields, bound):
                parameter = self._parameter(name, field, "query", required(field) and name == field.name)
                default = {"size": DEFAULT_SIZE, "page": 1}.get(name) if is_list else None
                if default is not None:
                    (parameter["schema"] if self._modern else parameter)["default"] = default
                yield parameter
        if route.rpc.rules.keyed:
            text = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]*$"}
            key: dict[str, Any] = {"name": "Idempotency-Key", "in": "header", "required": False, "description": _KEY}
            yield key | ({"schema": text} if self._modern else text)

    def _parameter(self, name: str, field: Any, place: str, needed: bool) -> dict[str, Any]:
        schema = self._schemas.of_value(field)
        parameter: dict[str, Any] = {"name": name, "in": place, "required": needed, "description": told_of(field)}
        example = example_of(field)
        if self._modern:
            if field.is_repeated:
                parameter |= {"explode": False} | ({"style": "form"} if place == "query" else {})
            return parameter | {"schema": schema} | ({} if example is None else {"example": example})
        if field.is_repeated:
            parameter["collectionFormat"] = "csv"
        return parameter | schema | ({} if example is None else {"x-example": example})

    def _body(self, route: Route) -> dict[str, Any] | None:
        input_type: Any = route.rpc.descriptor.input_type
        if not route.body:
            return None
        if route.rpc.rules.oauth:
            return self._form(input_type, "" if route.rpc.rules.form else "Also taken from the query string.")
        without = frozenset(route.variables)
        if route.body == WHOLE:
            schema = self._schemas.of_message(input_type, without)
            needed = any(required(field) for field in input_type.fields if field.name not in without)
            return self._written(route, schema, example_object(input_type, without=without) or None, input_type, needed)
        field = input_type.fields_by_name[route.body]
        example = example_within(field)
        if field.message_type is None and not field.is_repeated:
            return self._bare(route, field, example)
        kind = None if field.is_repeated else field.message_type
        return self._written(route, self._schemas.of_value(field), example, kind, required(field), told_of(field))

    def _written(self, route: Route, schema: Schema, example: Any, kind: Any, needed: bool, told: str = "") -> dict[str, Any]:
        """A JSON body of this schema."""
        if not self._modern:
            name = route.body if route.body != WHOLE else "request"
            if example is not None and "$ref" not in schema:
                # Tools look for it here; beside a reference there is no place, and its model has one.
                schema = {**schema, "example": example}
            parameter = {"name": name, "in": "body", "required": needed, "description": told, "schema": schema}
            return {"consumes": [JSON], "parameters": [parameter | ({} if example is None else {"x-examples": {JSON: example}})]}
        if kind is not None and kind.full_name not in FREE:
            more = [field.name for field in kind.fields if required(field) and not always_shown(field)]
            schema = {"allOf": [schema, {"required": more}]} if more else schema
        media: dict[str, Any] = {"schema": schema} | ({} if example is None else {"example": example})
        return {"required": needed, "description": told, "content": {JSON: media}}

    def _bare(self, route: Route, field: Any, example: Any) -> dict[str, Any]:
        """A body that is one value: bare, or wrapped as later clients send it, or for words raw text."""
        value = self._schemas.of_value(field)
        wrapped = None if example is None else {WRAPPED: example}
        told = f"{told_of(field)} {_BARE}".strip()
        if not self._modern:
            wrapper = f"{field.enum_type.name}Wrapper" if field.enum_type is not None else _WRAPPERS.get(_plain_type(value))
            if wrapper is None:
                return self._written(route, value, example, None, required(field), told)
            self._schemas.made.setdefault(
                wrapper, {"type": "object", "properties": {WRAPPED: {k: value[k] for k in ("type", "format", "enum") if k in value}}}
            )
            return self._written(route, self._schemas.pointer(wrapper), wrapped, None, required(field), told)
        whole = {"type": "object", "properties": {WRAPPED: value}, "required": [WRAPPED]}
        examples = {} if example is None else {"examples": {"wrapped": {WRAPPED: wrapped}, "bare": {WRAPPED: example}}}
        content: dict[str, Any] = {JSON: {"schema": {"oneOf": [whole, value]}, **examples}}
        if is_text(field) or field.enum_type is not None:
            content[TEXT] = {"schema": value} | ({} if example is None else {"example": example})
        return {"required": required(field), "description": told, "content": content}

    def _form(self, input_type: Any, told: str) -> dict[str, Any]:
        fields = list(parameter_fields(input_type.fields, set()))
        if not self._modern:
            return {"consumes": [FORM], "parameters": [self._parameter(name, field, "formData", required(field)) for name, field in fields]}
        properties = {name: self._schemas.of_field(field) for name, field in fields}
        needed = [name for name, field in fields if required(field)]
        schema = {"type": "object", "properties": properties} | ({"required": needed} if needed else {})
        example = example_object(input_type)
        media: dict[str, Any] = {"schema": schema} | ({"example": example} if example else {})
        return {"required": True, "description": told, "content": {FORM: media}}

    def _success(self, route: Route) -> dict[str, Any]:
        output: Any = route.rpc.descriptor.output_type
        status = str(success(route.rpc))
        if shows_page(route):
            page: Schema = {"content": {HTML: {"schema": {"type": "string"}}}} if self._modern else {"schema": {"type": "string"}}
            return {
                status: {"description": comment(output.full_name), **page},
                "303": {"description": "The browser goes on to another page."},
            }
        if not output.fields:
            return {status: {"description": comment(output.full_name) or "Done."}}
        if not route.response_body:
            schema, told = self._schemas.of_message(output), comment(output.full_name)
        else:
            field = output.fields_by_name[route.response_body]
            schema, told = self._schemas.of_value(field), comment(output.full_name) or told_of(field)
        answer = {"content": {_produced(route): {"schema": schema}}} if self._modern else {"schema": schema}
        told = f"{told} {_STREAMED}".strip() if route.rpc.streams else told
        return {status: {"description": told or "Done.", **answer}}


def _plain_type(schema: Schema) -> str:
    return str(schema.get("format", schema["type"])) if schema["type"] != "string" else "string"


def _produced(route: Route) -> str:
    return EVENTS if route.rpc.streams else HTML if shows_page(route) else TEXT if _is_raw(route) else JSON


def _is_raw(route: Route) -> bool:
    """Whether the answer is bare words."""
    if not route.response_body:
        return False
    field: Any = route.rpc.descriptor.output_type.fields_by_name[route.response_body]
    return not field.is_repeated and (is_text(field) or field.enum_type is not None)


def tag_of(route: Route) -> str:
    """The published tag, else the service's name."""
    service: str = route.rpc.descriptor.containing_service.name
    return str(route.rpc.rules.published.tag) or service.removesuffix("Service")


def id_of(route: Route) -> str:
    """The published operationId, else the method's name in camel case."""
    name: str = route.rpc.descriptor.name
    return str(route.rpc.rules.published.operation) or name[:1].lower() + name[1:]
