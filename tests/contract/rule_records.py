"""Rules and globals, made anew."""

from typing import Any

from gamehall.rules.v1 import globals_pb2, rules_pb2
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from people import fresh

from tests.contract.callers import Cast
from tests.contract.doors import as_published
from tests.contract.records import a_trigger


def a_rule_message(cast: Cast, **more: Any) -> rules_pb2.Rule:
    """A rule that anybody may make who may make rules: it fires an event."""
    event = a_trigger(cast)["event_name"]
    fired = {"event_context": {"event_name": event, "parameters": {"number": {"parameter": {"of": "number"}}}}}
    told = {"name": fresh("made"), "event_name": event, "actions": [{"type": "fire_event", "mapping": {"event": fired}}]}
    condition = {"predicate": {"op": "IS_NULL", "args": [{"parameter": {"of": "number"}}]}}
    return ParseDict({**told, "condition": condition, **more}, rules_pb2.Rule())


def a_kept_rule(cast: Cast) -> dict[str, Any]:
    made = cast.admin.post("/bre/rules", as_published(a_rule_message(cast)))
    assert made.status_code == 201, made.text
    return {"id": made.json()["id"]}


def a_trial(cast: Cast) -> dict[str, Any]:
    params = Struct()
    params.update({"number": 1})
    return {"rule": a_rule_message(cast), "params": params}


def a_global_message(cast: Cast) -> globals_pb2.GlobalDefinition:
    return globals_pb2.GlobalDefinition(key=fresh("made"), type="integer")


def a_kept_global(cast: Cast) -> dict[str, Any]:
    made = cast.admin.post("/bre/globals/definitions", {"key": fresh("made"), "type": "integer"})
    assert made.status_code == 201, made.text
    return {"id": made.json()["id"]}


def some_rules(cast: Cast) -> dict[str, Any]:
    word = fresh("word")
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        rule = a_rule_message(cast, name=f"{word}{name}", sort=number % 2, enabled=number > 1)
        assert cast.admin.post("/bre/rules", as_published(rule)).status_code == 201
    return {"filter_name": word}


def some_globals(cast: Cast) -> dict[str, Any]:
    for each in cast.admin.get("/bre/globals/definitions?size=1000").json()["content"]:
        assert cast.admin.delete(f"/bre/globals/definitions/{each['id']}").status_code == 204
    for name in ("b", "B", "a", "é", "c"):
        told = {"key": fresh(name), "name": name, "type": "integer"}
        assert cast.admin.post("/bre/globals/definitions", told).status_code == 201
    return {}
