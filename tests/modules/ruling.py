"""What tests of rules have in common: expressions in few words, rules, and waiting for what they do."""

from people import fresh

from tests.waiting import until


def parameter(name):
    return {"type": "parameter", "of": name}


def constant(value, type="string"):
    return {"type": "constant", "value": value, "value_type": type}


def predicate(op, *args):
    return {"type": "predicate", "op": op, "args": list(args)}


def operation(kind, op, *args):
    return {"type": kind, "op": op, "args": list(args)}


def lookup(what, key):
    return {"type": "lookup", "value_type": what, "lookup_key": key}


def action(name, **mapping):
    return {"type": name, "mapping": mapping}


def fires(event, **parameters):
    return action("fire_event", event={"type": "event_context", "event_name": event, "parameters": parameters})


USER = parameter("user")


def tags(word, **more):
    return action("add_user_tag", user=USER, tag=constant(word), **more)


def a_rule(admin, event, *actions, **more):
    """The id of a new rule."""
    answer = admin.post("/bre/rules", {"name": fresh("rule"), "event_name": event, "actions": list(actions), **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def a_trigger(admin, **parameters):
    """The name of a new trigger with these parameters: name=type."""
    told = {"event_name": fresh("made."), "trigger_name": "made", "trigger_description": "made"}
    told["parameters"] = [{"name": name, "type": type} for name, type in parameters.items()]
    assert admin.post("/bre/triggers", told).status_code == 201
    return told["event_name"]


def fire(person, event, **params):
    """The id of an event."""
    answer = person.post("/bre/events", {"event_name": event, "params": params})
    assert answer.status_code == 200, answer.text
    return answer.text


def log_of(admin, **asked):
    asked = {f"filter_{name}": value for name, value in asked.items()}
    return admin.get("/bre/logs/event-log", params={**asked, "size": 1000}).json()["content"]


def judged(admin, event_id):
    """What rules made of an event, once they have: by the rule's id. What they have led to has the same id, and comes later."""
    found = until(lambda: min(log_of(admin, event_id=event_id), key=lambda each: each["id"])["rules"])
    return {each["rule_id"]: each for each in found}


def tags_of(admin, person):
    return admin.get(f"/users/{person.id}").json()["tags"]


def roles_of(admin, user_id):
    return [each["role"] for each in admin.get(f"/auth/users/{user_id}/roles").json()]
