"""Every JSON shape in both documents: what the codec writes and takes is what they tell."""

import json
from typing import Any

import pytest
from gamehall_bridge.documents.build import openapi, swagger
from gamehall_server.kit.invoke import Rpc
from gamehall_server.kit.validation import compile_check
from hypothesis import assume, given, settings
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV31SpecValidator

from tests.bridge import test_http_codec, test_polymorphic
from tests.bridge.codec import Codec
from tests.bridge.http_contract import MESSAGES, Operation, rpcs_of, type_of
from tests.contract.reading import Document, answer_of, examples, misfits, operations

SHAPES = {**test_http_codec.MESSAGES, **{name: test_polymorphic.MESSAGES[name] for name in ("Shape", "Item", "Device")}}
OBJECTS = [name for name in MESSAGES if "." not in name and name != "Nothing"]
OPERATIONS = (
    *(Operation(f"POST /{name}", name, name, body="*") for name in OBJECTS),
    Operation("PUT /things/{id}/number", "WithNumber", "WithNumber", body="value", answer="value"),
    Operation("PUT /words", "WithWords", "WithWords", body="words", answer="words"),
    Operation("PUT /free", "WithValue", "WithValue", body="value", answer="value"),
    Operation("PUT /list", "WithList", "WithList", body="list", answer="list"),
    Operation("PUT /text", "Text", "Text", body="text", answer="text"),
    Operation("PUT /color", "Numbers", "Numbers", body="color", answer="color"),
    Operation("PUT /amounts", "Maps", "Maps", body="amounts", answer="amounts"),
    Operation("PUT /shapes/{id}", "PutShape", "PutShape", body="shape", answer="shape"),
    Operation("PUT /price", "Amount", "Amount", body="value", answer="value"),
    Operation("POST /any/{id}", "Any", body="*"),
    Operation("GET /any/{id}", "Any"),
    Operation("GET /files/{name=**}", "Route"),
    Operation("POST /token", "Text", "Text", body="*", oauth=True),
    Operation("DELETE /done", "Nothing", status=202),
)
codec = Codec(*SHAPES)


def made(make: Any, rpcs: list[Rpc]) -> Document:
    """A document, with a whole address for the token endpoint, as the door fills it in."""
    document: Document = json.loads(make(rpcs).replace(b'"tokenUrl":"/', b'"tokenUrl":"http://localhost/'))
    return document


RPCS = rpcs_of(*OPERATIONS)
OLD, NEW = made(swagger, RPCS), made(openapi, RPCS)
BOTH = pytest.mark.parametrize("document", [OLD, NEW], ids=["swagger", "openapi"])


def operation(document: Document, verb: str, path: str) -> Any:
    return next(each for each in operations(document) if (each.verb, each.path) == (verb, path))


def answered(document: Document, verb: str, path: str) -> Any:
    return answer_of(document, operation(document, verb, path))[1]


def taken(verb: str, path: str) -> dict[str, Any]:
    """The schemas of a body, by media type, and of Swagger 2.0's by nothing."""
    content = operation(NEW, verb, path).told["requestBody"]["content"]
    old = [each["schema"] for each in operation(OLD, verb, path).told["parameters"] if each["in"] == "body"]
    return {"": old[0] if old else None, **{kind: told["schema"] for kind, told in content.items()}}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def old(name: str) -> dict[str, str]:
    return {"$ref": f"#/definitions/{name}"}


def test_both_are_valid():
    assert [error.message for error in OpenAPIV2SpecValidator(OLD).iter_errors()] == []
    assert [error.message for error in OpenAPIV31SpecValidator(NEW).iter_errors()] == []


@pytest.mark.parametrize("name", SHAPES)
def test_what_the_codec_writes_is_what_the_schema_tells(name):
    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(SHAPES[name])
    def holds(fields: Any) -> None:
        message = type_of(name)(**fields)
        assume(not compile_check(message.DESCRIPTOR)(message))
        said = json.loads(codec.answered(message))
        for document in (NEW,) if name in ("Page", "Nulls", "Info") else (OLD, NEW):
            assert misfits(document, answered(document, "POST", f"/{name}"), said) == []

    holds()


def test_a_schema_is_not_content_with_anything():
    number = answered(NEW, "POST", "/Numbers")

    assert misfits(NEW, number, {"small": "1"}) != []
    assert misfits(NEW, number, {"color": "purple"}) != []
    assert misfits(NEW, answered(NEW, "POST", "/Item"), {"type_hint": "entitlement", "days": "1"}) != []
    assert misfits(NEW, answered(NEW, "POST", "/Item"), {"days": 1}) != []
    assert misfits(NEW, answered(NEW, "POST", "/Device"), {"device_type": "mobile_device", "imei": 1}) != []


def test_a_kind_is_a_whole_object_with_its_word():
    item = NEW["components"]["schemas"]["Item"]
    bundle = NEW["components"]["schemas"]["ItemBundleItem"]

    words = ["item", "bundle_item", "coupon_item", "entitlement"]
    assert list(item["discriminator"]["mapping"]) == words
    assert item["discriminator"]["propertyName"] == "type_hint"
    assert [each["$ref"] for each in item["oneOf"]] == list(item["discriminator"]["mapping"].values())
    assert list(bundle["properties"]) == ["name", "price", "items", "type_hint"]
    assert bundle["properties"]["type_hint"]["enum"] == ["bundle_item"]
    assert bundle["properties"]["items"]["items"] == ref("Item")
    assert bundle["required"] == ["type_hint"]


def test_where_any_word_goes_one_kind_more_has_the_other_words():
    device = NEW["components"]["schemas"]["Device"]

    assert device["oneOf"] == [ref("DeviceMobileDevice"), ref("DeviceOther")]
    # A discriminator knows no other words than those it maps.
    assert "discriminator" not in device
    assert misfits(NEW, ref("Device"), {"device_type": "toaster", "id": "1"}) == misfits(NEW, ref("Device"), {"id": "1"}) == []


def test_swagger_has_a_base_and_subtypes():
    models = OLD["definitions"]

    assert models["Item"]["discriminator"] == "type_hint"
    assert models["Item"]["required"] == ["type_hint"]
    assert models["ItemStore"]["allOf"][0] == old("Item")
    assert models["ItemBundleItem"]["allOf"][0] == old("ItemStore")
    assert models["ItemBundleItem"]["x-discriminator-value"] == "bundle_item"
    assert list(models["ItemBundleItem"]["allOf"][1]["properties"]) == ["items"]
    assert models["Device"]["discriminator"] == "device_type"
    assert "enum" not in models["Device"]["properties"]["device_type"]


def test_kinds_stand_in_lists_and_maps():
    fields = NEW["components"]["schemas"]["Shapes"]["properties"]

    assert fields["by_name"]["additionalProperties"] == fields["all"]["items"] == fields["one"] == ref("Shape")


def test_inlined_fields_stand_in_the_object_around_them():
    assert list(NEW["components"]["schemas"]["Page"]["properties"]) == ["content", "size", "last", "sort"]


def test_null_is_told_where_it_is_written():
    fields, before = NEW["components"]["schemas"]["Nulls"]["properties"], OLD["definitions"]["Nulls"]["properties"]

    assert fields["text"]["type"] == ["string", "null"]
    assert fields["tree"]["anyOf"] == [ref("Tree"), {"type": "null"}]
    assert before["tree"] == {**old("Tree"), "x-nullable": True}
    assert fields["secret"]["readOnly"] is True


def test_numbers_say_how_large_they_are():
    fields = NEW["components"]["schemas"]["Numbers"]["properties"]
    money = NEW["components"]["schemas"]["Money"]["properties"]

    assert (fields["small"]["format"], fields["big"]["format"]) == ("int32", "int64")
    assert fields["huge"] == {"type": "integer", "minimum": 0}
    assert (money["price"]["type"], money["price"]["format"]) == ("number", "decimal")
    assert money["factor"]["minimum"] == 0
    assert money["prices"]["items"] == {"type": "number", "format": "decimal"}


def test_words_of_enums_are_the_published_ones():
    fields = NEW["components"]["schemas"]["Numbers"]["properties"]

    # What nobody set is written too, where the field cannot be absent.
    assert fields["color"]["enum"] == ["unspecified", "red", "dark_blue", "Grün"]
    assert fields["mood"]["enum"] == ["none", "happy-go-lucky", "sad"]
    assert NEW["components"]["schemas"]["Perhaps"]["properties"]["color"]["enum"] == ["red", "dark_blue", "Grün"]


def test_bare_values_are_taken_wrapped_too():
    number = {"type": "integer", "format": "int64"}
    wrapped = {"type": "object", "properties": {"value": {"type": "string"}}, "required": ["value"]}

    assert taken("PUT", "/text") == {
        "": old("StringWrapper"),
        "application/json": {"oneOf": [wrapped, {"type": "string"}]},
        "text/plain": {"type": "string"},
    }
    assert taken("PUT", "/color")[""] == old("ColorWrapper")
    assert OLD["definitions"]["ColorWrapper"]["properties"]["value"]["enum"] == ["red", "dark_blue", "Grün"]
    assert taken("PUT", "/things/{id}/number")["application/json"]["oneOf"][1] == number
    assert "text/plain" not in taken("PUT", "/things/{id}/number")
    assert taken("PUT", "/things/{id}/number")[""] == number


@BOTH
def test_whole_bodies_and_answers_may_be_of_any_shape(document):
    assert answered(document, "PUT", "/words") == {"type": "array", "items": {"type": "string"}}
    assert answered(document, "PUT", "/amounts")["additionalProperties"] == {"type": "integer", "format": "int64"}
    assert answered(document, "PUT", "/free") == {}
    assert answered(document, "PUT", "/list") == {"type": "array", "items": {}}
    assert answered(document, "PUT", "/price")["format"] == "decimal"
    assert answered(document, "PUT", "/text") == {"type": "string"}
    assert answer_of(document, operation(document, "DELETE", "/done")) == (202, None)


def test_bare_words_are_answered_as_plain_text():
    for path in ("/text", "/color"):
        assert list(operation(NEW, "PUT", path).told["responses"]["200"]["content"]) == ["text/plain"]
        assert operation(OLD, "PUT", path).told["produces"] == ["text/plain"]


@BOTH
def test_what_the_path_names_is_not_the_bodys_to_say(document):
    models = document["components"]["schemas"] if "openapi" in document else document["definitions"]
    schema = operation(document, "POST", "/any/{id}").told
    schema = schema["requestBody"]["content"]["application/json"]["schema"] if "openapi" in document else schema["parameters"][-1]["schema"]

    fields = models[schema["$ref"].rpartition("/")[2]]["properties"]

    assert "id" not in fields
    assert "name" in fields


@BOTH
def test_parameters_reach_into_messages(document):
    parameters = {each["name"]: each for each in operation(document, "GET", "/any/{id}").told["parameters"]}

    assert parameters["id"]["in"] == "path"
    assert parameters["body.small"]["in"] == "query"
    assert (parameters["numbers"].get("collectionFormat"), parameters["numbers"].get("explode")) in (("csv", None), (None, False))
    assert next(iter(operation(document, "GET", "/files/{name}").told["parameters"]))["name"] == "name"


def test_a_form_is_told_as_a_form():
    assert [each["in"] for each in operation(OLD, "POST", "/token").told["parameters"]] == ["formData"]
    assert list(taken("POST", "/token")) == ["", "application/x-www-form-urlencoded"]


@BOTH
def test_an_example_is_put_together_from_its_fields(document):
    shown = {each.path: [example for _, _, example in examples(document, each)] for each in operations(document)}

    assert shown["/Item"] == [{"price": 9.99, "items": [{"type_hint": "item"}], "type_hint": "bundle_item"}]
    assert shown["/shapes/{id}"] == [{"name": "round", "value": "O", "type": "text"}]
    assert shown["/Device"] == []
    for each in operations(document):
        for _, schema, example in examples(document, each):
            assert misfits(document, schema, example) == []


@BOTH
def test_every_operation_has_a_name_of_its_own(document):
    twice = made(openapi if "openapi" in document else swagger, [*RPCS, *rpcs_of(Operation("GET /more", "Nothing"))])
    names = [each.id for each in operations(twice)]

    assert len(names) == len(set(names)) == len(OPERATIONS) + 1
