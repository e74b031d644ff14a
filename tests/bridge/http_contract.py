"""A contract made at run time, with the shapes that the real one does not have yet, and an ASGI call without sockets."""

import asyncio
import itertools
from collections.abc import Iterable
from functools import cache
from typing import Any

from gamehall.options.v1 import options_pb2
from gamehall_bridge.app import Bridge
from gamehall_server.kit.invoke import Arrival, Rpc
from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2
from google.protobuf.message import Message

from tests.bridge.http_wire import Answer

Kind = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "int32": Kind.TYPE_INT32,
    "uint32": Kind.TYPE_UINT32,
    "int64": Kind.TYPE_INT64,
    "uint64": Kind.TYPE_UINT64,
    "double": Kind.TYPE_DOUBLE,
    "bool": Kind.TYPE_BOOL,
    "string": Kind.TYPE_STRING,
    "bytes": Kind.TYPE_BYTES,
}
PACKAGE = "fixture"
_numbers = itertools.count(1)
# Field by field: name, type, and the words repeated, optional, either, inline, null, output or required, word=… and decimal=….
# A map is written map<key,value>; a type that starts with a dot is a message, one that starts with # an enum.
MESSAGES: dict[str, tuple[tuple[str, ...], ...]] = {
    "Numbers": (
        ("small", "int32"),
        ("count", "uint32"),
        ("big", "int64"),
        ("huge", "uint64"),
        ("ratio", "double"),
        ("flag", "bool"),
        ("text", "string"),
        ("raw", "bytes"),
        ("color", "#.fixture.Color"),
        ("mood", "#.fixture.Mood"),
    ),
    "Perhaps": (
        ("small", "int32", "optional"),
        ("big", "int64", "optional"),
        ("huge", "uint64", "optional"),
        ("ratio", "double", "optional"),
        ("flag", "bool", "optional"),
        ("text", "string", "optional"),
        ("raw", "bytes", "optional"),
        ("color", "#.fixture.Color", "optional"),
    ),
    "Many": (
        ("small", "int32", "repeated"),
        ("huge", "uint64", "repeated"),
        ("ratio", "double", "repeated"),
        ("flag", "bool", "repeated"),
        ("text", "string", "repeated"),
        ("raw", "bytes", "repeated"),
        ("color", "#.fixture.Color", "repeated"),
        ("items", ".fixture.Numbers", "repeated"),
    ),
    "Maps": (
        ("words", "map<string,string>"),
        ("amounts", "map<string,int64>"),
        ("by_number", "map<int32,string>"),
        ("by_big", "map<uint64,bool>"),
        ("by_flag", "map<bool,double>"),
        ("colors", "map<string,#.fixture.Color>"),
        ("raws", "map<string,bytes>"),
        ("things", "map<string,.fixture.Numbers>"),
        ("free", "map<string,.google.protobuf.Value>"),
    ),
    "Free": (
        ("value", ".google.protobuf.Value"),
        ("object", ".google.protobuf.Struct"),
        ("list", ".google.protobuf.ListValue"),
        ("values", ".google.protobuf.Value", "repeated"),
    ),
    "Tree": (
        ("name", "string"),
        ("parent", ".fixture.Tree"),
        ("children", ".fixture.Tree", "repeated"),
        ("named", "map<string,.fixture.Tree>"),
    ),
    "Nulls": (
        ("text", "string", "optional", "null"),
        ("tree", ".fixture.Tree", "null"),
        ("list", "string", "repeated", "null"),
        ("secret", "string", "output"),
    ),
    "Page": (("content", "string", "repeated"), ("info", ".fixture.Info", "inline")),
    "Either": (("number", "int64", "either"), ("tree", ".fixture.Tree", "either"), ("text", "string", "either")),
    "Info": (("size", "int32"), ("last", "bool"), ("sort", "string", "repeated", "null")),
    # Names that are alike once their dots are gone.
    "Outer": (("inner", ".fixture.Outer.Inner"), ("outer_inner", ".fixture.Outer_Inner")),
    "Outer.Inner": (("one", "int32"),),
    "Outer_Inner": (("two", "int32"),),
    "Keyword": (("from", "string"), ("class", "string", "repeated")),
    # Polymorphic: see DISCRIMINATORS.
    "Shape": (
        ("name", "string", "required", "example=round"),
        ("text", ".fixture.TextShape", "either"),
        ("long_number", ".fixture.NumberShape", "either", "word=long"),
        ("list", ".fixture.ListShape", "either"),
        ("empty", ".fixture.Nothing", "either"),
        ("edges", "int32", "optional"),
    ),
    "TextShape": (("value", "string", "required", "example=O"), ("length", "int32", "output")),
    "NumberShape": (("value", "int64"),),
    "ListShape": (("values", ".fixture.Shape", "repeated"), ("info", ".fixture.Info", "inline")),
    "Item": (
        ("name", "string"),
        ("plain", ".fixture.Nothing", "either", "word=item"),
        ("store", ".fixture.StoreItem", "either"),
        ("entitlement", ".fixture.Entitlement", "either"),
    ),
    "StoreItem": (
        ("price", "string", "decimal=2", "example=9.99"),
        ("bundle", ".fixture.Bundle", "either", "word=bundle_item"),
        ("coupon", ".fixture.Coupon", "either", "word=coupon_item"),
    ),
    "Bundle": (("items", ".fixture.Item", "repeated", 'example=[{"type_hint": "item"}]'),),
    "Coupon": (("code", "string", "required"),),
    "Entitlement": (("days", "int32"),),
    "Device": (("id", "string"), ("device_type", "string"), ("mobile_device", ".fixture.Mobile", "either")),
    "Mobile": (("imei", "string"),),
    "Shapes": (("by_name", "map<string,.fixture.Shape>"), ("all", ".fixture.Shape", "repeated"), ("one", ".fixture.Shape")),
    "Money": (
        ("price", "string", "decimal=2"),
        ("factor", "string", "optional", "decimal=9", "min=0"),
        ("prices", "string", "repeated", "decimal=2"),
        ("by_code", "map<string,.fixture.Amount>"),
        ("ratio", "double"),
        ("count", "int32"),
        ("text", "string"),
        ("free", ".google.protobuf.Value"),
    ),
    "Amount": (("value", "string", "decimal=2"),),
    # Requests.
    "Any": (
        ("id", "int32"),
        ("name", "string"),
        ("big", "int64"),
        ("ratio", "double"),
        ("flag", "bool"),
        ("color", "#.fixture.Color"),
        ("numbers", "int32", "repeated"),
        ("body", ".fixture.Numbers"),
    ),
    "WithNumber": (("id", "int32"), ("value", "int64", "required")),
    "WithAmount": (("id", "int32"), ("amount", "int64", "required")),
    "WithWords": (("words", "string", "repeated"),),
    "WithValue": (("value", ".google.protobuf.Value"),),
    "WithList": (("list", ".google.protobuf.ListValue"),),
    "PutShape": (("id", "int32"), ("shape", ".fixture.Shape")),
    "Text": (("text", "string"),),
    "Route": (("id", "int32"), ("name", "string"), ("text", "string")),
    "Nothing": (),
}
DISCRIMINATORS = {"Shape": "type", "Item": "type_hint", "StoreItem": "type_hint", "Device": "device_type"}
ENUMS = {
    "Color": (("COLOR_UNSPECIFIED", ""), ("COLOR_RED", ""), ("COLOR_DARK_BLUE", ""), ("COLOR_GREEN", "Grün")),
    "Mood": (("NONE", "none"), ("HAPPY", "happy-go-lucky"), ("SAD", "")),
}


def _field(message: descriptor_pb2.DescriptorProto, number: int, name: str, kind: str, *words: str) -> None:
    field = message.field.add(name=name, number=number, label=Kind.LABEL_REPEATED if "repeated" in words else Kind.LABEL_OPTIONAL)
    if kind.startswith("map<"):
        key, value = kind[4:-1].split(",")
        entry = message.nested_type.add(name="".join(part.capitalize() for part in name.split("_")) + "Entry")
        entry.options.map_entry = True
        _field(entry, 1, "key", key)
        _field(entry, 2, "value", value)
        field.label, field.type, field.type_name = Kind.LABEL_REPEATED, Kind.TYPE_MESSAGE, f".{PACKAGE}.{message.name}.{entry.name}"
    elif kind.startswith("#"):
        field.type, field.type_name = Kind.TYPE_ENUM, kind[1:]
    elif kind.startswith("."):
        field.type, field.type_name = Kind.TYPE_MESSAGE, kind
    else:
        field.type = SCALARS[kind]
    if "either" in words:
        if not message.oneof_decl:
            message.oneof_decl.add(name="either")
        field.oneof_index = 0
    if "optional" in words:
        field.proto3_optional, field.oneof_index = True, len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{name}")
    rules = field.options.Extensions[options_pb2.field]
    rules.inline, rules.null_if_unset = "inline" in words, "null" in words
    told = dict(word.split("=", 1) for word in words if "=" in word)
    rules.word, rules.example = told.get("word", ""), told.get("example", "")
    if "decimal" in told:
        rules.decimal.scale = int(told["decimal"])
    if "min" in told:
        rules.minimum = int(told["min"])
    behavior = field.options.Extensions[field_behavior_pb2.field_behavior]
    behavior.extend(field_behavior_pb2.FieldBehavior.Value(f"{word.upper()}_ONLY") for word in words if word == "output")
    behavior.extend(field_behavior_pb2.FieldBehavior.Value("REQUIRED") for word in words if word == "required")


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="fixture.proto", package=PACKAGE, syntax="proto3")
    file.dependency.append("google/protobuf/struct.proto")
    made: dict[str, Any] = {}
    for name, fields in MESSAGES.items():
        outer, _, inner = name.rpartition(".")
        message = made[name] = made[outer].nested_type.add(name=inner) if outer else file.message_type.add(name=inner)
        for number, field in enumerate(fields, 1):
            _field(message, number, *field)
        message.options.Extensions[options_pb2.message].discriminator = DISCRIMINATORS.get(name, "")
    for name, values in ENUMS.items():
        enum = file.enum_type.add(name=name)
        for number, (word, told) in enumerate(values):
            value = enum.value.add(name=word, number=number)
            if told:
                value.options.Extensions[options_pb2.enum_value].name = told
    return file


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(_file().SerializeToString())
    return pool


def type_of(name: str) -> Any:
    """The class of a message of the fixture."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


class Operation:
    """One RPC to be: `verb path`, its types, and what stands for its body and its answer."""

    def __init__(
        self,
        route: str,
        request: str = "Nothing",
        response: str = "Nothing",
        body: str = "",
        answer: str = "",
        oauth: bool = False,
        status: int = 0,
    ) -> None:
        self.verb, self.path = route.split(" ")
        self.request, self.response = request, response
        self.body, self.answer = body, answer
        self.oauth = oauth
        self.status = status


def rpcs_of(*operations: Operation) -> list[Rpc]:
    """RPCs with these routes; their methods answer with the default."""
    package = f"service{next(_numbers)}"
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3", dependency=["fixture.proto"])
    service = file.service.add(name="Service")
    for number, operation in enumerate(operations):
        method = service.method.add(
            name=f"Do{number}", input_type=f".{PACKAGE}.{operation.request}", output_type=f".{PACKAGE}.{operation.response}"
        )
        rule = method.options.Extensions[annotations_pb2.http]
        if operation.verb.lower() in ("get", "put", "post", "delete", "patch"):
            setattr(rule, operation.verb.lower(), operation.path)
        else:
            rule.custom.kind, rule.custom.path = operation.verb, operation.path
        rule.body, rule.response_body = operation.body, operation.answer
        rules = method.options.Extensions[options_pb2.method]
        rules.policy.open, rules.oauth, rules.status = True, operation.oauth, operation.status
    _pool().AddSerializedFile(file.SerializeToString())
    methods = _pool().FindServiceByName(f"{package}.Service").methods

    async def method_of(request: Any, call: Any) -> Message:
        raise NotImplementedError

    return [Rpc(descriptor, method_of) for descriptor in methods]


class Echo:
    """Stands where the product does: keeps what was asked, answers as told."""

    def __init__(self, rpcs: Iterable[Rpc]) -> None:
        self.rpcs = {rpc.name: rpc for rpc in rpcs}
        self.asked: list[tuple[str, Any, Arrival]] = []
        self.answer: Any = None

    refuse = None

    async def invoke(self, rpc: Rpc, request: Message, arrival: Arrival) -> Message:
        """Keeps the request."""
        self.asked.append((rpc.name.rpartition("Do")[2], request, arrival))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer if self.answer is not None else rpc.response()


def call(
    bridge: Bridge, verb: str, path: str, query: bytes = b"", body: bytes = b"", headers: Iterable[tuple[bytes, bytes]] = ()
) -> Answer:
    """One request to a bridge, as a server would hand it over."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": verb,
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": query,
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
    }
    asyncio.run(bridge(scope, receive, send))
    start, *parts = sent
    told = [(name.decode(), value.decode()) for name, value in start["headers"]]
    return Answer(start["status"], told, b"".join(part["body"] for part in parts))
