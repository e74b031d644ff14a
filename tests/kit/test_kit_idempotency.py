"""Idempotency keys under fire: one effect, one answer, whoever asks, however often, through whichever door."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from gamehall.comments.v1.comments_pb2 import Comment, CreateCommentRequest
from gamehall.users.v1.users_pb2 import CreateUserRequest, User
from gamehall_server.kit.idempotency import IdempotencyRow, digest_of
from gamehall_server.kit.storage import Query, table_of
from people import fresh
from sqlalchemy import bindparam, func, select

_t = table_of(IdempotencyRow).table
kept = Query(select(func.count()).select_from(_t).where(_t.c.key == bindparam("key")))
MANY = 20


def say(person, about, key, text="once"):
    return person.post("/comments", {"context": "video", "context_id": about, "content": text}, headers={"Idempotency-Key": key})


def at_once(work):
    """The answers of many callers who start together."""
    barrier = Barrier(MANY)

    def start(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(start, range(MANY)))


def comments_about(person, about):
    return person.get(f"/comments?context=video&context_id={about}").json()["total_elements"]


def kept_answers(world, key):
    async def read():
        return await world.server.product.database.reader().value(kept, key=key)

    return world.inside(read)


def test_many_at_once_with_one_key_write_once(world, ann):
    about, key = fresh("thing"), fresh("key")

    answers = at_once(lambda _: say(ann, about, key))

    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert [answer.headers.get("idempotent-replayed") for answer in answers].count(None) == 1
    assert comments_about(ann, about) == 1
    assert kept_answers(world, key) == 1


def test_many_at_once_with_one_key_for_different_things_do_one_of_them(ann):
    about, key = fresh("thing"), fresh("key")

    answers = at_once(lambda number: say(ann, about, key, str(number)))

    assert sorted(answer.status_code for answer in answers) == [200] + [422] * (MANY - 1)
    assert {answer.json()["code"] for answer in answers if not answer.ok} == {31}
    assert comments_about(ann, about) == 1


def test_many_at_once_without_a_key_write_each(ann):
    about = fresh("thing")

    ids = at_once(lambda _: ann.post("/comments", {"context": "video", "context_id": about, "content": "each"}).json()["id"])

    assert len(set(ids)) == MANY
    assert comments_about(ann, about) == MANY


def test_many_strangers_at_once_with_one_key_register_once(nobody):
    body = {"username": fresh("wanted"), "email": f"{fresh('x')}@example.com", "password": "correct horse battery"}
    key = {"Idempotency-Key": fresh("key")}

    answers = at_once(lambda _: nobody.post("/users", body, headers=key))

    assert {(answer.status_code, answer.json().get("id")) for answer in answers} == {(200, answers[0].json()["id"])}


def test_a_key_is_ones_own(ann, bob):
    about, key = fresh("thing"), fresh("key")

    mine, theirs = say(ann, about, key).json(), say(bob, about, key).json()

    assert (mine["user"]["id"], theirs["user"]["id"]) == (ann.id, bob.id)
    assert comments_about(ann, about) == 2


def test_a_key_is_one_operations(world, ann):
    key = fresh("key")
    body = {"username": fresh("new"), "email": f"{fresh('x')}@example.com", "password": "correct horse battery"}

    assert say(ann, fresh("thing"), key).status_code == 200
    assert ann.post("/users", body, headers={"Idempotency-Key": key}).status_code == 200
    assert kept_answers(world, key) == 2


def test_both_doors_know_one_key(ann):
    about, key = fresh("thing"), fresh("key")
    request = CreateCommentRequest(comment=Comment(context="video", context_id=about, content="once"))
    first = say(ann, about, key).json()

    answer, call = ann.grpc.comments.CreateComment.with_call(request, metadata=[("idempotency-key", key)])

    assert answer.comment.id == first["id"]
    assert ("idempotent-replayed", "true") in [tuple(pair) for pair in call.trailing_metadata()]
    assert comments_about(ann, about) == 1


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "tab\there"], ids=["empty", "space", "too long", "tab"])
def test_a_key_that_is_none_is_refused_by_name(ann, key):
    about = fresh("thing")

    answer = say(ann, about, key)

    assert answer.status_code == 400
    assert [result["field"] for result in answer.json()["result"]] == ["Idempotency-Key"]
    assert comments_about(ann, about) == 0


@pytest.mark.parametrize("key", ["x", "x" * 255, "!~:/?#[]@", "550e8400-e29b-41d4-a716-446655440000"])
def test_any_visible_text_is_a_key(ann, key):
    about = fresh("thing")

    assert say(ann, about, key).json()["id"] == say(ann, about, key).json()["id"]


def test_a_method_that_keeps_no_keys_ignores_them(ann):
    said = say(ann, fresh("thing"), fresh("key")).json()
    key = {"Idempotency-Key": fresh("key")}

    assert ann.put(f"/comments/{said['id']}/content", {"value": "one"}, headers=key).status_code == 204
    assert ann.put(f"/comments/{said['id']}/content", {"value": "two"}, headers=key).status_code == 204
    assert ann.get(f"/comments/{said['id']}").json()["content"] == "two"


def test_a_digest_tells_requests_apart_but_not_their_secrets():
    ann, bob = (CreateUserRequest(user=User(username=name, password="first")) for name in ("ann", "bob"))
    other = CreateUserRequest(user=User(username="ann", password="second"))

    assert digest_of(ann) != digest_of(bob)
    assert digest_of(ann) == digest_of(other)
    assert ann.user.password == "first"
