"""Objects of several kinds: a word in the object tells which, and the fields of the kind stand beside those that all have."""

import json
from typing import Any

import pytest
from gamehall.options.v1 import options_pb2
from gamehall_bridge.app import Bridge
from gamehall_bridge.naming import as_json
from gamehall_server.kit.errors import Invalid, Violation
from gamehall_server.kit.variants import Malformed, variants_of
from google.protobuf import descriptor_pb2, descriptor_pool
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.codec import Codec, unruly
from tests.bridge.http_contract import Echo, Operation, call, rpcs_of, type_of

codec = Codec("Shape", "Shapes", "Item", "Device")
read, written, wrong_with = codec.read, codec.written, codec.wrong_with
FEW = {"max_size": 3}
INT64 = st.integers(-(2**63), 2**63 - 1)
NAMES = st.text(**FEW)
INFO = st.fixed_dictionaries({"size": st.integers(0, 9), "last": st.booleans()})


def shape(**kinds: Any) -> Any:
    return st.one_of(
        *(st.fixed_dictionaries({"name": NAMES, arm: fields}, optional={"edges": st.integers(0, 9)}) for arm, fields in kinds.items())
    )


SHAPES = st.recursive(
    shape(text=st.fixed_dictionaries({"value": NAMES}), long_number=st.fixed_dictionaries({"value": INT64}), empty=st.just({})),
    lambda inner: shape(list=st.fixed_dictionaries({"values": st.lists(inner, **FEW), "info": INFO})),
    max_leaves=5,
)
CENTS = st.integers(-(10**19), 10**19).map(lambda cents: f"{cents // 100}.{cents % 100:02}")
ITEMS = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"name": NAMES, "plain": st.just({})}),
        st.fixed_dictionaries({"entitlement": st.fixed_dictionaries({"days": st.integers(0, 9)})}),
        st.fixed_dictionaries({"store": st.fixed_dictionaries({"price": CENTS, "coupon": st.fixed_dictionaries({"code": NAMES})})}),
    ),
    lambda inner: st.fixed_dictionaries(
        {"store": st.fixed_dictionaries({"price": CENTS, "bundle": st.fixed_dictionaries({"items": st.lists(inner, **FEW)})})}
    ),
    max_leaves=5,
)
DEVICES = st.one_of(
    st.fixed_dictionaries({"id": NAMES, "device_type": NAMES.filter(lambda word: word != "mobile_device")}),
    st.fixed_dictionaries({"device_type": st.just("mobile_device"), "mobile_device": st.fixed_dictionaries({"imei": NAMES})}),
)
MESSAGES: dict[str, Any] = {
    "Shape": SHAPES,
    "Item": ITEMS,
    "Device": DEVICES,
    "Shapes": st.fixed_dictionaries(
        {"by_name": st.dictionaries(NAMES, SHAPES, **FEW), "all": st.lists(SHAPES, **FEW)}, optional={"one": SHAPES}
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_every_kind_comes_back_as_it_was(name):
    @settings(max_examples=100, deadline=None, derandomize=True, database=None)
    @given(MESSAGES[name])
    def holds(fields: Any) -> None:
        message = type_of(name)(**fields)
        assert codec.through(message) == message

    holds()


def test_the_fields_of_a_kind_stand_beside_those_of_all():
    assert written("Shape", name="a", text={"value": "b", "length": 1}) == {"type": "text", "name": "a", "value": "b", "length": 1}
    assert written("Shape", long_number={"value": 2**63 - 1}, edges=0) == {"type": "long", "name": "", "value": 2**63 - 1, "edges": 0}
    assert written("Shape", empty={}) == {"type": "empty", "name": ""}
    assert read("Shape", {"edges": 3, "value": "b", "type": "text", "length": 9}) == type_of("Shape")(edges=3, text={"value": "b"})


def test_a_kind_may_hold_its_own_kind_and_inline_fields():
    inner = {"type": "empty", "name": ""}
    told = written("Shape", list={"values": [{"empty": {}}], "info": {"size": 7}})

    assert told == {"type": "list", "name": "", "values": [inner], "size": 7, "last": False, "sort": None}


def test_kinds_may_have_kinds_by_the_same_word():
    bundle = {"type_hint": "bundle_item", "name": "b", "price": 1.5, "items": [{"type_hint": "item", "name": "i"}]}
    message = type_of("Item")(name="b", store={"price": "1.5", "bundle": {"items": [{"name": "i", "plain": {}}]}})

    assert written("Item", name="b", store={"price": "1.5", "bundle": {"items": [{"name": "i", "plain": {}}]}}) == bundle
    assert read("Item", bundle) == message


def test_where_any_word_goes_the_word_is_kept():
    assert read("Device", {"device_type": "toaster", "imei": "1"}) == type_of("Device")(device_type="toaster")
    mobile = type_of("Device")(device_type="mobile_device", mobile_device={"imei": "1"})
    assert read("Device", {"device_type": "mobile_device", "imei": "1"}) == mobile
    assert written("Device", mobile_device={"imei": "1"})["device_type"] == "mobile_device"
    assert read("Device", {}) == type_of("Device")()


def test_kinds_stand_in_lists_and_maps():
    text = {"type": "text", "name": "n", "value": "v"}

    message = read("Shapes", {"by_name": {"a.b": text}, "all": [text], "one": text})

    assert message.by_name["a.b"] == message.all[0] == message.one == type_of("Shape")(name="n", text={"value": "v"})
    assert json.loads(codec.answered(message))["by_name"] == {"a.b": {**text, "length": 0}}


KNOWN = "must be one of: text, long, list, empty"


@pytest.mark.parametrize("word", ["purple", "long_number", "TEXT", "", 1, True, [], {}])
def test_an_unknown_word_is_answered_with_the_known_ones(word):
    assert wrong_with("Shape", {"type": word}) == {"type": KNOWN}
    assert wrong_with("Shapes", {"by_name": {"a": {"type": word}}}) == {"by_name.a.type": KNOWN}
    assert wrong_with("Shapes", {"all": [{"type": "empty"}, {"type": word}]}) == {"all[1].type": KNOWN}
    assert wrong_with("Item", {"type_hint": word}) == {"type_hint": "must be one of: item, bundle_item, coupon_item, entitlement"}


@pytest.mark.parametrize("value", [{}, {"type": None}, {"name": "a", "value": "b"}])
def test_without_a_word_nothing_is_known(value):
    assert wrong_with("Shape", value) == {"type": "required"}
    assert wrong_with("Shapes", {"one": value}) == {"one.type": "required"}


def test_a_wrong_field_has_the_name_that_the_client_wrote():
    assert wrong_with("Shape", {"type": "long", "value": "x", "name": 1.5}) == {"value": "must be a whole number", "name": "must be text"}
    assert wrong_with("Shapes", {"by_name": {"a.b": {"type": "long", "value": "x"}}}) == {"by_name.a.b.value": "must be a whole number"}
    nested = {"type": "list", "values": [{"type": "empty"}, {"type": "text", "value": []}], "size": "many"}
    assert list(wrong_with("Shape", nested)) == ["values[1].value", "size"]
    bundle = {"type_hint": "bundle_item", "price": "x", "items": [{"type_hint": "coupon_item", "code": {}}]}
    assert list(wrong_with("Item", bundle)) == ["price", "items[0].code"]


def test_rules_hold_for_every_kind_wherever_it_stands():
    assert unruly("Shape", name="a", text={}) == {"text.value": "required"}
    assert unruly("Shape", name="a") == {"type": "required"}
    assert unruly("Shapes", by_name={"a": {"empty": {}}}, all=[{"name": "a", "empty": {}}, {"name": "a"}]) == {
        "by_name.a.name": "required",
        "all[1].type": "required",
    }
    deep = {"name": "a", "list": {"values": [{"name": "b", "list": {"values": [{"text": {"value": "v"}}]}}]}}
    assert unruly("Shape", **deep) == {"list.values[0].list.values[0].name": "required"}
    assert unruly("Item", store={}) == {"store.type_hint": "required"}
    assert unruly("Item", store={"price": "1.234", "coupon": {}}) == {
        "store.price": "at most 2 digits after the point",
        "store.coupon.code": "required",
    }
    assert unruly("Device") == unruly("Device", device_type="toaster") == {}


@pytest.mark.parametrize(
    "name, path, told",
    [
        ("Shape", "text.value", "value"),
        ("Shape", "list.values[0].list.values[3].name", "values[0].values[3].name"),
        ("Shape", "list.info.size", "size"),
        ("Shapes", "by_name.a.b.text.value", "by_name.a.b.value"),
        ("Shapes", "by_name.text.text.value", "by_name.text.value"),
        ("Shapes", "by_name.a", "by_name.a"),
        ("Shapes", "all[2].long_number.value", "all[2].value"),
        ("Item", "store.type_hint", "type_hint"),
        ("Item", "store.bundle.items[0].store.coupon.code", "items[0].code"),
        ("Maps", "things.x.small", "things.x.small"),
        ("Maps", "words.x.y", "words.x.y"),
        ("Any", "unknown.path", "unknown.path"),
    ],
)
def test_paths_of_messages_are_told_as_paths_of_json(name, path, told):
    assert as_json(path, type_of(name).DESCRIPTOR) == told


def test_what_a_rule_refuses_is_told_as_the_client_wrote_it():
    echo = Echo(rpcs_of(Operation("PUT /shapes", "PutShape", body="shape")))
    echo.answer = Invalid(violations=(Violation("shape.list.values[0].text.value", "required"),))

    answer = call(Bridge(echo), "PUT", "/shapes", body=b'{"type": "list", "values": [{"type": "text"}]}')

    assert answer.status == 400
    assert [result["field"] for result in answer.json()["result"]] == ["values[0].value"]


@pytest.mark.parametrize(
    "fields, problem",
    [
        ([("text", "A", True)], None),
        ([("type", "string", False), ("text", "A", True)], None),
        ([("text", "string", True)], "must be a message"),
        ([("text", "A", True), ("value", "string", False)], "stands beside the arm"),
        ([("text", "A", False)], "exactly one oneof"),
    ],
)
def test_a_contract_that_cannot_work_is_refused(fields, problem):
    file = descriptor_pb2.FileDescriptorProto(name="odd.proto", package="odd", syntax="proto3")
    file.message_type.add(name="A").field.add(name="value", number=1, type=9, label=1)
    message = file.message_type.add(name="Odd")
    message.options.Extensions[options_pb2.message].discriminator = "type"
    if any(arm for *_, arm in fields):
        message.oneof_decl.add(name="kind")
    for number, (name, kind, arm) in enumerate(fields, 1):
        field = message.field.add(name=name, number=number, label=1, type=9 if kind == "string" else 11)
        if kind != "string":
            field.type_name = f".odd.{kind}"
        if arm:
            field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    odd = pool.FindMessageTypeByName("odd.Odd")

    if problem is None:
        found = variants_of(odd)
        assert found is not None
        assert found.open == (fields[0][0] == "type")
    else:
        with pytest.raises(Malformed, match=problem):
            variants_of(odd)
