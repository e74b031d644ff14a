"""Polls and artists: what is answered is counted, once for each."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from gamehall.media.v1.polls_pb2 import GetVoteRequest
from gamehall.media.v1.polls_pb2_grpc import PollServiceStub
from people import fresh

from tests.modules.templated import EVERY, definition, refused_for, template
from tests.modules.test_articles import category

ANSWERS = [{"key": "a", "text": "The first"}, {"key": "b", "text": "The second"}]


def poll(admin, **more):
    body = {"text": fresh("Which level?"), "type": "TEXT", "active": True, "answers": ANSWERS, "category": {"id": category(admin)}, **more}
    answer = admin.post("/media/polls", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def vote(person, id, key):
    return person.post(f"/media/polls/{id}/response", {"value": key})


def counts(person, id):
    return {each["key"]: each["count"] for each in person.get(f"/media/polls/{id}").json()["answers"]}


def test_who_answers_again_changes_the_answer(admin, ann, bob, nobody):
    id = poll(admin)["id"]

    first = vote(ann, id, "a")
    assert first.status_code == 200, first.text
    assert (first.json()["answer"], first.json()["poll_id"], first.json()["user"]["id"]) == ("a", id, ann.id)
    vote(bob, id, "a")
    assert counts(nobody, id) == {"a": 2, "b": 0}
    assert vote(ann, id, "b").json()["id"] == first.json()["id"]
    assert counts(nobody, id) == {"a": 1, "b": 1}
    assert ann.get(f"/media/polls/{id}/response").json()["answer"] == "b"
    stub = PollServiceStub(ann.channel)
    assert stub.GetVote(GetVoteRequest(id=id), metadata=[("authorization", f"Bearer {ann.token}")]).response.answer == "b"
    assert vote(ann, id, "b").status_code == 200
    assert counts(nobody, id) == {"a": 1, "b": 1}
    assert refused_for(vote(ann, id, "c")) == {"value": "must be one of: a, b"}
    assert nobody.post(f"/media/polls/{id}/response", {"value": "a"}).status_code == 401


def test_nothing_answered_is_nothing_there(admin, ann):
    id = poll(admin)["id"]

    assert ann.get(f"/media/polls/{id}/response").status_code == 404
    assert ann.get("/media/polls/none/response").status_code == 404
    assert vote(ann, "none", "a").status_code == 404


def test_a_poll_that_is_not_active_takes_no_answers(admin, ann):
    id = poll(admin, active=False)["id"]

    assert list(refused_for(vote(ann, id, "a"))) == ["id"]
    assert counts(ann, id) == {"a": 0, "b": 0}


def test_answers_that_stay_keep_their_counts(admin, ann, bob):
    made = poll(admin)
    vote(ann, made["id"], "a")
    vote(bob, made["id"], "b")

    changed = {**made, "answers": [{"key": "b", "text": "Second", "count": 9}, {"key": "c", "text": "Third", "count": 9}]}
    answer = admin.put(f"/media/polls/{made['id']}", changed)
    assert answer.status_code == 200, answer.text
    assert counts(ann, made["id"]) == {"b": 1, "c": 0}
    assert ann.get(f"/media/polls/{made['id']}/response").status_code == 404
    assert vote(ann, made["id"], "b").status_code == 200
    assert counts(ann, made["id"]) == {"b": 2, "c": 0}
    assert admin.delete(f"/media/polls/{made['id']}").status_code == 204


def test_each_answer_has_a_key_of_its_own(admin):
    body = {"text": "x", "type": "IMAGE", "active": True, "answers": [ANSWERS[0], ANSWERS[0]], "category": {"id": category(admin)}}

    assert list(refused_for(admin.post("/media/polls", body))) == ["answers[1].key"]
    assert list(refused_for(admin.post("/media/polls", {**body, "answers": []}))) == ["answers"]
    assert list(refused_for(admin.post("/media/polls", {**body, "answers": ANSWERS, "type": "SONG"}))) == ["type"]


def test_polls_are_found(admin, nobody):
    of, word = category(admin), fresh("word")
    made = poll(admin, text=f"Which {word}?", category={"id": of}, tags=[word], type="AUDIO")

    for filters in ({"filter_category": of}, {"filter_tagset": word}, {"filter_text": word.upper()}):
        assert nobody.get("/media/polls", params=filters).json()["content"] == [made]


@pytest.mark.parametrize("turn", range(2))
def test_fifty_at_once_are_counted_exactly(world, admin, turn):
    id, people = poll(admin)["id"], [world.person("voter") for _ in range(10)]

    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(lambda number: vote(people[number % 10], id, "ab"[number % 3 % 2]).status_code, range(50)))

    assert statuses == [200] * 50
    told = [person.get(f"/media/polls/{id}/response").json()["answer"] for person in people]
    assert counts(admin, id) == {"a": told.count("a"), "b": told.count("b")}


def test_anybody_adds_an_artist_and_the_administrators_change_it(admin, ann, nobody):
    held = template(admin, "media/artists", definition("text", "color"))
    body = {"name": fresh("The Owls"), "born": "1980/01/31", "template": held, "additional_properties": {"color": EVERY["text"]}}

    made = ann.post("/media/artists", body)
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    assert (made.json()["priority"], made.json()["contribution_count"], made.json()["born"]) == (100, 0, "1980/01/31")
    assert nobody.get(f"/media/artists/{id}").json() == made.json()
    assert nobody.post("/media/artists", body).status_code == 401
    assert ann.put(f"/media/artists/{id}", body).status_code == 403
    assert admin.put(f"/media/artists/{id}", {"name": body["name"], "priority": 5, "contribution_count": 9}).status_code == 204
    assert (nobody.get(f"/media/artists/{id}").json()["priority"], nobody.get(f"/media/artists/{id}").json()["contribution_count"]) == (
        5,
        0,
    )
    assert [each["id"] for each in nobody.get("/media/artists", params={"filter_artists_by_name": body["name"]}).json()["content"]] == [id]
    for wrong in ("1980/02/30", "1980-01-31", "31/01/1980", "1980"):
        assert list(refused_for(ann.post("/media/artists", {"name": "x", "died": wrong}))) == ["died"]
    assert admin.delete(f"/media/artists/{id}").status_code == 204
    assert nobody.get(f"/media/artists/{id}").status_code == 404
