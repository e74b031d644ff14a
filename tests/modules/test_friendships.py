"""Friendships: each needs the word of both, or a token of one; whatever is asked at once, two are friends once or not at all."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from hypothesis.strategies import sampled_from
from people import CANARIES

from tests.modules.templated import refused_for


def ids(person, what="friends"):
    answer = person.get(f"/users/me/{what}", params={"size": 100})
    assert answer.status_code == 200, answer.text
    assert answer.json()["total_elements"] == len(answer.json()["content"])
    return {each["id"] for each in answer.json()["content"]}


def asks(person, other):
    answer = person.post(f"/users/me/friends/{other.id}")
    assert answer.status_code == 200, answer.text


def parts(person, other):
    assert person.delete(f"/users/me/friends/{other.id}").status_code == 200


def token_of(person):
    answer = person.get("/users/me/invite-token")
    CANARIES.add(answer.text)
    return answer.text


def test_two_are_friends_when_both_have_said_so(ann, bob):
    asks(ann, bob)
    asks(ann, bob)
    assert (ids(ann), ids(bob), ids(bob, "invites"), ids(ann, "invites")) == (set(), set(), {ann.id}, set())

    asks(bob, ann)
    assert (ids(ann), ids(bob), ids(bob, "invites")) == ({bob.id}, {ann.id}, set())
    asks(bob, ann)
    assert ids(ann) == {bob.id}

    parts(ann, bob)
    assert (ids(ann), ids(bob)) == (set(), set())


def test_who_is_asked_may_decline(ann, bob):
    asks(ann, bob)
    parts(bob, ann)

    assert (ids(bob, "invites"), ids(bob)) == (set(), set())
    asks(bob, ann)
    assert (ids(ann), ids(ann, "invites")) == (set(), {bob.id})


def test_friends_are_found_by_name_and_by_id(ann, bob, world):
    other = world.person("other")
    for friend in (bob, other):
        asks(ann, friend)
        asks(friend, ann)

    def found(**filters):
        return [each["username"] for each in ann.get("/users/me/friends", params=filters).json()["content"]]

    assert found(filter_username=bob.username.upper()) == found(filter_user_id=bob.id) == [bob.username]
    assert found(filter_username="nobody") == []
    assert set(found()) == {bob.username, other.username}


def test_a_token_makes_friends_at_once(ann, bob):
    token = token_of(ann)

    assert token == token_of(ann) != token_of(bob)
    assert bob.post("/users/me/friends/tokens", {"value": token}).status_code == 201
    assert (ids(ann), ids(bob)) == ({bob.id}, {ann.id})
    assert bob.post("/users/me/friends/tokens", {"value": token}).status_code == 201
    number, _, mark = token.partition(".")
    for wrong in (f"{bob.id}.{mark}", f"{number}.{mark[:-2]}", number, mark, "", f"0{number}.{mark}", "x" * 201):
        assert list(refused_for(bob.post("/users/me/friends/tokens", {"value": wrong}))) == ["value"]
    assert refused_for(ann.post("/users/me/friends/tokens", {"value": token})) == {"value": "one's own"}


def test_nobody_has_friends_for_others_but_the_administrator(ann, bob, admin):
    for answer in (
        bob.get(f"/users/{ann.id}/friends"),
        bob.get(f"/users/{ann.id}/invites"),
        bob.get(f"/users/{ann.id}/invite-token"),
        bob.post(f"/users/{ann.id}/friends/{bob.id}"),
        bob.delete(f"/users/{ann.id}/friends/{bob.id}"),
    ):
        assert answer.status_code == 404
    assert ann.post(f"/users/me/friends/{2**31 - 1}").status_code == 404
    assert refused_for(ann.post(f"/users/me/friends/{ann.id}")) == {"id": "nobody is their own friend"}
    for one, other in ((ann, bob), (bob, ann)):
        assert admin.post(f"/users/{one.id}/friends/{other.id}").status_code == 200
    assert ids(ann) == {bob.id}


def test_who_is_blocked_asks_in_vain_and_is_not_told(ann, bob):
    asks(ann, bob)
    asks(bob, ann)
    token = token_of(ann)

    assert [ann.put(f"/users/me/blocked/{bob.id}").status_code for _ in range(2)] == [204, 204]
    assert (ids(ann), ids(bob), ids(ann, "blocked"), ids(bob, "blocked")) == (set(), set(), {bob.id}, set())
    asks(bob, ann)
    assert ids(ann, "invites") == set()
    assert refused_for(bob.post("/users/me/friends/tokens", {"value": token})) == {"value": "no token of a user"}
    assert list(refused_for(ann.post(f"/users/me/friends/{bob.id}"))) == ["id"]
    assert bob.get(f"/users/{ann.id}/blocked").status_code == 404

    assert ann.delete(f"/users/me/blocked/{bob.id}").status_code == 204
    asks(bob, ann)
    assert (ids(ann, "blocked"), ids(ann), ids(ann, "invites")) == (set(), set(), {bob.id})


@pytest.mark.parametrize("turn", range(5))
def test_of_many_words_at_once_one_friendship_comes(world, turn):
    one, other = world.person("one"), world.person("other")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: asks(one, other) if number % 2 else asks(other, one), range(16)))

    assert (ids(one), ids(other)) == ({other.id}, {one.id})
    assert not ids(one, "invites") | ids(other, "invites")


def test_friendships_are_as_their_model(world):
    people = [world.person("friend") for _ in range(3)]

    class Friendships(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.friends, self.asked = set(), set()
            for one in people:
                for other in people:
                    if one is not other:
                        parts(one, other)

        @rule(one=sampled_from(range(3)), step=sampled_from((1, 2)))
        def ask(self, one, step):
            other = (one + step) % 3
            asks(people[one], people[other])
            if frozenset((one, other)) in self.friends:
                return
            if (other, one) in self.asked:
                self.asked.discard((other, one))
                self.friends.add(frozenset((one, other)))
            else:
                self.asked.add((one, other))

        @rule(one=sampled_from(range(3)), step=sampled_from((1, 2)))
        def part(self, one, step):
            other = (one + step) % 3
            parts(people[one], people[other])
            self.friends.discard(frozenset((one, other)))
            self.asked -= {(one, other), (other, one)}

        @invariant()
        def both_see_the_same(self):
            for at, person in enumerate(people):
                assert ids(person) == {people[other].id for pair in self.friends if at in pair for other in pair - {at}}
                assert ids(person, "invites") == {people[one].id for one, other in self.asked if other == at}

    run_state_machine_as_test(Friendships, settings=settings(max_examples=6, stateful_step_count=8, deadline=None, database=None))
