"""The audit log as its readers see it, and entries that callers write: whose they are, and that none passes for what the server saw."""

import json
import time

import grpc
import pytest
from gamehall.logs.v1 import user_logs_pb2 as pb
from gamehall_server.admin import verify_audit
from gamehall_server.kit.audit import audit
from gamehall_server.kit.storage import Query
from gamehall_server.migrate import Unusable
from people import fresh
from sqlalchemy import BigInteger, bindparam, select, update

CREATE_ROLE = "/gamehall.access.v1.RoleService/CreateRole"
_t = audit.table
LAST = Query(select(_t).order_by(_t.c.id.desc()).limit(1), audit.Row)
SET_USER = Query(update(_t).where(_t.c.id == bindparam("row", type_=BigInteger)).values(user_id=bindparam("to", type_=BigInteger)))


def entry(**more):
    return {"action_name": fresh("did"), "action_description": "Finished level 3", **more}


def entries(person, **chosen):
    answer = person.get("/audit/logs", params=chosen)
    assert answer.status_code == 200, answer.text
    return answer.json()["content"]


def posted(person, **more):
    written = entry(**more)
    answer = person.post("/audit/logs", written)
    assert (answer.status_code, answer.content) == (200, b""), answer.text
    return written, answer


# What the server saw.


def test_administrators_read_what_everybody_did_the_newest_first(admin):
    word = fresh("ROLE_")
    made = admin.post("/auth/roles", {"role": word, "name": "Name"})
    admin.put(f"/auth/roles/{word}", {"role": word, "name": "Other"})

    newer, older = entries(admin, filter_user=admin.id, size=2)

    assert newer["action_name"] == "/gamehall.access.v1.RoleService/UpdateRole"
    assert newer["id"] != older["id"]
    assert older["action_name"] == CREATE_ROLE
    assert older["action_description"] == f"CreateRole role:{word}"
    assert (older["user_id"], older["request_id"]) == (admin.id, made.headers["x-request-id"])
    assert older["created_date"] >= 1_480_000_000
    assert "posted_by" not in older["details"]
    told = dict(older["details"])
    assert json.loads(told.pop("changes")) == {f"role:{word}": {"name": [None, "Name"]}}
    assert told == {"by": f"user:{admin.id}", "client": "web", "address": "127.0.0.1", "target": f"role:{word}"}
    assert admin.get(f"/audit/logs/{older['id']}").json() == older


def test_a_user_reads_their_own_rows_and_no_others(ann, bob, admin):
    ann.put("/users/me", {"username": ann.username, "email": f"{ann.username}@example.com"})
    posted(bob)

    mine = entries(ann)

    assert [each["action_name"] for each in mine] == ["/gamehall.users.v1.UserService/UpdateUser"]
    assert {each["user_id"] for each in entries(ann, size=1000)} == {ann.id}
    assert entries(ann, filter_user=bob.id) == []
    assert ann.get(f"/audit/logs/{entries(bob)[0]['id']}").status_code == 404
    assert {each["user_id"] for each in entries(admin, filter_user=ann.id)} == {ann.id}


def test_entries_are_chosen_by_what_was_done(admin):
    admin.post("/auth/roles", {"role": fresh("ROLE_"), "name": "Name"})
    written, _ = posted(admin)

    assert {each["action_name"] for each in entries(admin, filter_action_name=CREATE_ROLE)} == {CREATE_ROLE}
    assert len(entries(admin, filter_action_name=written["action_name"])) == 1
    assert entries(admin, filter_action_name="created") == []


@pytest.mark.parametrize("id", ["0", "-1", "1.0", "x", "٣", "9" * 19, "9" * 30])
def test_what_is_no_entry_is_not_found(admin, id):
    answer = admin.get(f"/audit/logs/{id}")

    assert (answer.status_code, answer.json()["result"][0]["field"]) == (404, "id")


# What callers write.


def test_an_entry_of_ones_own(ann, admin):
    written, answer = posted(ann, details={"level": "3", "by": "the server"})

    [found] = entries(ann, filter_action_name=written["action_name"])

    told = {"user_id": ann.id, "request_id": answer.headers["x-request-id"], "id": found["id"], "created_date": found["created_date"]}
    assert found == {**written, **told, "details": {**written["details"], "posted_by": f"user:{ann.id}"}}
    assert entries(admin, filter_user=ann.id, filter_action_name=written["action_name"]) == [found]


def test_who_lacks_the_permission_writes_about_nobody_else(ann, bob, admin):
    answer = ann.post("/audit/logs", entry(user_id=bob.id))

    assert (answer.status_code, answer.json()["result"][0]["field"]) == (403, "user_id")
    assert [each for each in entries(admin, filter_user=bob.id) if "posted_by" in each["details"]] == []
    posted(ann, user_id=ann.id)
    assert entries(ann)[0]["user_id"] == ann.id


def test_who_holds_it_writes_about_anybody_and_is_named(ann, admin):
    written, _ = posted(admin, user_id=ann.id)

    [found] = entries(ann, filter_action_name=written["action_name"])

    assert (found["user_id"], found["details"]["posted_by"]) == (ann.id, f"user:{admin.id}")
    nobodys = admin.post("/audit/logs", entry(user_id=2**31 - 1))
    assert (nobodys.status_code, nobodys.json()["result"][0]["field"]) == (400, "user_id")


def test_a_client_writes_with_the_permission_alone(world, ann, admin):
    assert world.client("ROLE_USER").post("/audit/logs", entry()).status_code == 403
    server = world.client("ROLE_ADMIN")
    about_nobody, _ = posted(server)
    about_ann, _ = posted(server, user_id=ann.id)

    [nobodys] = entries(admin, filter_action_name=about_nobody["action_name"])
    [anns] = entries(ann, filter_action_name=about_ann["action_name"])

    assert (nobodys["details"]["posted_by"], anns["details"]["posted_by"]) == (f"client:{server.username}",) * 2
    assert "user_id" not in nobodys


@pytest.mark.parametrize("name", [CREATE_ROLE, "/x", " /x", "\u200b/x", "\u2215x", "_x", "-"])
def test_no_entry_is_called_as_what_the_server_saw(ann, name):
    before = entries(ann)

    answer = ann.post("/audit/logs", entry(action_name=name))

    assert (answer.status_code, answer.json()["result"][0]["field"]) == (400, "action_name")
    assert entries(ann) == before


def test_what_only_the_server_writes_is_ignored(ann):
    written, _ = posted(ann, id="1", request_id="mine", created_date=1)

    [found] = entries(ann, filter_action_name=written["action_name"])

    assert found["details"]["posted_by"] == f"user:{ann.id}"
    assert found["request_id"] != "mine"
    assert found["created_date"] > 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"action_name": ""}, "action_name"),
        ({"action_description": " "}, "action_description"),
        ({"action_name": "x" * 256}, "action_name"),
        ({"action_description": "x" * 1001}, "action_description"),
        ({"details": {"": "x"}}, "details"),
        ({"details": {"x" * 256: "x"}}, "details"),
        ({"details": {"long": "x" * 1001}}, "details.long"),
        ({"details": {str(number): "x" for number in range(51)}}, "details"),
        ({"details": {"nul": "\0"}}, "details"),
        ({"details": {"posted_by": "user:1"}}, "details.posted_by"),
        ({"user_id": 0}, "user_id"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(admin, wrong, field):
    answer = admin.post("/audit/logs", entry(**wrong))

    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["result"]] == [field]


def test_a_repeated_key_writes_once(ann):
    written = entry()
    for _ in range(2):
        assert ann.post("/audit/logs", written, headers={"Idempotency-Key": written["action_name"]}).status_code == 200

    assert len(entries(ann, filter_action_name=written["action_name"])) == 1


def test_the_same_over_grpc(ann, bob, admin, refused):
    log = pb.UserLog(**entry(details={"level": "3"}))
    ann.grpc.logs.CreateUserLog(pb.CreateUserLogRequest(log=log))
    [found] = ann.grpc.logs.ListUserLogs(pb.ListUserLogsRequest(filter_action_name=log.action_name)).content

    assert (found.user_id, dict(found.details)) == (ann.id, {"level": "3", "posted_by": f"user:{ann.id}"})
    assert admin.grpc.logs.GetUserLog(pb.GetUserLogRequest(id=found.id)).log == found
    with refused("NOT_FOUND"):
        bob.grpc.logs.GetUserLog(pb.GetUserLogRequest(id=found.id))
    with refused("PERMISSION_DENIED"):
        bob.grpc.logs.CreateUserLog(pb.CreateUserLogRequest(log=pb.UserLog(**entry(user_id=ann.id))))
    with refused("INVALID_ARGUMENT") as refusal:
        bob.grpc.logs.CreateUserLog(pb.CreateUserLogRequest(log=pb.UserLog(**entry(action_name=CREATE_ROLE))))
    assert isinstance(refusal[0], grpc.RpcError)


# They stand in the chain.


def test_an_entry_is_sealed_and_whose_it_is_cannot_be_changed_unseen(world, ann, bob, admin):
    posted(ann)
    product = world.server.product

    async def last():
        return await product.database.reader().one(LAST)

    # The server seals every second.
    while (row := world.inside(last)).seq is None:
        time.sleep(0.05)

    async def story():
        await verify_audit(product, "")
        for wrong in (bob.id, None):
            await product.database.write(lambda db, wrong=wrong: db.run(SET_USER, row=row.id, to=wrong))
            with pytest.raises(Unusable, match=f"{row.seq}: changed"):
                await verify_audit(product, "")
        await product.database.write(lambda db: db.run(SET_USER, row=row.id, to=ann.id))
        await verify_audit(product, "")

    world.inside(story)
