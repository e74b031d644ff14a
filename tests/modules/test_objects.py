"""Objects of a game's own: data and behaviors as their template says, and limits that all of a group share."""

import pytest
from people import fresh

from tests.modules.templated import definition, refused_for, template

LIMITS = {"type_hint": "limited_gettable", "group": {"name": None, "owned_limit": 3, "active_only": True}}
# One of every type there is.
EVERY = [
    {"type_hint": "consumable", "description": "It is used up.", "max_use": 3},
    {"type_hint": "expirable", "time_length": 2, "unit_of_time": "week"},
    {"type_hint": "fulfillable", "type_name": "inventory"},
    {"type_hint": "guest_playable", "allowed": True, "leaderboard": False},
    {"type_hint": "limited_gettable", "group": {"name": "swords", "owned_limit": 3, "active_only": False}},
    {"type_hint": "pre_req_entitlement", "item_ids": [7, 8]},
    {"type_hint": "price_overridable", "min_price": 0.1, "max_price": 12.5},
    {"type_hint": "spendable", "currency_code": "GEM", "value": -5},
    {"type_hint": "time_period_gettable", "get_limit": 1, "time_length": 1, "unit_of_time": "day", "group_name": "daily"},
    {"type_hint": "time_period_usable", "max_use": 5, "time_length": 1, "unit_of_time": "hour"},
]


def kind(admin, *definitions, behaviors=()):
    return template(admin, "objects", *definitions, behaviors=list(behaviors))


def make(admin, of, cascade=False, **more):
    return admin.post(f"/objects/{of}", {"name": "Sword", **more}, params={"cascade": str(cascade).lower()})


def made(admin, of, **more):
    answer = make(admin, of, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_every_behavior_comes_back_as_it_was_sent(admin, nobody):
    of = kind(admin)
    behaviors = [dict(each) for each in EVERY]
    behaviors[4] = {**behaviors[4], "group": {**behaviors[4]["group"], "name": fresh("swords")}}
    behaviors[8] = {**behaviors[8], "group_name": fresh("daily")}
    data = {"color": "red", "parts": [1, {"of": None}], "share": 0.5}

    one = made(admin, of, behaviors=behaviors, data=data, tags=["b", "a"], unique_key="x")

    assert one["behaviors"] == behaviors
    assert (one["data"], one["tags"], one["sort"], one["unique_key"]) == (data, ["a", "b"], 500, "x")
    assert nobody.get(f"/objects/{of}/{one['id']}").json() == one
    assert nobody.get(f"/objects/{of}").json()["content"] == [one]
    assert admin.put(f"/objects/{of}/{one['id']}", {"name": "Axe"}).status_code == 204
    changed = nobody.get(f"/objects/{of}/{one['id']}").json()
    assert (changed["name"], changed["behaviors"], changed["tags"]) == ("Axe", [], [])
    assert admin.delete(f"/objects/{of}/{one['id']}").status_code == 204
    assert nobody.get(f"/objects/{of}/{one['id']}").status_code == 404


@pytest.mark.parametrize(
    "behavior, field",
    [
        ({"type_hint": "dragon"}, "behaviors[0].type_hint"),
        ({"type_hint": "consumable", "max_use": -1}, "behaviors[0].max_use"),
        ({"type_hint": "expirable", "unit_of_time": "moon"}, "behaviors[0].unit_of_time"),
        ({"type_hint": "fulfillable"}, "behaviors[0].type_name"),
        ({"type_hint": "limited_gettable", "group": {"owned_limit": 3}}, "behaviors[0].group.active_only"),
        ({"type_hint": "pre_req_entitlement", "item_ids": []}, "behaviors[0].item_ids"),
        ({"type_hint": "price_overridable", "min_price": 2, "max_price": 1.5}, "behaviors[0].min_price"),
        ({"type_hint": "time_period_gettable", "get_limit": 1, "time_length": 1}, "behaviors[0].unit_of_time"),
    ],
)
def test_a_behavior_that_is_wrong_is_refused_by_its_field(admin, behavior, field):
    assert list(refused_for(make(admin, kind(admin), behaviors=[behavior]))) == [field]


def test_an_object_is_of_its_template_alone(admin, ann, nobody):
    of, other = kind(admin), kind(admin)
    id = made(admin, of)["id"]

    assert nobody.get(f"/objects/{other}/{id}").status_code == 404
    assert nobody.get(f"/objects/{other}").json()["content"] == []
    for wrong in ("none", template(admin, "categories")):
        assert list(refused_for(nobody.get(f"/objects/{wrong}"), 404)) == ["template_id"]
        assert list(refused_for(make(admin, wrong), 404)) == ["template_id"]
    assert make(ann, of).status_code == 403
    assert list(refused_for(nobody.get(f"/objects/{of}/{id + 1}"), 404)) == ["object_id"]


def test_a_unique_key_is_the_templates(admin):
    of, other = kind(admin), kind(admin)
    made(admin, of, unique_key="x")

    assert "unique_key" in refused_for(make(admin, of, unique_key="x"))
    assert make(admin, other, unique_key="x").status_code == 201


def test_data_is_held_to_the_template_and_free_beside_it(admin):
    of = kind(
        admin,
        definition("text", "color", required=True, max_length=4),
        definition("integer", "level", min=1, default_value={"type": "integer", "value": 2}),
        definition("boolean", "rare"),
        definition("image", "picture"),
    )
    picture = {"url": "https://x.example/a.png", "file_type": "image/png"}

    assert made(admin, of, data={"color": "red", "picture": picture, "more": [1]})["data"] == {
        "color": "red",
        "picture": picture,
        "more": [1],
        "level": 2,
    }
    for wrong, field in (
        ({}, "color"),
        ({"color": "yellow"}, "color"),
        ({"color": 1}, "color"),
        ({"color": "red", "level": 0}, "level"),
        ({"color": "red", "level": 1.5}, "level"),
        ({"color": "red", "rare": "yes"}, "rare"),
    ):
        (name,) = refused_for(make(admin, of, data=wrong))
        assert name.startswith(f"data.{field}"), (wrong, name)


def test_behaviors_are_as_the_template_says(admin):
    consumable, spendable = EVERY[0], EVERY[7]
    of = kind(
        admin,
        behaviors=[
            {"behavior": consumable, "modifiable": False, "required": True},
            {"behavior": spendable, "modifiable": True, "required": False},
        ],
    )

    assert made(admin, of)["behaviors"] == [consumable]
    other = {**spendable, "value": 7}
    assert made(admin, of, behaviors=[other, EVERY[2]])["behaviors"] == [other, EVERY[2], consumable]
    assert list(refused_for(make(admin, of, behaviors=[{**consumable, "max_use": 4}]))) == ["behaviors[0]"]
    assert list(refused_for(make(admin, of, behaviors=[spendable, spendable]))) == ["behaviors[1].type_hint"]
    assert admin.get(f"/objects/templates/{of}").json()["behaviors"][0]["behavior"] == consumable


def test_all_of_a_group_have_the_same_limits(admin):
    of, name = kind(admin), fresh("swords")

    def limited(number, **more):
        return {"type_hint": "limited_gettable", "group": {"name": name, "owned_limit": number, "active_only": True}, **more}

    first = made(admin, of, behaviors=[limited(3, description="First"), EVERY[0]])
    assert made(admin, of, behaviors=[limited(3)])
    assert list(refused_for(make(admin, of, behaviors=[limited(4)]))) == ["behaviors[0]"]
    assert make(admin, of, cascade=True, behaviors=[limited(4)]).status_code == 201
    changed = admin.get(f"/objects/{of}/{first['id']}").json()["behaviors"]
    assert [each["group"]["owned_limit"] for each in changed if "group" in each] == [4]
    assert (changed[0]["description"], changed[1]) == ("First", EVERY[0])
    assert list(refused_for(admin.put(f"/objects/{of}/{first['id']}", {"name": "x", "behaviors": [limited(5)]}))) == ["behaviors[0]"]
    assert admin.put(f"/objects/{of}/{first['id']}?cascade=true", {"name": "x", "behaviors": [limited(5)]}).status_code == 204
    limits = {each["behaviors"][0]["group"]["owned_limit"] for each in admin.get(f"/objects/{of}").json()["content"]}
    assert limits == {5}


def test_who_names_no_group_gets_one_alone(admin):
    of = kind(admin)

    names = [made(admin, of, behaviors=[LIMITS])["behaviors"][0]["group"]["name"] for _ in range(2)]

    assert len(set(names)) == 2
    assert all(names)
    daily = {key: value for key, value in EVERY[8].items() if key != "group_name"}
    assert made(admin, of, behaviors=[daily])["behaviors"][0]["group_name"]


def test_a_template_of_objects_goes_when_they_let_it(admin):
    of = kind(admin)
    id = made(admin, of)["id"]

    assert refused_for(admin.delete(f"/objects/templates/{of}")) == {"id": "in use by: object"}
    assert admin.delete(f"/objects/templates/{of}", params={"cascade": "detach"}).status_code == 204
    assert admin.get(f"/objects/{of}/{id}").status_code == 404
