"""Properties: every kind comes back as it was sent, at both doors; what is wrong with one is told by its name, and nothing is kept."""

import pytest
from gamehall.categories.v1 import categories_pb2 as pb
from hypothesis import HealthCheck, given, settings
from people import fresh

from tests.modules.templated import EMPTY, EVERY, any_properties, definition, message, refused_for, template


def category(person, **more):
    return person.post("/categories", {"name": "News", **more})


def test_every_kind_comes_back_as_it_was_sent(admin, nobody):
    name = fresh("Every")
    made = category(admin, name=name, additional_properties={**EVERY, **EMPTY})

    assert made.status_code == 201, made.text
    id = made.json()["id"]
    listed = nobody.get("/categories", params={"filter_search": name}).json()["content"][0]
    assert made.json()["additional_properties"] == {**EVERY, **EMPTY}
    assert nobody.get(f"/categories/{id}").json() == listed == made.json()
    shown = nobody.grpc.categories.GetCategory(pb.GetCategoryRequest(id=id)).category.additional_properties
    assert {name: shown[name] for name in shown} == {name: message(told) for name, told in {**EVERY, **EMPTY}.items()}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_properties)
def test_any_properties_come_back_equal_at_both_doors(admin, told):
    sent = {name: message(each) for name, each in told.items()}

    over_http = category(admin, additional_properties=told)
    over_grpc = admin.grpc.categories.CreateCategory(
        pb.CreateCategoryRequest(category=pb.Category(name="News", additional_properties=sent))
    ).category

    assert over_http.status_code == 201, over_http.text
    assert over_http.json()["additional_properties"] == told
    assert {name: over_grpc.additional_properties[name] for name in over_grpc.additional_properties} == sent
    assert admin.get(f"/categories/{over_grpc.id}").json()["additional_properties"] == told


WRONG = [
    ({"type": "tint", "value": "red"}, "a.type", "must be one of: text, "),
    ({"value": "red"}, "a.type", "required"),
    ("red", "a", "must be an object"),
    ({"type": "integer", "value": "five"}, "a.value", "must be a whole number"),
    ({"type": "integer", "value": 2**31}, "a.value", ""),
    ({"type": "date", "value": 1_500_000_000_000}, "a.value", "at most 253402300799"),
    ({"type": "boolean", "value": "yes"}, "a.value", ""),
    ({"type": "image_group", "files": [{"type": "audio"}]}, "a.files[0].type", "must be one of: file, image"),
    ({"type": "image_group", "files": [{"type": "text", "value": "x"}]}, "a.files[0].type", "must be one of: file, image"),
    ({"type": "list", "values": [{"type": "text"}, {"type": "nothing"}]}, "a.values[1].type", "must be one of"),
    ({"type": "text", "value": "x\0"}, "a.value", "must not contain the character NUL"),
]


@pytest.mark.parametrize("value, field, said", WRONG, ids=[field + str(number) for number, (_, field, _) in enumerate(WRONG)])
def test_what_is_no_property_is_refused_by_its_name(admin, value, field, said):
    before = admin.get("/categories").json()["total_elements"]

    told = refused_for(category(admin, additional_properties={"a": value, "b": {"type": "text", "value": "right"}}))

    assert len(told) == 1
    name, message = next(iter(told.items()))
    assert name == f"additional_properties.{field}"
    assert said in message
    assert admin.get("/categories").json()["total_elements"] == before


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_grpc_brings_no_number_that_json_cannot_tell(admin, refused, value):
    told = pb.Category(name="News")
    told.additional_properties["a"].double.value = value

    with refused("INVALID_ARGUMENT") as refusals:
        admin.grpc.categories.CreateCategory(pb.CreateCategoryRequest(category=told))

    assert "additional_properties.a.double.value: must be a finite number" in refusals[0].details()


def test_too_many_too_long_and_too_deep(admin):
    deep = {"type": "text", "value": "x"}
    for _ in range(9):
        deep = {"type": "list", "values": [deep]}

    many = refused_for(category(admin, additional_properties={f"p{number}": EVERY["text"] for number in range(201)}))
    long = refused_for(category(admin, additional_properties={"x" * 101: EVERY["text"]}))
    blank = refused_for(category(admin, additional_properties={" ": EVERY["text"]}))
    below = refused_for(category(admin, additional_properties={"a": deep}))

    assert list(many) == ["additional_properties"]
    assert list(long) == ["additional_properties." + "x" * 100]
    assert list(blank) == ["additional_properties. "]
    assert list(below.values()) == ["at most 8 deep"]


LIMITS = [
    (definition("text", "a", max_length=3), {"type": "text", "value": "abc"}, {"type": "text", "value": "abcd"}),
    (
        definition("formatted_text", "a", max_length=3),
        {"type": "formatted_text", "value": "abc"},
        {"type": "formatted_text", "value": "abcd"},
    ),
    (definition("integer", "a", min=2, max=4), {"type": "integer", "value": 2}, {"type": "integer", "value": 1}),
    (definition("integer", "a", min=2, max=4), {"type": "integer", "value": 4}, {"type": "integer", "value": 5}),
    (definition("long", "a", max=2**40), {"type": "long", "value": 2**40}, {"type": "long", "value": 2**40 + 1}),
    (definition("double", "a", min=0.5), {"type": "double", "value": 0.5}, {"type": "double", "value": 0.4}),
    (definition("date", "a", min=1_500_000_000), {"type": "date", "value": 1_500_000_000}, {"type": "date", "value": 1_499_999_999}),
    (definition("boolean", "a", True), {"type": "boolean", "value": False}, {"type": "boolean"}),
    (definition("integer", "a", True), {"type": "integer", "value": 0}, {"type": "integer"}),
    (definition("text", "a", True), {"type": "text", "value": "x"}, {"type": "text", "value": ""}),
    (definition("integer", "a"), {"type": "integer", "value": 1}, {"type": "long", "value": 1}),
    (
        definition("image", "a", file_type="image/png"),
        {"type": "image", "file_type": "image/PNG"},
        {"type": "image", "file_type": "image/gif"},
    ),
    (
        definition("image", "a", file_type="image/*"),
        {"type": "image", "file_type": "image/gif"},
        {"type": "image", "file_type": "text/plain"},
    ),
    (definition("file", "a", True), {"type": "file", "url": "x"}, {"type": "file"}),
    (
        definition("image_group", "a", min_count=1, max_count=1),
        {"type": "image_group", "files": [{"type": "image", "url": "x"}]},
        {"type": "image_group", "files": []},
    ),
    (
        definition("file_group", "a", max_count=1, file_type="text/plain"),
        {"type": "file_group", "files": [{"type": "file", "url": "x", "file_type": "text/plain"}]},
        {"type": "file_group", "files": [{"type": "file", "url": "x", "file_type": "text/html"}]},
    ),
    (
        definition("list", "a", max_count=2, value_definition=definition("text", "each", max_length=1)),
        {"type": "list", "values": [{"type": "text", "value": "a"}]},
        {"type": "list", "values": [{"type": "text", "value": "ab"}]},
    ),
    (definition("list", "a", max_count=1), {"type": "list", "values": [EVERY["text"]]}, {"type": "list", "values": [EVERY["text"]] * 2}),
    (
        definition("map", "a", properties=[definition("text", "b", True)]),
        {"type": "map", "map": {"b": EVERY["text"]}},
        {"type": "map", "map": {"c": EVERY["text"]}},
    ),
]


@pytest.mark.parametrize("said, right, wrong", LIMITS, ids=[f"{each[0]['type']}{number}" for number, each in enumerate(LIMITS)])
def test_a_template_holds_each_kind_to_its_limits(admin, said, right, wrong):
    held = template(admin, "categories", said)

    assert category(admin, template=held, additional_properties={"a": right}).status_code == 201
    told = refused_for(category(admin, template=held, additional_properties={"a": wrong}))
    assert all(name.startswith("additional_properties.a") for name in told)


def test_a_template_says_what_must_be_there_may_be_there_and_is_there_anyway(admin):
    held = template(
        admin,
        "categories",
        definition("text", "color", True),
        definition("integer", "level", default_value={"type": "integer", "value": 3}),
    )
    open_to_more = template(admin, "categories", definition("text", "color", True), allow_additional=True)

    made = category(admin, template=held, additional_properties={"color": EVERY["text"]})
    told = refused_for(category(admin, template=held, additional_properties={"shape": EVERY["text"], "level": EVERY["long"]}))

    assert made.json()["additional_properties"] == {"color": EVERY["text"], "level": {"type": "integer", "value": 3}}
    assert told == {
        "additional_properties.color": "required",
        "additional_properties.shape": "the template has no property of this name",
        "additional_properties.level.type": "must be integer",
    }
    assert category(admin, template=open_to_more, additional_properties={"color": EVERY["text"], "shape": EVERY["text"]}).status_code == 201
    assert refused_for(category(admin, template="nothing")) == {"template": "no template of this kind has this id"}
