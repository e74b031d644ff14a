"""Addresses, relationships and dispositions of users."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from people import fresh

from tests.modules.templated import refused_for

HOME = {"name": "Home", "first_name": "Jane", "last_name": "Doe", "address1": "1 Main Street", "city": "Orlando", "country_code": "USA"}
HOME |= {"state_code": "FL"}


def test_an_address_is_its_users_and_the_administrators(ann, bob, admin):
    made = ann.post("/users/me/addresses", HOME)

    assert made.status_code == 201, made.text
    path = f"/users/{ann.id}/addresses/{made.json()['id']}"
    assert admin.get(path).json() == ann.get(path).json() == made.json()
    for answer in (bob.get(path), bob.put(path, HOME), bob.delete(path), bob.get(f"/users/{ann.id}/addresses")):
        assert answer.status_code == 404
    assert bob.post(f"/users/{ann.id}/addresses", HOME).status_code == 404
    assert bob.get(f"/users/me/addresses/{made.json()['id']}").status_code == 404
    assert admin.put(path, {**HOME, "city": "Tampa"}).json()["city"] == "Tampa"
    assert ann.delete(path).status_code == 204
    assert admin.get(path).status_code == 404


def test_of_the_addresses_of_a_user_one_is_the_default(ann, bob):
    def defaults(person):
        return [each["name"] for each in person.get("/users/me/addresses").json()["content"] if each["default"]]

    ids = [ann.post("/users/me/addresses", {**HOME, "name": name, "default": True}).json()["id"] for name in ("a", "b")]
    bob.post("/users/me/addresses", {**HOME, "default": True})

    assert (defaults(ann), defaults(bob)) == (["b"], ["Home"])
    assert ann.put(f"/users/me/addresses/{ids[0]}", {**HOME, "name": "a", "default": True}).status_code == 200
    assert (defaults(ann), defaults(bob)) == (["a"], ["Home"])


@pytest.mark.parametrize(
    "more, field",
    [
        ({"country_code": "XXX"}, "country_code"),
        ({"country_code": "U"}, "country_code"),
        ({"state_code": "XX"}, "state_code"),
        ({"state_code": None}, "state_code"),
        ({"country_code": "ABW"}, "state_code"),
        ({"city": " "}, "city"),
    ],
)
def test_an_address_is_a_place(ann, more, field):
    assert list(refused_for(ann.post("/users/me/addresses", {**HOME, **more}))) == [field]


def test_codes_are_taken_in_any_case_and_of_both_lengths(ann):
    made = ann.post("/users/me/addresses", {**HOME, "country_code": "us", "state_code": "fl"}).json()

    assert (made["country_code"], made["state_code"]) == ("US", "FL")
    assert ann.post("/users/me/addresses", {**HOME, "country_code": "ABW", "state_code": None}).status_code == 201


def test_nobody_has_an_address_who_is_not_there(admin):
    assert admin.post("/users/2147483647/addresses", HOME).status_code == 404


def test_who_stands_above_whom_is_seen_at_both(admin, ann, bob, nobody):
    made = admin.post("/users/relationships", {"parent": {"id": ann.id}, "child": {"id": bob.id}, "context": "coach"})

    assert made.status_code == 201, made.text
    id = made.json()["id"]
    (child,) = bob.get(f"/users/{ann.id}").json()["children"]
    (parent,) = ann.get(f"/users/{bob.id}").json()["parents"]
    assert (child["id"], child["context"], child["relationship_id"]) == (bob.id, "coach", id)
    assert (parent["id"], parent["username"]) == (ann.id, ann.username)
    assert ann.get(f"/users/relationships/{id}").json() == made.json()
    again = admin.post("/users/relationships", {"parent": {"id": ann.id}, "child": {"id": bob.id}, "context": "coach"})
    assert refused_for(again) == dict.fromkeys(("parent", "child", "context"), "already taken")
    assert refused_for(admin.post("/users/relationships", {"parent": {"id": ann.id}, "child": {"id": ann.id}})) == {
        "child.id": "nobody stands above themselves"
    }
    assert refused_for(admin.post("/users/relationships", {"parent": {"id": ann.id}, "child": {"id": 2**31 - 1}})) == {
        "child.id": "no user has this id"
    }
    assert ann.post("/users/relationships", {"parent": {"id": ann.id}, "child": {"id": bob.id}}).status_code == 403
    assert admin.delete(f"/users/relationships/{id}").status_code == 204
    assert bob.get(f"/users/{ann.id}").json()["children"] == []


def like(person, thing, name="like", **more):
    return person.post("/dispositions", {"context": "video", "context_id": thing, "name": name, **more})


def counts(person, thing, **filters):
    answer = person.get("/dispositions/count", params={"filter_context": f"video:{thing}", **filters})
    assert answer.status_code == 200, answer.text
    return [(each["name"], each["count"]) for each in answer.json()]


def test_dispositions_are_counted_by_their_names(ann, bob, nobody):
    thing = fresh("thing")
    id = like(ann, thing).json()["id"]
    like(bob, thing)
    like(bob, thing, "favorite")

    assert counts(nobody, thing) == [("like", 2), ("favorite", 1)]
    assert counts(bob, thing, filter_owner="me") == [("favorite", 1), ("like", 1)]
    assert nobody.get(f"/dispositions/{id}").json()["user"]["id"] == ann.id
    assert {"name": "already taken"}.items() <= refused_for(like(ann, thing)).items()
    assert bob.delete(f"/dispositions/{id}").status_code == 404
    assert ann.delete(f"/dispositions/{id}").status_code == 204
    assert counts(nobody, thing) == [("favorite", 1), ("like", 1)]
    assert nobody.get("/dispositions", params={"filter_context": f"video:{thing}"}).json()["total_elements"] == 2
    assert refused_for(nobody.get("/dispositions", params={"filter_owner": "me"})) == {"filter_owner": "nobody is signed in"}


def test_nobody_thinks_for_others_but_the_administrator(ann, bob, admin):
    thing = fresh("thing")

    assert like(ann, thing, user={"id": bob.id}).status_code == 403
    assert like(admin, thing, user={"id": bob.id}).json()["user"]["id"] == bob.id
    assert refused_for(like(admin, thing, user={"id": 2**31 - 1})) == {"user.id": "no user has this id"}


def test_of_fifty_that_like_at_once_each_counts_once(world, ann):
    thing, people = fresh("thing"), [world.person("fan") for _ in range(5)]

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: like(people[number % 5], thing).status_code, range(50)))

    assert sorted(answers) == [200] * 5 + [400] * 45
    assert counts(ann, thing) == [("like", 5)]
