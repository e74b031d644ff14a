"""Groups: who is in which, and what happens to it when groups move, go, and change at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from hypothesis.strategies import sampled_from
from people import fresh

from tests.modules.templated import EVERY, definition, refused_for, template


def group(admin, parent=None, **more):
    answer = admin.post("/users/groups", {"name": fresh("Owls"), "parent": parent, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["unique_name"]


def add(person, name, member, **more):
    return person.post(f"/users/groups/{name}/members", {"user": {"id": member.id}, **more})


def added(admin, name, *members, **more):
    for member in members:
        answer = add(admin, name, member, **more)
        assert answer.status_code == 201, answer.text


def told(person, name):
    return person.get(f"/users/groups/{name}").json()


def members(person, name):
    """By id: whether the member is one by a group below alone."""
    answer = person.get(f"/users/groups/{name}/members", params={"size": 100})
    assert answer.status_code == 200, answer.text
    assert answer.json()["total_elements"] == len(answer.json()["content"])
    return {each["user"]["id"]: each["implicit"] for each in answer.json()["content"]}


def counts(person, name):
    shown = told(person, name)
    return shown["member_count"], shown["sub_member_count"]


def above(person, name):
    answer = person.get(f"/users/groups/{name}/ancestors")
    assert answer.status_code == 200, answer.text
    return [each["unique_name"] for each in answer.json()]


def move(admin, name, parent):
    return admin.put(f"/users/groups/{name}", {"name": "moved", "parent": parent})


def test_members_of_a_group_are_members_of_those_above_it(admin, ann, bob, nobody):
    top = group(admin)
    middle = group(admin, top)
    low = group(admin, middle)
    added(admin, low, ann)
    added(admin, middle, bob)

    assert members(nobody, low) == {ann.id: False}
    assert members(nobody, middle) == {ann.id: True, bob.id: False}
    assert members(nobody, top) == {ann.id: True, bob.id: True}
    assert [counts(nobody, name) for name in (low, middle, top)] == [(1, 0), (1, 1), (0, 2)]
    assert above(nobody, low) == [middle, top]
    shown = nobody.get(f"/users/groups/{middle}/members/{ann.id}").json()
    assert (shown["group"]["unique_name"], shown["status"], shown["user"]["username"]) == (middle, "member", ann.username)


def test_who_was_added_as_well_stays_when_the_group_below_lets_go(admin, ann):
    top = group(admin)
    low = group(admin, top)
    added(admin, low, ann)
    added(admin, top, ann, status="moderator")
    assert (members(ann, top), counts(ann, top)) == ({ann.id: False}, (1, 0))

    assert admin.delete(f"/users/groups/{low}/members/{ann.id}").status_code == 204
    assert members(ann, top) == {ann.id: False}

    added(admin, low, ann)
    assert admin.delete(f"/users/groups/{top}/members/{ann.id}").status_code == 204
    assert (members(ann, top), counts(ann, top)) == ({ann.id: True}, (0, 1))
    assert ann.get(f"/users/groups/{top}/members/{ann.id}").json()["status"] == "member"
    assert admin.delete(f"/users/groups/{top}/members/{ann.id}").status_code == 400
    assert admin.delete(f"/users/groups/{low}/members/{ann.id}").status_code == 204
    assert (members(ann, top), counts(ann, top)) == ({}, (0, 0))


def test_a_group_takes_its_members_along(admin, ann, bob):
    old, new = group(admin), group(admin)
    low = group(admin, old)
    lowest = group(admin, low)
    added(admin, lowest, ann)
    added(admin, low, bob)
    added(admin, old, bob)

    assert move(admin, low, new).status_code == 204
    assert (members(ann, old), members(ann, new)) == ({bob.id: False}, {ann.id: True, bob.id: True})
    assert (above(ann, lowest), counts(ann, new), counts(ann, old)) == ([low, new], (0, 2), (1, 0))
    assert move(admin, low, None).status_code == 204
    assert (members(ann, new), above(ann, lowest)) == ({}, [low])


def test_no_group_stands_below_itself(admin):
    top = group(admin)
    low = group(admin, top)

    for name, parent in ((top, low), (top, top)):
        assert refused_for(move(admin, name, parent)) == {"parent": "is this group, or below it"}
    assert refused_for(move(admin, low, "nobody")) == {"parent": "no group has this name"}
    assert above(admin, low) == [top]


def test_what_is_below_a_group_goes_with_it(admin, ann, bob):
    top = group(admin)
    middle = group(admin, top)
    low = group(admin, middle)
    added(admin, low, ann)
    added(admin, top, bob)

    assert admin.delete(f"/users/groups/{middle}").status_code == 204
    for name in (middle, low):
        assert admin.get(f"/users/groups/{name}").status_code == 404
        assert admin.get(f"/users/groups/{name}/members").status_code == 404
    assert (members(bob, top), counts(bob, top)) == ({bob.id: False}, (1, 0))
    assert ann.get("/users/me/groups").json() == []


def test_users_come_and_go_in_open_groups_alone(admin, ann, bob):
    open_one, closed = group(admin, status="open"), group(admin)

    assert told(ann, closed)["status"] == "closed"
    assert add(ann, open_one, ann).status_code == 201
    assert add(ann, closed, ann).status_code == 403
    assert add(ann, open_one, bob).status_code == 404
    assert add(bob, open_one, bob, status="moderator").status_code == 403
    assert refused_for(add(admin, open_one, ann)) == {"user.id": "a member already"}
    assert ann.get("/users/me/groups").json() == [open_one]
    assert bob.delete(f"/users/groups/{open_one}/members/{ann.id}").status_code == 404
    assert ann.delete(f"/users/groups/{open_one}/members/me").status_code == 204
    added(admin, closed, ann)
    assert ann.delete(f"/users/groups/{closed}/members/me").status_code == 403
    assert members(ann, closed) == {ann.id: False}


def test_a_moderator_changes_the_group(admin, ann, bob):
    name = group(admin)
    added(admin, name, ann)
    body = {"name": "Ours", "message_of_the_day": "Hoot."}

    assert ann.put(f"/users/groups/{name}", body).status_code == 404
    assert admin.put(f"/users/groups/{name}/members/{ann.id}/status", {"value": "moderator"}).status_code == 204
    assert ann.put(f"/users/groups/{name}", body).status_code == 204
    assert (told(bob, name)["name"], told(bob, name)["message_of_the_day"]) == ("Ours", "Hoot.")
    assert bob.put(f"/users/groups/{name}", body).status_code == 404


def test_members_stand_in_their_order(admin, ann, bob, world):
    name, other = group(admin), world.person("other")
    for member, order in ((ann, "b"), (bob, None), (other, "a")):
        added(admin, name, member, order=order)

    def listed():
        return [each["user"]["id"] for each in ann.get(f"/users/groups/{name}/members").json()["content"]]

    assert listed() == [bob.id, other.id, ann.id]
    assert admin.put(f"/users/groups/{name}/members/{bob.id}/order", {"value": "c"}).status_code == 204
    assert listed() == [other.id, ann.id, bob.id]


def test_several_are_added_or_none(admin, ann, bob):
    name = group(admin)
    path = f"/users/groups/{name}/members/batch-add"

    wrong = admin.post(path, [{"user": {"id": ann.id}}, {"user": {"id": 2**31 - 1}}, {"user": {"id": ann.id}}])
    assert list(refused_for(wrong)) == ["members[1].user.id", "members[2].user.id"]
    assert members(ann, name) == {}
    both = admin.post(path, [{"user": {"id": ann.id}}, {"user": {"id": bob.id}, "status": "moderator"}])
    assert both.status_code == 201, both.text
    assert [(each["user"]["id"], each["status"]) for each in both.json()] == [(ann.id, "member"), (bob.id, "moderator")]
    assert counts(ann, name) == (2, 0)


def test_members_have_properties_by_a_template(admin, ann):
    name, held = group(admin), template(admin, "users/groups/members", definition("text", "color", required=True, indexed=True))
    path = f"/users/groups/{name}/members"

    assert list(refused_for(add(admin, name, ann, template=held))) == ["additional_properties.color"]
    added(admin, name, ann, template=held, additional_properties={"color": EVERY["text"]})
    assert ann.get(path, params={"filter_property": "color:red"}).json()["total_elements"] == 1
    blue = {"color": {"type": "text", "value": "blue"}}
    assert admin.put(f"{path}/{ann.id}/properties", blue).status_code == 204
    assert ann.get(f"{path}/{ann.id}").json()["additional_properties"] == blue
    assert ann.get(path, params={"filter_property": "color:red"}).json()["total_elements"] == 0
    assert len(refused_for(admin.put(f"{path}/{ann.id}/properties", {"color": EVERY["long"]}))) == 1
    assert ann.get(f"{path}/{ann.id}").json()["additional_properties"] == blue


def test_a_group_has_the_name_that_it_was_given_or_another(admin):
    name = fresh("owls-")

    assert group(admin, unique_name=name) == name
    assert refused_for(admin.post("/users/groups", {"name": "x", "unique_name": name})) == {"unique_name": "already taken"}
    for wrong in ("a b", "a_b", "templates", "x" * 51):
        assert list(refused_for(admin.post("/users/groups", {"name": "x", "unique_name": wrong}))) == ["unique_name"]
    assert len(group(admin)) == 36
    assert admin.put(f"/users/groups/{name}", {"name": "y", "unique_name": "other"}).status_code == 204
    assert told(admin, name)["name"] == "y"


def test_groups_are_found(admin, ann):
    word = fresh("find-")
    first = group(admin, unique_name=f"{word}a", status="open", tags=["x", word])
    second = group(admin, first, unique_name=f"{word}b")
    added(admin, second, ann)

    def found(**filters):
        answer = ann.get("/users/groups", params={"filter_unique_name": word, **filters})
        assert answer.status_code == 200, answer.text
        return {each["unique_name"] for each in answer.json()["content"]}

    assert found() == {first, second}
    assert found(filter_status="open") == found(filter_tagset=word) == found(filter_member_count="EQ,0") == {first}
    assert found(filter_parent=first) == found(filter_status="closed") == {second}
    assert ann.get(f"/users/{ann.id}/groups").json() == [first, second]
    assert ann.get("/users/me/groups", params={"filter_children": "true"}).json() == [second]
    assert ann.get("/users/me/groups", params={"filter_children": "false"}).json() == [first]
    assert [each["id"] for each in admin.get("/users", params={"filter_group": second}).json()["content"]] == [ann.id]


@pytest.mark.parametrize("turn", range(3))
def test_of_many_moves_at_once_none_makes_a_circle(world, admin, ann, turn):
    names = [group(admin) for _ in range(4)]
    for name in names[:2]:
        added(admin, name, ann)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: move(admin, names[number % 4], names[(number + turn + 1) % 4]), range(24)))

    chains = {name: above(ann, name) for name in names}
    assert all(name not in chain for name, chain in chains.items())
    below = {name: {other for other in names if name in chains[other]} for name in names}
    for name in names:
        inside = name in names[:2]
        expected = {ann.id: not inside} if inside or below[name] & set(names[:2]) else {}
        assert members(ann, name) == expected
        assert counts(ann, name) == (int(inside), int(bool(expected) and not inside))


def test_groups_are_as_their_model(world, admin):
    people = [world.person("member") for _ in range(2)]

    class Groups(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.names = [group(admin) for _ in range(4)]
            self.parent = dict.fromkeys(range(4))
            self.own = set()

        def above(self, at):
            while (at := self.parent[at]) is not None:
                yield at

        @rule(at=sampled_from(range(4)), to=sampled_from((None, 0, 1, 2, 3)))
        def move(self, at, to):
            circle = to is not None and (to == at or at in self.above(to))
            answer = move(admin, self.names[at], None if to is None else self.names[to])
            assert answer.status_code == (400 if circle else 204), answer.text
            if not circle:
                self.parent[at] = to

        @rule(at=sampled_from(range(4)), who=sampled_from(range(2)))
        def add(self, at, who):
            answer = add(admin, self.names[at], people[who])
            assert answer.status_code == (400 if (at, who) in self.own else 201), answer.text
            self.own.add((at, who))

        @precondition(lambda self: self.own)
        @rule(chance=sampled_from(range(8)))
        def remove(self, chance):
            at, who = sorted(self.own)[chance % len(self.own)]
            assert admin.delete(f"/users/groups/{self.names[at]}/members/{people[who].id}").status_code == 204
            self.own.discard((at, who))

        @invariant()
        def everybody_is_where_they_belong(self):
            for at, name in enumerate(self.names):
                below = {each for each in range(4) if at in self.above(each)}
                own = {who for group, who in self.own if group == at}
                through = {who for group, who in self.own if group in below} - own
                assert members(admin, name) == {people[who].id: who in through for who in own | through}
                assert counts(admin, name) == (len(own), len(through))

    run_state_machine_as_test(Groups, settings=settings(max_examples=5, stateful_step_count=8, deadline=None, database=None))
