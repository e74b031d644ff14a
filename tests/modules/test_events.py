"""Events: what happens is told, kept in a log, and told to whoever watches; the application fires its own."""

import ast
import json
import threading
import time
from itertools import count
from pathlib import Path

import grpc
import pytest
from gamehall.events.v1 import events_pb2 as pb
from gamehall.events.v1 import events_pb2_grpc
from gamehall_server.kit.events import declared
from gamehall_server.kit.verbs import Create, Delete, Update
from gamehall_server.servicers import SERVICERS
from people import fresh

from tests.contract.doors import published_refusal

LOG = "/bre/logs/event-log"
MODULES = Path(__file__).parents[2] / "server/gamehall_server/modules"
CATEGORIES = {
    *("achievement", "behavior", "comment", "disposition", "device", "entitlement", "friends", "fulfillment", "gamification", "inventory"),
    *("invoice", "media", "scheduler", "store", "subscription", "user", "wallet", "custom", "challenge", "activity", "campaign", "event"),
}


def logged(admin, **asked):
    answer = admin.get(LOG, params={f"filter_{name}": value for name, value in asked.items()} | {"size": 1000})
    assert answer.status_code == 200, answer.text
    return answer.json()["content"]


def a_trigger(admin, *parameters, **more):
    told = {"event_name": fresh("boss."), "trigger_name": "Boss defeated", "trigger_description": "Somebody has defeated the boss."}
    answer = admin.post("/bre/triggers", {**told, "parameters": list(parameters), **more})
    assert answer.status_code == 201, answer.text
    return told["event_name"]


PLAYER = {"name": "player", "type": "user"}
LEVEL = {"name": "level", "type": "integer", "optional": True}


def said(person, about="1"):
    return person.post("/comments", {"context": "level", "context_id": about, "content": "mine"})


# What the contract declares.


def test_everything_that_is_made_changed_or_deleted_in_the_standard_way_is_an_event():
    verbs = {
        (verb.resource.table.name, verb.past)
        for servicer in SERVICERS
        for verb in vars(servicer).values()
        if isinstance(verb, (Create, Update, Delete))
    }

    assert len(verbs) > 20
    assert {f"{noun}_{past}" for noun, past in verbs} - declared().keys() == set()


def test_every_event_of_the_code_is_declared_and_told_as_declared():
    told = {}
    for path in MODULES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "call.emit" and isinstance(node.args[0], ast.Constant):
                told.setdefault(node.args[0].value, []).append({each.arg for each in node.keywords if each.arg})
    wrong = [name for name, calls in told.items() if any(given - declared()[name].parameters.keys() for given in calls)]

    assert len(told) > 30
    assert (told.keys() - declared().keys(), wrong) == (set(), [])


def test_every_declared_event_is_of_a_published_category():
    assert {event.category for event in declared().values()} <= CATEGORIES


# Triggers.


def test_the_catalogue_tells_every_event_of_the_product(ann):
    shown = ann.get("/bre/triggers", params={"filter_system": "true", "size": 1000}).json()["content"]
    of_comments = next(each for each in shown if each["event_name"] == "comment_created")

    assert {each["event_name"] for each in shown} == declared().keys()
    assert all(each["trigger_description"].endswith(".") for each in shown)
    assert (of_comments["category"], of_comments["trigger_name"]) == ("comment", "Comment created")
    assert [(each["name"], each["type"], each["optional"]) for each in of_comments["parameters"]] == [
        ("comment", "comment", False),
        ("user", "user", True),
        ("context", "string", False),
        ("context_id", "string", False),
    ]


def test_a_trigger_of_the_applications_own_is_made_changed_found_and_deleted(admin, ann):
    name = a_trigger(admin, PLAYER, tags=["pvp", "arena"])

    changed = {"event_name": name, "trigger_name": "Boss gone", "trigger_description": "It left.", "parameters": [LEVEL]}
    assert admin.put(f"/bre/triggers/{name}", changed).status_code == 200
    found = ann.get(f"/bre/triggers/{name}").json()
    assert admin.put(f"/bre/triggers/{name}", {**changed, "tags": ["x", "y"]}).json()["tags"] == ["x", "y"]
    listed = {
        what: [each["event_name"] for each in ann.get("/bre/triggers", params={**asked, "size": 1000}).json()["content"]]
        for what, asked in {
            "all tags": {"filter_tags": "y,x"},
            "another tag": {"filter_tags": "x,pvp"},
            "words": {"filter_search": "it LEFT"},
            "name": {"filter_name": "gone"},
            "category": {"filter_category": "custom", "filter_system": "false"},
        }.items()
    }
    assert admin.delete(f"/bre/triggers/{name}").status_code == 204

    assert found == changed | {"category": "custom", "system_trigger": False, "tags": []} | {"parameters": [LEVEL | {"implicit": False}]}
    assert {what: name in names for what, names in listed.items()} == dict.fromkeys(listed, True) | {"another tag": False}
    assert ann.get(f"/bre/triggers/{name}").status_code == 404


def test_a_trigger_of_the_product_stays_as_it_is(admin):
    before = admin.get("/bre/triggers/user_registered").json()

    for refused in (admin.put("/bre/triggers/user_registered", before), admin.delete("/bre/triggers/user_registered")):
        assert published_refusal(refused) == ("PERMISSION_DENIED", "LOCKED")
    assert published_refusal(admin.post("/bre/triggers", before)) == ("INVALID_ARGUMENT", "DUPLICATE")
    assert admin.get("/bre/triggers/user_registered").json() == before


@pytest.mark.parametrize(
    "parameters, field",
    [
        ([PLAYER, PLAYER], "parameters[1].name"),
        ([{"name": "x", "type": "dragon"}], "parameters[0].type"),
        ([{"name": "", "type": "user"}], "parameters[0].name"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(admin, parameters, field):
    told = {"event_name": fresh("boss."), "trigger_name": "x", "trigger_description": "x", "parameters": parameters}

    answer = admin.post("/bre/triggers", told)

    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["result"]] == [field]


# Events of the application's own.


def test_an_event_is_known_by_the_request_that_sent_it(admin, ann):
    name = a_trigger(admin, PLAYER, LEVEL)

    sent = ann.post("/bre/events", {"event_name": name, "params": {"player": ann.id}})
    (found,) = logged(admin, event_id=sent.text)

    assert (sent.status_code, sent.text) == (200, sent.headers["x-request-id"])
    assert (found["event_name"], found["parameters"], found["rules"]) == (name, {"player": ann.id}, [])
    assert abs(found["event_start_date"] - time.time()) < 3600
    assert admin.get(f"{LOG}/{found['id']}").json() == found


def test_a_repeat_with_the_same_key_is_the_same_event(admin, ann):
    name = a_trigger(admin, PLAYER)
    body, key = {"event_name": name, "params": {"player": ann.id}}, {"Idempotency-Key": fresh("once")}

    sent = {ann.post("/bre/events", body, headers=key).text for _ in range(3)}

    assert [each["event_id"] for each in logged(admin, event_name=name)] == list(sent)


WRONG = {
    "nothing": ({}, ["params.player"]),
    "null": ({"player": None}, ["params.player"]),
    "another type": ({"player": "ann", "level": 1.5}, ["params.level", "params.player"]),
    "no number at all": ({"player": True, "level": 1e300}, ["params.level", "params.player"]),
    "what it does not tell": ({"player": 1, "sword": 1}, ["params.sword"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_event_that_is_not_as_its_trigger_says_is_refused_and_not_kept(admin, ann, case):
    name = a_trigger(admin, PLAYER, LEVEL)
    params, fields = WRONG[case]

    answer = ann.post("/bre/events", {"event_name": name, "params": params})

    assert answer.status_code == 400
    assert sorted(each["field"] for each in answer.json()["result"]) == fields
    assert logged(admin, event_name=name) == []


@pytest.mark.parametrize("name, says", [("user_registered", "the product fires it"), ("nothing_of_the_kind", "no such trigger")])
def test_only_triggers_of_the_application_are_fired_from_outside(ann, name, says):
    answer = ann.post("/bre/events", {"event_name": name, "params": {"user": 1}})

    assert answer.status_code == 400
    assert (answer.json()["result"][0]["field"], says in answer.json()["result"][0]["message"]) == ("event_name", True)


# The log.


def test_what_the_product_does_is_in_the_log_with_its_parameters(world, admin):
    ann = world.person("ann")
    comment = said(ann).json()["id"]
    ann.delete(f"/comments/{comment}")

    own = [each for each in logged(admin) if each["parameters"].get("user") == ann.id]

    assert [(each["event_name"], each["parameters"]) for each in own] == [
        ("comment_deleted", {"comment": comment, "user": ann.id, "context": "level", "context_id": "1"}),
        ("comment_created", {"comment": comment, "user": ann.id, "context": "level", "context_id": "1"}),
        ("user_registered", {"user": ann.id, "username": ann.username}),
    ]


def test_a_refused_call_leaves_no_event(admin, ann):
    before = len(logged(admin, event_name="comment_created"))

    assert ann.post("/comments", {"context": "level", "context_id": "1"}).status_code == 400

    assert len(logged(admin, event_name="comment_created")) == before


def test_a_task_is_in_no_log(world, admin):
    ann = world.person("ann")
    assert ann.post(f"/users/{ann.id}/password-reset").status_code == 204

    assert logged(admin, event_name="password_reset_asked") == []


@pytest.mark.parametrize("id", ["none", "1", "0" * 15 + "g", "f" * 16, "8" + "0" * 15])
def test_what_is_no_number_of_an_event_is_not_there(admin, id):
    assert published_refusal(admin.get(f"{LOG}/{id}")) == ("NOT_FOUND", "NOT_FOUND")


def test_the_log_is_for_administrators(ann, nobody):
    assert (ann.get(LOG).status_code, nobody.get(LOG).status_code) == (403, 401)


# Watching.


class Watch:
    """Somebody who reads what happens over gRPC, on a thread of its own."""

    def __init__(self, world, person, after="", names=""):
        stub = events_pb2_grpc.EventServiceStub(world.channel)
        metadata = [("authorization", f"Bearer {person.token}")]
        self.call = stub.WatchEvents(pb.WatchEventsRequest(after=after, event_names=names), metadata=metadata)
        self.tokens, self.events = [next(self.call).token], []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            for message in self.call:
                self.events.append(message.log)
                self.tokens.append(message.token)
        except grpc.RpcError:
            return

    def until(self, number):
        for _ in range(2000):
            if len(self.events) >= number:
                return self.events
            time.sleep(0.01)
        raise AssertionError(f"{len(self.events)} of {number} events")

    def end(self):
        self.call.cancel()
        self._thread.join()


def comments_of(events):
    return [int(each.parameters["comment"]) for each in events]


def test_whoever_watches_hears_what_happens_from_then_on(world, admin, ann):
    said(ann)
    watch = Watch(world, admin, names="comment_created, comment_deleted")
    ids = [said(ann).json()["id"] for _ in range(5)]
    ann.delete(f"/comments/{ids[0]}")

    heard = list(watch.until(6))
    watch.end()

    assert comments_of(heard) == [*ids, ids[0]]
    assert [each.event_name for each in heard] == ["comment_created"] * 5 + ["comment_deleted"]
    assert [int(token) for token in watch.tokens] == sorted({int(token) for token in watch.tokens})


def test_whoever_comes_back_with_a_token_misses_nothing_and_hears_nothing_twice(world, admin, ann):
    names, ids = "comment_created", []
    watch = Watch(world, admin, names=names)
    token = watch.tokens[0]
    watch.end()
    for _ in range(4):
        ids += [said(ann).json()["id"] for _ in range(5)]
        watch = Watch(world, admin, after=token, names=names)
        heard = list(watch.until(5))[:3]
        token = watch.tokens[3]
        watch.end()
        assert comments_of(heard) == ids[:3]
        ids = ids[3:]


def test_of_many_writers_at_once_each_event_is_heard_once_in_one_order_by_all(world, admin):
    people = [world.person("ann") for _ in range(6)]
    watches = [Watch(world, admin, names="comment_created") for _ in range(2)]
    ids = []

    def write(person):
        for _ in range(15):
            ids.append(said(person).json()["id"])

    threads = [threading.Thread(target=write, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heard = [comments_of(watch.until(90)) for watch in watches]
    for watch in watches:
        watch.end()

    assert heard[0] == heard[1]
    assert sorted(heard[0]) == sorted(ids)


def test_events_of_one_thing_are_heard_in_the_order_of_their_commits(world, admin, ann):
    """Whoever answers a poll again waits for the answer before."""
    category = admin.post("/categories", {"name": "polls"}).json()["id"]
    keys = [f"k{number}" for number in range(8)]
    told = {"text": "Which?", "type": "TEXT", "active": True, "answers": [{"key": key, "text": key} for key in keys]}
    poll = admin.post("/media/polls", {**told, "category": {"id": category}}).json()["id"]
    watch, numbers = Watch(world, admin, names="poll_answered"), count()

    def answer():
        for _ in range(6):
            assert ann.post(f"/media/polls/{poll}/response", {"value": keys[next(numbers) % 8]}).status_code == 200

    threads = [threading.Thread(target=answer) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heard = watch.until(36)
    last = heard[-1].parameters["answer"]
    watch.end()

    assert ann.get(f"/media/polls/{poll}/response").json()["answer"] == last


@pytest.mark.parametrize("token", ["x", "-1", "9" * 18, "1.5"])
def test_a_token_that_is_none_is_refused(world, admin, refused, token):
    with refused("INVALID_ARGUMENT"):
        Watch(world, admin, after=token)
    with admin.get("/bre/events/watch", params={"after": token}, stream=True) as answer:
        told = list(answer.iter_lines(decode_unicode=True))
    assert told[-3] == "event: error"
    assert json.loads(told[-2].removeprefix("data: "))["result"][0]["field"] == "after"


def test_a_browser_watches_by_server_sent_events(admin, ann):
    with admin.get("/bre/events/watch", params={"event_names": "comment_created"}, stream=True) as answer:
        told = (json.loads(line.removeprefix("data: ")) for line in answer.iter_lines(decode_unicode=True) if line.startswith("data: "))
        first = next(told)
        comment = said(ann).json()["id"]
        second = next(told)

    assert first.keys() == {"token"}
    assert second["log"]["parameters"]["comment"] == comment
    assert int(second["token"]) > int(first["token"])


# What values are.


def test_a_type_with_a_list_has_its_values(world, admin, ann):
    word = fresh("hidden")
    for name, active in ((f"{word}a", True), (f"{word}b", False)):
        assert admin.post("/categories", {"name": name, "active": active}).status_code == 201

    types = {each["name"]: each for each in ann.get("/bre/variable-types").json()}
    people = ann.get("/bre/variable-types/user/values", params={"filter_name": ann.username.upper()}).json()["content"]
    categories = admin.get("/bre/variable-types/category/values", params={"filter_name": word}).json()["content"]

    assert (types["user"]["base"], types["user"]["enumerable"], types["date"]["base"]) == ("INTEGER", True, "DATE")
    assert people == [{"id": ann.id, "name": ann.username}]
    assert [each["name"] for each in categories] == [f"{word}a"]
    assert published_refusal(ann.get("/bre/variable-types/integer/values")) == ("NOT_FOUND", "NOT_FOUND")
