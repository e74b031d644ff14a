"""Templates: the same five calls for every kind of record, what may be said in one, and what becomes of the records that have it."""

import time

import pytest
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall.templates.v1 import template_pb2 as pb
from gamehall.templates.v1 import templates_pb2 as any_pb
from gamehall_server.modules.templates.families import ITEMS, KINDS, NAMES
from gamehall_server.modules.templates.reindex import TOGETHER
from people import fresh

from tests.modules.templated import EVERY, definition, refused_for, template

FAMILIES = {
    "article": "content/articles",
    "artist": "media/artists",
    "bre_category": "bre/categories",
    "category": "categories",
    "device": "devices",
    "group": "users/groups",
    "group_member": "users/groups/members",
    "object": "objects",
    "poll": "media/polls",
    "user": "users",
    "video": "media/videos",
}
RED, BLUE = EVERY["text"], {"type": "text", "value": "blue"}
COLOR = definition("text", "color", indexed=True)


def test_there_is_a_family_for_each_kind():
    assert set(FAMILIES) == set(KINDS) == {*NAMES.values(), *ITEMS.values()}


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_template_is_made_shown_listed_changed_and_deleted(admin, kind):
    path = f"/{FAMILIES[kind]}/templates"

    made = admin.post(path, {"name": "Hero", "properties": [COLOR]})

    assert made.status_code == 201, made.text
    told = made.json()
    assert told["properties"] == [{**COLOR, "type": "text"}]
    assert admin.get(f"{path}/{told['id']}").json() == told
    assert told in admin.get(path, params={"order": "id:DESC"}).json()["content"]
    # The calls that serve every kind tell what all kinds have.
    assert admin.get(f"/templates/{kind}/{told['id']}").json().items() <= told.items()
    changed = admin.put(f"{path}/{told['id']}", {"name": "Villain", "allow_additional": True})
    assert (changed.json()["name"], changed.json()["properties"], changed.json()["allow_additional"]) == ("Villain", [], True)
    assert admin.delete(f"{path}/{told['id']}").status_code == 204
    assert admin.get(f"{path}/{told['id']}").status_code == 404


def test_kinds_do_not_share_templates(admin):
    held = template(admin, "categories", COLOR)

    assert admin.get(f"/devices/templates/{held}").status_code == 404
    assert admin.delete(f"/templates/device/{held}", json="detach").status_code == 404
    assert refused_for(admin.post("/devices", {"template": held})) == {"template": "no template of this kind has this id"}
    assert held not in [each["id"] for each in admin.get("/users/templates", params={"size": 1000}).json()["content"]]


def test_one_set_of_calls_serves_every_kind(admin, refused):
    for kind in KINDS:
        made = admin.grpc.templates.CreateTemplateOfKind(
            any_pb.CreateTemplateOfKindRequest(type_hint=kind, template=pb.Template(name="Hero"))
        ).template
        listed = admin.grpc.templates.ListTemplatesOfKind(any_pb.ListTemplatesOfKindRequest(type_hint=kind, order="id:DESC")).content
        assert made in listed
        changed = any_pb.UpdateTemplateOfKindRequest(type_hint=kind, id=made.id, template=pb.Template(name="Villain"))
        assert admin.grpc.templates.UpdateTemplateOfKind(changed).template.name == "Villain"
        admin.grpc.templates.DeleteTemplateOfKind(any_pb.DeleteTemplateOfKindRequest(type_hint=kind, id=made.id))
    with refused("NOT_FOUND"):
        admin.grpc.templates.ListTemplatesOfKind(any_pb.ListTemplatesOfKindRequest(type_hint="dragon"))


def test_properties_can_be_held_to_a_template_without_a_record(admin):
    held = template(admin, "users", definition("text", "color", True))

    right = admin.post("/templates/user/validate", {"template": held, "additional_properties": {"color": RED}})
    wrong = admin.post("/templates/user/validate", {"template": held, "additional_properties": {"shape": RED}})

    assert (right.status_code, right.content in (b"", b"{}")) == (200, True)
    assert list(refused_for(wrong)) == ["additional_properties.color", "additional_properties.shape"]


WRONG = [
    ([definition("text", "a"), definition("long", "a")], "properties[1].name"),
    ([definition("integer", "a", min=3, max=2)], "properties[0].min"),
    ([definition("image_group", "a", min_count=3, max_count=2)], "properties[0].min_count"),
    ([definition("image", "a", indexed=True)], "properties[0].indexed"),
    ([definition("text", "a:b", indexed=True)], "properties[0].name"),
    ([definition("text", "a", default_value={"type": "long", "value": 1})], "properties[0].default_value.type"),
    ([definition("text", "a", max_length=1, default_value=RED)], "properties[0].default_value.value"),
    ([definition("list", "a", value_definition=definition("integer", "b", min=3, max=2))], "properties[0].value_definition.min"),
    ([definition("map", "a", properties=[definition("text", "b", max_length=-1)])], "properties[0].properties[0].max_length"),
    ([{"type": "tint", "name": "a", "required": False}], "properties[0].type"),
    ([{"type": "text", "required": False}], "properties[0].name"),
]


@pytest.mark.parametrize("definitions, field", WRONG, ids=[field for _, field in WRONG])
def test_a_template_that_makes_no_sense_is_refused(admin, definitions, field):
    assert list(refused_for(admin.post("/users/templates", {"name": "x", "properties": definitions}))) == [field]


def test_a_template_in_use_goes_only_when_its_records_may_lose_it(admin):
    held = template(admin, "categories", COLOR)
    id = admin.post("/categories", {"name": "News", "template": held, "additional_properties": {"color": RED}}).json()["id"]
    path = f"/categories/templates/{held}"

    assert "id" in refused_for(admin.delete(path))
    assert list(refused_for(admin.delete(path, params={"cascade": "everything"}))) == ["cascade"]
    assert admin.delete(path, params={"cascade": "detach"}).status_code == 204

    left = admin.get(f"/categories/{id}").json()
    assert "template" not in left
    assert left["additional_properties"] == {"color": RED}


def test_users_and_devices_are_held_to_theirs(world, admin):
    held, of_device = template(admin, "users", {**COLOR, "required": True}), template(admin, "devices", COLOR)
    name = fresh("hero")
    told = {"username": name, "email": f"{name}@x.example", "password": "correct horse battery", "template": held}

    assert refused_for(admin.post("/users", told)) == {"additional_properties.color": "required"}
    user = admin.post("/users", {**told, "additional_properties": {"color": RED}}).json()
    person = world.signed_in(name, "correct horse battery")
    device = person.post("/devices", {"template": of_device, "additional_properties": {"color": BLUE}}).json()

    assert (user["template"], user["additional_properties"]) == (held, {"color": RED})
    assert person.get("/users/me").json()["additional_properties"] == {"color": RED}
    assert "color" not in world.person("other").get(f"/users/{user['id']}").text
    assert device["additional_properties"] == {"color": BLUE}
    changed = person.put("/users/me", {**told, "additional_properties": {"color": BLUE}})
    assert changed.status_code == 204, changed.text
    found = admin.get("/users", params={"filter_property": "color:blue", "filter_username": name}).json()["content"]
    assert [each["id"] for each in found] == [user["id"]]
    assert [each["id"] for each in person.get("/devices", params={"filter_property": "color:blue"}).json()["content"]] == [device["id"]]
    assert person.get("/users", params={"filter_property": "color:blue"}).status_code == 403


# Lists that find records by their properties.


TYPES = {bool: "boolean", str: "text", float: "double", int: "long"}


def made(admin, held, **properties):
    told = {name: {"type": TYPES[type(value)], "value": value} for name, value in properties.items()}
    answer = admin.post("/categories", {"name": "x", "template": held, "additional_properties": told})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def found(person, text):
    answer = person.get("/categories", params={"filter_property": text, "size": 100})
    assert answer.status_code == 200, answer.text
    assert answer.json()["total_elements"] == len(answer.json()["content"])
    return {each["id"] for each in answer.json()["content"]}


def test_records_are_found_by_what_their_template_marks(admin):
    word, big, part, flag, plain = (fresh(name) for name in ("w", "n", "d", "b", "p"))
    marked = [definition(kind, name, indexed=True) for kind, name in (("text", word), ("long", big), ("double", part), ("boolean", flag))]
    held = template(admin, "categories", *marked, definition("text", plain))
    first = made(admin, held, **{word: "red", big: 2**53, part: 0.5, flag: True, plain: "x"})
    second = made(admin, held, **{word: "5", big: 2**53 + 1, part: -1.25, flag: False})

    assert found(admin, f"{word}:red") == {first}
    assert found(admin, f"{word}:5") == {second}
    assert found(admin, f"{word}:RED") == set()
    assert found(admin, f"{big}:{2**53 + 1}") == {second}
    assert found(admin, f"{big}:GTE,{2**53}") == {first, second}
    assert found(admin, f"{big}:GT,{2**53},LT,{2**53 + 2}") == {second}
    assert found(admin, f"{part}:LT,0.5") == {second}
    assert found(admin, f"{part}:0.5") == {first}
    assert found(admin, f"{flag}:true") == {first}
    assert found(admin, f"{flag}:true;{word}:red;{big}:LOE,{2**53}") == {first}
    assert found(admin, f"{flag}:true;{word}:5") == set()
    admin.delete(f"/categories/{first}")
    assert found(admin, f"{flag}:true") == set()
    told = refused_for(admin.get("/categories", params={"filter_property": f"{plain}:x"}))
    assert told == {"filter_property": f"no template marks the property '{plain}' as indexed"}


@pytest.mark.parametrize("text", ["color", "color:", ":red", "color:GT,x", "color:GT,1,2,3", "a:1;b:2;c:3;d:4;e:5", ";"])
def test_what_is_no_condition_is_refused(admin, text):
    assert list(refused_for(admin.get("/categories", params={"filter_property": text}))) == ["filter_property"]


def test_what_a_template_marks_later_finds_the_records_that_are_there(admin, monkeypatch):
    monkeypatch.setattr("gamehall_server.modules.templates.reindex.TOGETHER", 3)
    name = fresh("c")
    held = template(admin, "categories", definition("text", name))
    ids = {made(admin, held, **{name: "red"}) for _ in range(7)}

    assert refused_for(admin.get("/categories", params={"filter_property": f"{name}:red"}))
    marked = {"name": "x", "properties": [definition("text", name, indexed=True)]}
    assert admin.put(f"/categories/templates/{held}", marked).status_code == 200
    eventually(lambda: found(admin, f"{name}:red") == ids)
    assert admin.put(f"/categories/templates/{held}", {"name": "x", "properties": [definition("text", name)]}).status_code == 200
    assert refused_for(admin.get("/categories", params={"filter_property": f"{name}:red"}))


def eventually(holds):
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_so_many_records_are_gone_through_together():
    assert TOGETHER == 200


# Forms.


def test_the_types_of_properties_are_told_as_forms(nobody):
    types = {each["property_type"]: each for each in nobody.get("/templates/properties").json()}

    assert set(types) == {each["type"] for each in EVERY.values()}
    for word, form in types.items():
        assert nobody.get(f"/templates/properties/{word}").json() == form
        for fields in (form["property_definition_fields"], form["property_fields"]):
            assert fields[0] == {"name": "type", "type": "enumeration", "required": True, "valid_values": [word], "inner_type_fields": []}
    limits = {field["name"]: field["type"] for field in types["video"]["property_definition_fields"]}
    assert limits | {"name": "string", "required": "bool", "file_type": "string", "max_length": "integer", "min_width": "integer"} == limits
    assert {field["name"]: field["type"] for field in types["double"]["property_fields"]} == {"type": "enumeration", "value": "number"}
    group = next(field for field in types["image_group"]["property_fields"] if field["name"] == "files")
    assert (group["type"], group["inner_type"]) == ("list", "object")
    assert {field["name"] for field in group["inner_type_fields"]} == {"type", "url", "crc", "description", "file_type"}
    assert nobody.get("/templates/properties/tint").status_code == 404


def test_nobody_else_makes_templates(ann):
    assert ann.post("/users/templates", {"name": "x"}).json()["code"] == ErrorReason.ERROR_REASON_FORBIDDEN
    assert ann.get("/templates/user").status_code == 403
