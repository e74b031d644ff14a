"""Trials of rules: every value of a draft for an event that was or might be, and nothing of it done; and whom the log says was asked."""

import pytest

from tests.modules.ruling import a_rule, a_trigger, constant, fire, judged, log_of, parameter, predicate, tags, tags_of


def test_a_trial_shows_every_value_and_does_nothing(admin, ann):
    event = a_trigger(admin, user="user", level="integer")
    high = predicate("GOE", parameter("level"), constant(10, "integer"))
    rule = {"name": "x", "event_name": event, "condition": high, "actions": [tags("never")]}
    ids = [fire(ann, event, user=ann.id, level=level) for level in (9, 10)]
    kept = {each["event_id"]: each["id"] for each in log_of(admin, event_name=event)}

    made_up = admin.post("/bre/rules/try", {"rule": rule, "params": {"user": ann.id, "level": 3}}).json()["trials"]
    past = admin.post("/bre/rules/try", {"rule": rule, "log_id": kept[ids[1]]}).json()["trials"]
    last = admin.post("/bre/rules/try", {"rule": rule, "last": 10}).json()["trials"]

    assert [(each["path"], each["definition"], each["value"]) for each in made_up[0]["values"]] == [
        ("condition.args[0]", "event.level", 3),
        ("condition.args[1]", "10", 10),
        ("condition", "event.level >= 10", False),
    ]
    assert [each["would_run"] for each in (*made_up, *past)] == [False, True]
    assert [each["value"] for each in past[0]["values"]][-2:] == [ann.id, "never"]
    assert [(each["event"]["parameters"]["level"], each["would_run"]) for each in last] == [(10, True), (9, False)]
    assert tags_of(admin, ann) == []


@pytest.mark.parametrize("asked, field", [({}, "params"), ({"params": {"sword": 1}}, "params.sword"), ({"log_id": "none"}, "log_id")])
def test_a_trial_needs_an_event(admin, asked, field):
    rule = {"name": "x", "event_name": a_trigger(admin, user="user"), "actions": [tags("x")]}

    answer = admin.post("/bre/rules/try", {"rule": rule, **asked})

    assert answer.status_code in (400, 404)
    assert field in [each["field"] for each in answer.json()["result"]]


def test_the_log_is_filtered_by_the_rules_that_were_asked(admin, ann):
    event = a_trigger(admin, user="user")
    first, second = (a_rule(admin, event, tags("asked")) for _ in range(2))
    asked = fire(ann, event, user=ann.id)
    judged(admin, asked)

    for rule in (first, second):
        assert [each["event_id"] for each in log_of(admin, rule_id=rule)] == [asked]
    assert log_of(admin, rule_id="none") == log_of(admin, rule_id=f'{first}","ran":') == []
