"""The contract against models.tsv, and whether calls.json drives all that is published. Needs neither a server nor Node."""

import json

import pytest
from gamehall.options.v1 import options_pb2
from gamehall_server.kit.access import Access
from gamehall_server.kit.variants import variants_of
from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from bench.published import operations
from tests.sdk.published import ABSENT, ANSWERS, EXTENDS, FIELDS, METHODS, MODELS, Comparison, Field, as_the_sdk_reads, whole
from tests.sdk.steps import steps

CALLS = steps()
REQUIRED, OUTPUT_ONLY = (field_behavior_pb2.FieldBehavior.Value(name) for name in ("REQUIRED", "OUTPUT_ONLY"))
# The SDK is the last one: it has no call for these any more.
DROPPED = {operation.name for operation in operations() if operation.until}
# It leaves the variable of the path as it is: it calls nothing, and is refused. tests/modules/test_videos.py calls it.
BROKEN = {"MediaVideos.updateVideoRelationship"}
TYPES = {
    FieldDescriptor.CPPTYPE_STRING: "string",
    FieldDescriptor.CPPTYPE_INT32: "int32",
    FieldDescriptor.CPPTYPE_INT64: "int64",
    FieldDescriptor.CPPTYPE_BOOL: "boolean",
    FieldDescriptor.CPPTYPE_DOUBLE: "double",
    # An enum is one of its published words.
    FieldDescriptor.CPPTYPE_ENUM: "string",
}


def messages_of(message: Descriptor, found: dict[str, Descriptor], written: bool) -> dict[str, Descriptor]:
    """The messages inside one, itself included; of a request only those that a caller may write."""
    if message.full_name not in found:
        found[message.full_name] = message
        for field in message.fields:
            if field.message_type is not None and not (written and OUTPUT_ONLY in behaviour(field)):
                messages_of(field.message_type, found, written)
    return found


def behaviour(field: FieldDescriptor) -> list[int]:
    return list(field.GetOptions().Extensions[field_behavior_pb2.field_behavior])


def model_of(message: Descriptor) -> str:
    return message.GetOptions().Extensions[options_pb2.message].published


def fields_of(message: Descriptor) -> dict[str, FieldDescriptor]:
    """The fields as JSON has them: those of an inlined message stand in the object around it. A kind is a model of its own."""
    variants, fields = variants_of(message), {}
    for field in message.fields:
        if field.GetOptions().Extensions[options_pb2.field].inline:
            fields |= fields_of(field.message_type)
        elif variants is None or field.name not in variants.by_arm:
            fields[field.name] = field
    return fields


def type_of(field: FieldDescriptor) -> str:
    """What a field would be called in models.tsv."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return f"map<string,{type_of(field.message_type.fields_by_name['value'])}>"
    if field.GetOptions().Extensions[options_pb2.field].HasField("decimal"):
        return "decimal"
    item = TYPES[field.cpp_type] if field.message_type is None else model_of(field.message_type) or "object"
    return f"array<{item}>" if field.is_repeated else item


def fits(field: FieldDescriptor, fact: Field) -> bool:
    told = type_of(field)
    if fact.served and fact.served not in (*ABSENT, "null", "empty"):
        return told == fact.served.removesuffix(" or null")
    return told == fact.type


WRITTEN: dict[str, Descriptor] = {}
READ: dict[str, Descriptor] = {}
for _method in METHODS.values():
    messages_of(_method.input_type, WRITTEN, written=True)
    messages_of(_method.output_type, READ, written=False)
MESSAGES = {name: message for name, message in (WRITTEN | READ).items() if model_of(message)}
each_message = pytest.mark.parametrize("name", sorted(MESSAGES))


def test_every_published_operation_is_in_the_table():
    assert METHODS
    assert METHODS.keys() - ANSWERS.keys() == set()


def test_the_sdk_calls_every_published_operation():
    assert {call["call"] for call in CALLS if "refused" not in call} == set(METHODS) - DROPPED - BROKEN


def test_the_sdk_is_refused_by_every_operation_that_can_refuse():
    can_refuse = {
        name
        for name, method in METHODS.items()
        if method.input_type.fields or not Access(method.GetOptions().Extensions[options_pb2.method].policy).open
    }

    assert {call["call"] for call in CALLS if "refused" in call} == can_refuse - DROPPED


def test_every_departure_has_a_reason():
    assert [f"{field.owner}.{field.name}" for field in FIELDS if bool(field.served) is not bool(field.reason)] == []


def test_there_are_messages():
    assert "gamehall.comments.v1.Comment" in MESSAGES
    assert "gamehall.comments.v1.Comment" in WRITTEN


@each_message
def test_a_message_has_the_fields_of_its_model(name):
    model, variants = model_of(MESSAGES[name]), variants_of(MESSAGES[name])
    told = set() if variants is None else {variants.key}

    assert fields_of(MESSAGES[name]).keys() | told | whole(EXTENDS.get(model, "")).keys() == whole(model).keys()


@each_message
def test_its_fields_have_the_published_types(name):
    facts = whole(model_of(MESSAGES[name]))

    assert {field.name: type_of(field) for field in fields_of(MESSAGES[name]).values() if not fits(field, facts[field.name])} == {}


@each_message
def test_what_is_published_as_read_only_or_required_is_so(name):
    message = MESSAGES[name]
    facts = whole(model_of(message))

    behaviours = {field.name: behaviour(field) for field in fields_of(message).values()}

    assert [f for f in behaviours if facts[f].read_only and not facts[f].served and OUTPUT_ONLY not in behaviours[f]] == []
    if name in WRITTEN:
        required = [field for field in behaviours if facts[field].required and not facts[field].served]
        assert [field for field in required if REQUIRED not in behaviours[field]] == []


@pytest.fixture
def thing(monkeypatch):
    """A model that departs from its publication in every way."""
    rows = [("list", "array<string>", (), "empty"), ("word", "string", ("one",), ""), ("later", "int32", (), "not yet")]
    rows.append(("none", "array<Order>", (), "null"))
    fields = {name: Field("Thing", name, type, False, False, words, served, "") for name, type, words, served in rows}
    monkeypatch.setitem(MODELS, "Thing", fields)


def test_what_is_as_the_table_says_is_no_problem(thing):
    comparison = Comparison()
    comparison.compare({"list": [], "word": "one", "none": None}, "Thing", "answer")

    assert comparison.problems == []


@pytest.mark.parametrize(
    "value, type",
    [
        (True, "int32"),
        (1 << 31, "int32"),
        (1.0, "int64"),
        ("1", "int64"),
        (1, "string"),
        (None, "string"),
        (0, "boolean"),
        (True, "double"),
        ({}, "array<string>"),
        (["a", 1], "array<string>"),
        ({"a": 1}, "map<string,string>"),
        ("x", "NoSuchModel"),
        (None, "CommentResource"),
        ({"id": 1, "surprise": 1}, "CommentResource"),
        ({"context_id": 37}, "CommentResource"),
        ({"user": {"id": "1"}}, "CommentResource"),
        ({"password": "secret"}, "UserResource"),
        ({"list": ["new"]}, "Thing"),
        ({"word": "other"}, "Thing"),
        ({"later": 1}, "Thing"),
        ({"none": []}, "Thing"),
    ],
)
def test_what_is_not_as_published_is_found(value, type, thing):
    comparison = Comparison()
    comparison.compare(value, type, "answer")

    assert len(comparison.problems) == 1


def test_what_is_missing_is_found():
    comparison = Comparison()
    comparison.compare([{"iso2": "AF", "iso3": "AFG"}], "array<CountryResource>", "answer")

    assert comparison.problems == []
    assert comparison.missing() == ["CountryResource.name"]


def test_the_sdk_converts_what_is_of_another_type_than_published():
    said = {"id": 1, "context_id": "37", "user": None, "surprise": 1}

    assert as_the_sdk_reads(said, "CommentResource") == {"id": 1, "context_id": 37}
    assert as_the_sdk_reads({"expires_in": 900}, "OAuth2Resource") == {"expires_in": "900"}


def test_every_object_that_an_operation_takes_is_varied():
    takes = {call["call"] for call in CALLS if "$model" in json.dumps(call.get("with", ()))}

    assert takes == {call["call"] for call in CALLS if "vary" in call}
