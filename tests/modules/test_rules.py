"""Rules: what they do when something happens, what is wrong with them told when they are saved, and trials before that."""

import threading

import pytest
from people import PASSWORD, fresh
from worlds import World, settings_for, sqlite_url

from tests.contract.doors import published_refusal
from tests.databases import shared_postgres
from tests.modules.ruling import (
    USER,
    a_rule,
    a_trigger,
    action,
    constant,
    fire,
    fires,
    judged,
    log_of,
    lookup,
    operation,
    parameter,
    predicate,
    roles_of,
    tags,
    tags_of,
    until,
)

DEFAULT = "/bre/rules/default_role"


def comment(person, context="level"):
    return person.post("/comments", {"context": context, "context_id": "1", "content": "mine"})


# The guide's examples.


@pytest.fixture(scope="module", params=["sqlite-native", "postgresql-grpcio"])
def alone(request, tmp_path_factory, recorder):
    """A deployment of its own: what everybody gets is changed here."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("rules"))
    world = World(settings_for(url, engine, sandbox=True), recorder.observe)
    yield world
    world.close()


def registered(world):
    name = fresh("new")
    user = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    answer = world.nobody().post("/users", user)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"], name


def test_the_rule_that_gives_roles_may_give_another_one_under_a_condition_and_be_switched_off(alone):
    """The guide: assign ROLE_USER to new users; this can be overwritten, and disabled."""
    admin = alone.admin()
    before = admin.get(DEFAULT).json()
    assert admin.post("/auth/roles", {"role": "ROLE_GUEST", "name": "Guest"}).status_code == 201
    guest = action("assign_role", user=USER, role=constant("ROLE_GUEST", "role"))
    named = predicate("STARTS_WITH", parameter("username"), constant("new"))
    kept = {name: before[name] for name in ("name", "description", "event_name", "sort")}

    assert roles_of(admin, registered(alone)[0]) == ["ROLE_USER"]
    assert admin.put(DEFAULT, {**kept, "enabled": True, "actions": [guest], "condition": named}).status_code == 200
    assert roles_of(admin, registered(alone)[0]) == ["ROLE_GUEST"]
    assert admin.put(f"{DEFAULT}/enabled", {"value": False}).status_code == 200
    assert roles_of(admin, registered(alone)[0]) == []
    assert admin.put(DEFAULT, {**kept, "enabled": True, "actions": before["actions"]}).status_code == 200
    assert roles_of(admin, registered(alone)[0]) == ["ROLE_USER"]


def test_the_first_token_of_a_new_user_carries_the_role(alone):
    person = alone.person("first")

    assert comment(person).status_code == 200


def test_the_rule_that_gives_roles_is_changed_in_nothing_else_and_never_deleted(alone):
    admin = alone.admin()
    before = admin.get(DEFAULT).json()

    for change in ({"name": "other"}, {"event_name": "user_updated"}, {"sort": 1}, {"end_date": 2**31}):
        told = {name: before[name] for name in ("name", "event_name", "actions", "sort")} | change
        assert published_refusal(admin.put(DEFAULT, told)) == ("PERMISSION_DENIED", "LOCKED"), change
    assert published_refusal(admin.delete(DEFAULT)) == ("PERMISSION_DENIED", "LOCKED")
    assert {**admin.get(DEFAULT).json(), "evaluation_count": 0, "run_count": 0} == {**before, "evaluation_count": 0, "run_count": 0}


def test_whoever_knows_the_secret_key_is_promoted(world, admin, ann, bob):
    """The guide: a custom rule that looks for a secret key in one of the user's additional properties."""
    role, word = fresh("ROLE_STAFF_"), fresh("open sesame ")
    assert admin.post("/auth/roles", {"role": role, "name": "Staff"}).status_code == 201
    knows = predicate("EQ", lookup("user.additional_properties.secret_key", USER), constant(word))
    staff = action("assign_role", user=USER, role=constant(role, "role"))
    a_rule(admin, "user_updated", staff, condition=knows)

    for person, key in ((ann, word), (bob, "no idea")):
        told = {"username": person.username, "email": f"{person.username}@example.com"}
        told["additional_properties"] = {"secret_key": {"type": "text", "value": key}}
        assert person.put(f"/users/{person.id}", told).status_code == 204

    until(lambda: role in roles_of(admin, ann.id))
    assert role not in roles_of(admin, bob.id)


# What rules do.


def test_a_rule_runs_where_its_condition_holds_and_the_log_says_why_or_why_not(admin, ann):
    event = a_trigger(admin, user="user", level="integer")
    high = a_rule(admin, event, tags("high"), condition=predicate("GOE", parameter("level"), constant(10, "integer")))
    every = a_rule(admin, event, tags("seen"), sort=900)

    low = judged(admin, fire(ann, event, user=ann.id, level=9))
    top = judged(admin, fire(ann, event, user=ann.id, level=10))

    assert {id: (each["ran"], each["reason"]) for id, each in low.items()} == {
        every: (True, "there is no condition"),
        high: (False, "the condition does not hold"),
    }
    assert list(low) == [every, high]
    assert [each["status"] for each in top[high]["actions"]] == ["ran"]
    assert set(tags_of(admin, ann)) == {"seen", "high"}
    counts = {id: admin.get(f"/bre/rules/{id}").json() for id in (high, every)}
    assert [(counts[id]["evaluation_count"], counts[id]["run_count"]) for id in (high, every)] == [(2, 1), (2, 2)]


def test_every_action_does_what_it_says(admin, ann):
    event, role = a_trigger(admin, user="user", word="string"), fresh("ROLE_A_")
    assert admin.post("/auth/roles", {"role": role, "name": "A"}).status_code == 201
    other = a_trigger(admin, user="user")
    counter = admin.post("/bre/globals/definitions", {"key": fresh("seen"), "type": "integer"}).json()["id"]
    text = operation("string_operation", "UPPER", parameter("word"))
    rule = a_rule(
        admin,
        event,
        action("assign_role", user=USER, role=constant(role, "role")),
        tags("tagged"),
        action("set_user_property", user=USER, property=constant("said"), value=text),
        action("increment_global", **{"global": constant(counter, "global")}),
        fires(other, user=USER),
    )

    done = judged(admin, id := fire(ann, event, user=ann.id, word="hello"))[rule]

    shown = admin.get(f"/users/{ann.id}").json()
    assert [each["status"] for each in done["actions"]] == ["ran"] * 5
    assert (shown["tags"], shown["additional_properties"]["said"]["value"]) == (["tagged"], "HELLO")
    assert role in roles_of(admin, ann.id)
    # What a rule fires is known by the request that began it all.
    assert [each["parameters"] for each in log_of(admin, event_id=id, event_name=other)] == [{"user": ann.id}]

    undo = a_trigger(admin, user="user")
    a_rule(
        admin,
        undo,
        action("remove_role", user=USER, role=constant(role, "role")),
        action("remove_user_tag", user=USER, tag=constant("tagged")),
    )
    judged(admin, fire(ann, undo, user=ann.id))
    assert (role in roles_of(admin, ann.id), tags_of(admin, ann)) == (False, [])


def test_an_action_that_fails_is_told_and_the_others_and_other_rules_still_run(admin, ann):
    event = a_trigger(admin, user="user", number="integer")
    nobody = action("add_user_tag", user=constant(2**31 - 2, "user"), tag=constant("x"))
    half = operation("double_operation", "DIV", constant(1, "integer"), parameter("number"))
    broken = a_rule(admin, event, tags("never"), condition=predicate("GT", half, constant(0, "number")))
    rule, last = a_rule(admin, event, nobody, tags("after")), a_rule(admin, event, tags("last"), sort=1)

    found = judged(admin, fire(ann, event, user=ann.id, number=0))

    assert (found[broken]["ran"], found[broken]["reason"]) == (False, "the condition failed: a division by zero")
    assert [each["status"] for each in found[rule]["actions"]] == ["failed: there is no such user", "ran"]
    assert found[last]["ran"]
    assert set(tags_of(admin, ann)) == {"after", "last"}


def test_rules_that_set_off_each_other_come_to_an_end(admin, ann):
    ping, pong = a_trigger(admin, user="user"), a_trigger(admin, user="user")
    a_rule(admin, ping, fires(pong, user=USER), fires(pong, user=USER))
    a_rule(admin, pong, fires(ping, user=USER), fires(ping, user=USER))

    id = fire(ann, ping, user=ann.id)

    def settled():
        events = log_of(admin, event_id=id)
        return events if len(events) > 1 and all(each["rules"] for each in events) else None

    events = until(settled)
    ends = {each["status"] for event in events for rule in event["rules"] for each in rule["actions"]}
    assert len(events) <= 101
    assert ends == {"ran", "failed: too many events have led to each other"}


def test_a_global_counts_for_each_of_its_scopes_and_no_further(admin, ann, bob):
    event = a_trigger(admin, user="user")
    told = {"key": fresh("visits"), "type": "integer", "scopes": [{"name": "user", "type": "user"}]}
    visits = admin.post("/bre/globals/definitions", told).json()["id"]
    own = {"type": "global", "global_def_id": visits, "scopes": {"user": USER}}
    below = {"type": "global_check_and_increment", "global_resource": own, "check_value_resource": constant(2, "integer")}
    rule = a_rule(admin, event, tags("early"), condition=below)

    people = (ann, ann, bob, ann, bob, bob)
    ran = [judged(admin, fire(person, event, user=person.id))[rule]["ran"] for person in people]

    assert ran == [True, True, True, False, True, False]


def test_of_many_events_at_once_each_is_judged_once(world, admin):
    event = a_trigger(admin, user="user")
    counter = admin.post("/bre/globals/definitions", {"key": fresh("count"), "type": "integer"}).json()["id"]
    rule = a_rule(admin, event, action("increment_global", **{"global": constant(counter, "global")}))
    people, ids = [world.person() for _ in range(6)], []

    def work(person):
        for _ in range(10):
            ids.append(fire(person, event, user=person.id))

    threads = [threading.Thread(target=work, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    until(lambda: admin.get(f"/bre/rules/{rule}").json()["run_count"] == 60)
    total = a_trigger(admin, user="user")
    told = {"type": "global", "global_def_id": counter, "scopes": {}}
    check = a_rule(admin, total, tags("x"), condition=predicate("EQ", told, constant(60, "integer")))
    assert judged(admin, fire(people[0], total, user=people[0].id))[check]["ran"]


def test_what_is_put_off_is_done_when_its_time_has_come(alone):
    admin, ann = alone.admin(), alone.person("ann")
    event = a_trigger(admin, user="user")
    rule = a_rule(admin, event, tags("later", delay=constant(3600, "integer")))

    done = judged(admin, fire(ann, event, user=ann.id))[rule]
    clock = admin.get("/sandbox/clock").json()
    before = tags_of(admin, ann)
    assert admin.put("/sandbox/clock", {"advance_seconds": 3599}).status_code == 200, clock
    still = tags_of(admin, ann)
    assert admin.put("/sandbox/clock", {"advance_seconds": 2}).status_code == 200

    until(lambda: tags_of(admin, ann) == ["later"])
    assert ([each["status"] for each in done["actions"]], before, still) == (["scheduled"], [], [])


def test_a_rule_has_its_time(alone):
    admin, ann = alone.admin(), alone.person("ann")
    event = a_trigger(admin, user="user")
    over = a_rule(admin, event, tags("x"), end_date=1_500_000_000)
    to_come = a_rule(admin, event, tags("x"), start_date=9_000_000_000)

    found = judged(admin, fire(ann, event, user=ann.id))

    assert (found[over]["reason"], found[to_come]["reason"]) == ("it is over", "it has not begun")


# What is wrong with a rule.

WRONG = {
    "no such trigger": ({"event_name": "none"}, "event_name"),
    "no action": ({"actions": []}, "actions"),
    "no such action": ({"actions": [action("zap", user=USER)]}, "actions[0].type"),
    "a variable is missing": ({"actions": [action("add_user_tag", user=USER)]}, "actions[0].mapping.tag"),
    "a variable too many": ({"actions": [tags("x", sword=USER)]}, "actions[0].mapping.sword"),
    "a role that is no constant": (
        {"actions": [action("assign_role", user=USER, role=parameter("username"))]},
        "actions[0].mapping.role",
    ),
    "a text for a number": ({"actions": [tags("x", delay=constant("soon"))]}, "actions[0].mapping.delay"),
    "no such parameter": ({"condition": predicate("IS_NULL", parameter("level"))}, "condition.args[0].of"),
    "no such operator": ({"condition": predicate("ADD", USER, USER)}, "condition.op"),
    "too few arguments": ({"condition": predicate("EQ", USER)}, "condition.args"),
    "no true or false": ({"condition": operation("integer_operation", "ADD", USER, USER)}, "condition"),
    "a number and a text": ({"condition": predicate("EQ", USER, parameter("username"))}, "condition.args"),
    "deep inside": (
        {"condition": predicate("AND", predicate("NOT", predicate("GT", USER, constant("x", "integer"))), constant(True, "boolean"))},
        "condition.args[0].args[0].args[1].value",
    ),
    "no such lookup": ({"condition": predicate("IS_NULL", lookup("user.password_hash", USER))}, "condition.args[0].value_type"),
    "no such global": (
        {"condition": predicate("IS_NULL", {"type": "global", "global_def_id": "none", "scopes": {}})},
        "condition.args[0].global_def_id",
    ),
    "an event of the product": ({"actions": [fires("user_registered", user=USER)]}, "actions[0].mapping.event.event_name"),
    "ends before it begins": ({"start_date": 5, "end_date": 5}, "end_date"),
    "an id that is none": ({"id": "a/b"}, "id"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_with_its_place_and_nothing_is_kept(admin, case):
    change, field = WRONG[case]
    name = fresh("wrong")

    answer = admin.post("/bre/rules", {"name": name, "event_name": "user_registered", "actions": [tags("x")], **change})

    assert answer.status_code == 400
    assert field in [each["field"] for each in answer.json()["result"]]
    assert admin.get("/bre/rules", params={"filter_name": name}).json()["content"] == []


def test_a_tree_that_is_too_large_is_refused(admin):
    deep = constant(True, "boolean")
    for _ in range(40):
        deep = predicate("NOT", deep)
    wide = predicate("OR", *(predicate("NOT", constant(True, "boolean")) for _ in range(100)))
    for condition in (deep, predicate("AND", *[wide] * 6)):
        answer = admin.post("/bre/rules", {"name": "x", "event_name": "user_registered", "actions": [tags("x")], "condition": condition})
        assert (answer.status_code, "at most 500" in answer.text or "deep" in answer.text) == (400, True)


def test_nobody_makes_a_rule_that_may_do_more_than_its_maker(world, admin):
    """Who may make rules and nothing else neither gives roles nor looks at users."""
    role = fresh("ROLE_RULES_")
    assert admin.post("/auth/roles", {"role": role, "name": "Rules"}).status_code == 201
    assert admin.put(f"/auth/roles/{role}/permissions", ["BRE_RULE_ENGINE_RULES_ADMIN"]).status_code in (200, 204)
    maker = world.client(role)
    event = a_trigger(admin, user="user")
    rule = {"name": "x", "event_name": event}

    for told in (
        {"actions": [action("assign_role", user=USER, role=constant("ROLE_ADMIN", "role"))]},
        {"actions": [tags("x")]},
        {"actions": [fires(event, user=USER)], "condition": predicate("IS_NULL", lookup("user.email", USER))},
    ):
        for path in ("/bre/rules", "/bre/rules/try"):
            body = {**rule, **told} if path == "/bre/rules" else {"rule": {**rule, **told}, "params": {"user": 1}}
            assert published_refusal(maker.post(path, body)) == ("PERMISSION_DENIED", "NOT_HELD")
    assert maker.post("/bre/rules", {**rule, "actions": [fires(event, user=USER)]}).status_code == 201
    powerful = a_rule(admin, event, tags("x"), enabled=False)
    assert published_refusal(maker.put(f"/bre/rules/{powerful}/enabled", {"value": True})) == ("PERMISSION_DENIED", "NOT_HELD")


def test_what_a_rule_names_cannot_go(admin):
    event = a_trigger(admin, user="user")
    counter = admin.post("/bre/globals/definitions", {"key": fresh("used"), "type": "integer"}).json()
    a_rule(admin, event, action("increment_global", **{"global": constant(counter["id"], "global")}))

    for refused in (
        admin.delete(f"/bre/triggers/{event}"),
        admin.delete(f"/bre/globals/definitions/{counter['id']}"),
        admin.put(f"/bre/globals/definitions/{counter['id']}", {"key": counter["key"], "type": "string"}),
    ):
        assert published_refusal(refused) == ("INVALID_ARGUMENT", "IN_USE")


def test_a_trigger_that_rules_need_changes_only_in_what_they_do_not_need(admin):
    event, fired = a_trigger(admin, user="user", level="integer"), a_trigger(admin, user="user")
    high = predicate("GOE", parameter("level"), constant(10, "integer"))
    a_rule(admin, event, fires(fired, user=USER), condition=high)
    user, level = {"name": "user", "type": "user"}, {"name": "level", "type": "integer"}

    def put(name, *parameters):
        told = {"event_name": name, "trigger_name": "x", "trigger_description": "x", "parameters": list(parameters)}
        return admin.put(f"/bre/triggers/{name}", told)

    for refused in (
        put(event, user),
        put(event, user, {"name": "level", "type": "string"}),
        put(fired, user, level),
        admin.delete(f"/bre/triggers/{fired}"),
    ):
        assert published_refusal(refused) == ("INVALID_ARGUMENT", "IN_USE")
    assert put(event, user, level, {"name": "more", "type": "string", "optional": True}).status_code == 200


# Trials.


def test_a_letter_of_a_rule_is_sent(world, admin, ann):
    from mailbox import letter_to

    event = a_trigger(admin, user="user")
    body = operation("string_operation", "CONCAT", constant("Well done, "), lookup("user.username", USER))
    a_rule(admin, event, action("send_email", user=USER, subject=constant("A prize"), body=body))

    judged(admin, fire(ann, event, user=ann.id))

    letter = letter_to(world, f"{ann.username}@example.com")
    assert f"Well done, {ann.username}" in letter.get_content()
