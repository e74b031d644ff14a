"""The path of a call when a method of ours is wrong: the caller learns nothing, nothing is kept, and the log has it all."""

import logging

import pytest
from gamehall.comments.v1 import comments_pb2 as pb
from gamehall_server import servicers
from gamehall_server.kit.outbox import outbox
from gamehall_server.kit.storage import Query
from gamehall_server.modules.comments.servicer import Comments, comments
from google.protobuf.json_format import MessageToDict
from sqlalchemy import func, select
from worlds import World, settings_for, sqlite_url

from tests.contract.doors import DOORS, published_refusal, reason_of
from tests.databases import shared_postgres

SECRET = "the number of the safe is 42"
written = Query(select(func.count()).select_from(comments.table))
announced = Query(select(func.count()).select_from(outbox.table))


class Faulty(Comments):
    """Comments by somebody careless."""

    async def CreateComment(self, request, call):
        """Writes, announces, and falls over; unless it is asked nicely."""
        about = {"context": request.comment.context, "context_id": request.comment.context_id}
        row = await comments.add(call, {**about, "content": request.comment.content})
        call.emit("comment_created", comment=row[0], user=call.user_id, **about)
        # What is read sees what was written: it has reached the database.
        assert await call.db.value(written)
        if request.comment.content == "please":
            answer = pb.CreateCommentResponse()
            await comments.show(call, row, answer.comment)
            return answer
        raise RuntimeError(SECRET)

    async def UpdateComment(self, request, call):
        """Changes whatever it is told to, and never asks whose it is."""
        row = await call.db.one(comments.rows.get, id=request.id)
        await comments.change(call, row, content=request.content)
        return pb.UpdateCommentResponse()

    async def ListComments(self, request, call):
        """Divides by nothing."""
        return pb.ListCommentsResponse(content=[1 / 0])


@pytest.fixture(scope="module", params=["sqlite-native", "postgresql-grpcio"])
def world(request, tmp_path_factory):
    """A deployment of the careless servicer."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("world"))
    with pytest.MonkeyPatch.context() as patch:
        others = {servicer: make for servicer, make in servicers.SERVICERS.items() if servicer is not Comments}
        patch.setattr(servicers, "SERVICERS", {**others, Faulty: lambda _: Faulty()})
        world = World(settings_for(url, engine))
    yield world
    world.close()


def counted(world):
    """Comments and events that are kept."""

    async def read():
        reader = world.server.product.database.reader()
        return await reader.value(written), await reader.value(announced)

    return world.inside(read)


def say(person, text="hello", **options):
    return person.post("/comments", {"context": "video", "context_id": "1", "content": text}, **options)


def bugs(caplog):
    return [record for record in caplog.records if record.name == "gamehall.invoke" and record.levelno == logging.ERROR]


def test_over_http_a_bug_is_an_internal_error_and_nothing_is_kept(world, ann, caplog):
    before = counted(world)

    answer = say(ann)

    assert published_refusal(answer) == ("500", "INTERNAL")
    assert answer.json()["result"] == [{"field": None, "message": "Internal error.", "details": None}]
    assert SECRET not in answer.text + str(answer.headers)
    assert counted(world) == before
    assert answer.json()["request_id"] in bugs(caplog)[0].getMessage()
    assert SECRET in caplog.text


def test_over_grpc_as_well(world, ann, refused, caplog):
    before = counted(world)

    with refused("INTERNAL") as refusals:
        ann.grpc.comments.CreateComment(pb.CreateCommentRequest(comment=pb.Comment(context="a", context_id="b", content="c")))

    told = dict(refusals[0].trailing_metadata())
    assert refusals[0].details() == "Internal error."
    assert reason_of(refusals[0]) == "INTERNAL"
    assert SECRET not in str(refusals[0]) + str(told)
    assert counted(world) == before
    assert told["x-request-id"] in bugs(caplog)[0].getMessage()
    assert SECRET in caplog.text


@pytest.mark.parametrize("door", ["connect", "grpc-web"])
def test_over_what_browsers_speak_as_well(world, ann, caplog, door):
    before = counted(world)
    method = pb.DESCRIPTOR.services_by_name["CommentService"].methods_by_name["CreateComment"]
    request = pb.CreateCommentRequest(comment=pb.Comment(context="a", context_id="b", content="c"))

    assert DOORS[door](world, method, request, ann.token) == ("INTERNAL", "INTERNAL")
    answer = ann.post("/gamehall.comments.v1.CommentService/CreateComment", MessageToDict(request))

    assert (answer.status_code, answer.json()["message"]) == (500, "Internal error.")
    assert SECRET not in answer.text + str(answer.headers)
    assert counted(world) == before
    assert len(bugs(caplog)) == 2


def test_a_bug_in_a_read_is_the_same(world, nobody, refused, caplog):
    answer = nobody.get("/comments?context=a&context_id=b")

    assert published_refusal(answer) == ("500", "INTERNAL")
    assert "division" not in answer.text
    with refused("INTERNAL"):
        nobody.grpc.comments.ListComments(pb.ListCommentsRequest(context="a", context_id="b"))
    assert len(bugs(caplog)) == 2


def test_after_a_bug_the_key_is_still_free(world, ann, caplog):
    key = {"Idempotency-Key": f"of-{ann.id}"}

    assert say(ann, headers=key).status_code == 500
    first, again = (say(ann, "please", headers=key) for _ in range(2))

    assert first.status_code == 200
    assert again.json() == first.json()
    assert len(bugs(caplog)) == 1


def test_a_method_that_never_asks_whose_it_is_changes_nothing(world, ann, bob, refused, caplog):
    mine = say(ann, "please").json()

    for caller in (bob, ann):
        assert published_refusal(caller.put(f"/comments/{mine['id']}/content", {"value": "changed"})) == ("500", "INTERNAL")
        with refused("INTERNAL"):
            caller.grpc.comments.UpdateComment(pb.UpdateCommentRequest(id=mine["id"], content="changed"))

    assert ann.get(f"/comments/{mine['id']}").json() == mine
    assert "UpdateComment never applied the scope OWN" in caplog.text
    assert len(bugs(caplog)) == 4


def test_who_may_change_all_need_not_be_asked(world, ann):
    mine = say(ann, "please").json()

    assert world.admin().put(f"/comments/{mine['id']}/content", {"value": "changed"}).status_code == 204
    assert ann.get(f"/comments/{mine['id']}").json()["content"] == "changed"


def test_a_bug_stops_nobody_else(world, ann, bob, caplog):
    for _ in range(3):
        assert say(ann).status_code == 500

    assert say(bob, "please").status_code == 200
    assert bob.get("/health").json()["status"] == "UP"
    assert world.server.app.in_flight == 0
