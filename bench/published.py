"""The published API as facts (tests/published.tsv, tests/published_models.tsv), and a contract made from them.

The contract stands in for what is not written yet: tests route through it, and the cold start is measured with it. Each operation is an
RPC with its own request and response, as CONTRIBUTING.md asks of real ones; a published model is a message of the same fields.
"""

import csv
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from gamehall.common.v1 import page_pb2
from gamehall.options.v1 import options_pb2
from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf import struct_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, MethodOptions

FACTS = Path(__file__).parent.parent / "tests"
PACKAGE = "standin"
MODELS_FILE = f"{PACKAGE}/models.proto"
# What stands for the body and for the answer in messages that have other fields, too.
BODY, ANSWER = "body", "answer"
LONGEST_TEXT = 10_000
Kind = FieldDescriptorProto
SCALARS = {
    "int32": Kind.TYPE_INT32,
    "int64": Kind.TYPE_INT64,
    "double": Kind.TYPE_DOUBLE,
    "decimal": Kind.TYPE_STRING,
    "boolean": Kind.TYPE_BOOL,
    "string": Kind.TYPE_STRING,
}


class Operation(NamedTuple):
    """A row of published.tsv.

    model:     what it answers: a model, array<…>, map<…>, object, string, a number; empty for nothing.
    status:    the published success statuses, comma separated.
    page_of:   what a page holds, where the answer is one.
    variables, query: name:type, comma separated; variables in the order of the path.
    body:      as `model`; form<…> for form fields.
    public:    "yes" where the clients of 2017 sent no token.
    until:     the last day it was seen, where later clients do not have it.
    """

    method: str
    path: str
    operation: str
    tag: str
    model: str
    status: str
    page_of: str
    variables: str
    query: str
    body: str
    public: str
    until: str

    @property
    def name(self) -> str:
        """Two operations share a name, but none its tag as well."""
        return f"{self.tag}.{self.operation}"

    @property
    def success(self) -> int:
        """The status this product answers with: the first published one, but 200 where 204 was published and there is an answer."""
        status = int(self.status.partition(",")[0])
        return 200 if status == 204 and self.model else status

    @property
    def kinds(self) -> dict[str, str]:
        """The path's variables in order: number, text, or user, a user's id or "me", which was published as a number or as text."""
        segments, kinds = self.path.split("/"), {}
        for name, kind in _typed(self.variables).items():
            user = name == "user_id" or segments[segments.index(f"{{{name}}}") - 1] == "users"
            kinds[name] = "user" if user else "text" if kind == "string" else "number"
        return kinds

    @property
    def shape(self) -> tuple[str, str]:
        """What a router tells routes apart by."""
        return self.method, re.sub(r"{\w+}", "{}", self.path)


def _rows(name: str) -> list[dict[str, str]]:
    with (FACTS / name).open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation ever published, those that were dropped included, by path."""
    return tuple(Operation(**row) for row in _rows("published.tsv"))


@cache
def models() -> dict[str, dict[str, str]]:
    """Every published model but pages: its fields and their types."""
    return {row["model"]: _typed(row["fields"].replace(" ", ",")) for row in _rows("published_models.tsv")}


@cache
def wrappers() -> frozenset[str]:
    """The models that hold one bare value."""
    return frozenset(row["model"] for row in _rows("published_models.tsv") if row["kind"] == "wrapper")


def routed() -> list[Operation]:
    """The operations that a router can tell apart: one that was dropped makes room for a later one at the same address."""
    current = {operation.shape for operation in operations() if not operation.until}
    return [operation for operation in operations() if not operation.until or operation.shape not in current]


def _typed(text: str) -> dict[str, str]:
    """`a:int32,b:map<string,x>` as a dictionary."""
    return {name: kind for part in re.split(r",(?=\w+:)", text) if part for name, _, kind in (part.partition(":"),)}


def files_of(wanted: Iterable[Operation]) -> list[FileDescriptorProto]:
    """Contract files for these operations: one of every model, and one per tag with its service; each after those it needs."""
    made = [_models_file()]
    by_tag: dict[str, list[Operation]] = {}
    for operation in wanted:
        by_tag.setdefault(operation.tag, []).append(operation)
    made += [_service_file(tag, members) for tag, members in by_tag.items()]
    return made


def service_of(tag: str) -> str:
    """The full name of a tag's service."""
    return f"{_package(tag)}.{tag.replace('_', '')}Service"


def _package(tag: str) -> str:
    return f"{PACKAGE}.{tag.lower()}.v1"


def _file(name: str, package: str, *more: str) -> FileDescriptorProto:
    needed = (struct_pb2, options_pb2, annotations_pb2, field_behavior_pb2, page_pb2)
    names = [*(module.DESCRIPTOR.name for module in needed), *more]
    return FileDescriptorProto(name=name, package=package, syntax="proto3", dependency=names)


def _models_file() -> FileDescriptorProto:
    file = _file(MODELS_FILE, PACKAGE)
    for name, fields in models().items():
        message = file.message_type.add(name=name)
        message.options.Extensions[options_pb2.message].published = name
        for field, kind in fields.items():
            _add(file, message, field, kind)
    return file


def _service_file(tag: str, members: list[Operation]) -> FileDescriptorProto:
    file = _file(f"{PACKAGE}/{tag.lower()}.proto", _package(tag), MODELS_FILE)
    service = file.service.add(name=service_of(tag).rpartition(".")[2])
    for operation in members:
        name = operation.operation[0].upper() + operation.operation[1:]
        method = service.method.add(name=name, input_type=f".{file.package}.{name}Request", output_type=f".{file.package}.{name}Response")
        _write_options(method.options, operation)
        request, response = file.message_type.add(name=f"{name}Request"), file.message_type.add(name=f"{name}Response")
        form = re.fullmatch("form<(.*)>", operation.body)
        users = [name for name, kind in operation.kinds.items() if kind == "user"]
        for field, kind in (_typed(operation.variables) | _typed(operation.query) | _typed(form[1] if form else "")).items():
            _add(file, request, field, "string" if field in users else kind)
            if field in users:
                request.field[-1].options.Extensions[options_pb2.field].user_id = True
        if operation.body and not form:
            _add(file, request, BODY, models()[operation.body]["value"] if operation.body in wrappers() else operation.body)
        if operation.page_of:
            _add(file, response, "content", f"array<{operation.page_of}>")
            info = response.field.add(name="page_info", number=2, label=Kind.LABEL_OPTIONAL, type=Kind.TYPE_MESSAGE)
            info.type_name = f".{page_pb2.PageInfo.DESCRIPTOR.full_name}"
            info.options.Extensions[options_pb2.field].inline = True
        elif operation.model:
            _add(file, response, ANSWER, operation.model)
    return file


def _write_options(options: MethodOptions, operation: Operation) -> None:
    rule = options.Extensions[annotations_pb2.http]
    setattr(rule, operation.method.lower(), operation.path)
    form = operation.body.startswith("form<")
    rule.body = "*" if form else BODY if operation.body else ""
    rule.response_body = ANSWER if operation.model and not operation.page_of else ""
    rules = options.Extensions[options_pb2.method]
    if operation.public or form:
        rules.policy.open = True
    else:
        rules.policy.any.append(f"{operation.tag.upper()}_ADMIN")
    rules.oauth = form
    rules.status = operation.success
    rules.published.operation, rules.published.tag = operation.operation, operation.tag
    if operation.method == "GET":
        options.idempotency_level = MethodOptions.NO_SIDE_EFFECTS


def _add(file: FileDescriptorProto, message: DescriptorProto, name: str, kind: str) -> None:
    """Adds a field of a published type."""
    field = message.field.add(name=name, number=len(message.field) + 1, label=Kind.LABEL_OPTIONAL)
    several = re.fullmatch(r"array<(.+)>", kind)
    keyed = re.fullmatch(r"map<string,(.+)>", kind)
    if keyed:
        entry = message.nested_type.add(name="".join(part[0].upper() + part[1:] for part in name.split("_")) + "Entry")
        entry.options.map_entry = True
        _add(file, entry, "key", "string")
        _add(file, entry, "value", keyed[1])
        field.label, field.type, field.type_name = Kind.LABEL_REPEATED, Kind.TYPE_MESSAGE, f".{file.package}.{message.name}.{entry.name}"
        return
    if several:
        field.label, kind = Kind.LABEL_REPEATED, several[1]
    if kind in SCALARS:
        field.type = SCALARS[kind]
        if field.type == Kind.TYPE_STRING and not several:
            field.options.Extensions[options_pb2.field].max_length = LONGEST_TEXT
    else:
        field.type = Kind.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{kind}" if kind != "object" else ".google.protobuf.Value"
