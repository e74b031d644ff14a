"""The guide: "you can forward the notification to a URL on your server with the Forward Event Action"."""

import json

from tests.modules.receivers import receiving
from tests.modules.ruling import a_rule, a_trigger, action, constant, fire, judged, predicate, until
from tests.modules.ruling import parameter as told


def posts_of(admin, url):
    return admin.get("/bre/logs/forward-log", params={"filter_url": url}).json()["content"]


def test_a_rule_forwards_an_event_to_a_url_where_its_condition_holds(admin, ann):
    event = a_trigger(admin, user="user", level="integer")
    with receiving() as there:
        high = predicate("GOE", told("level"), constant(10, "integer"))
        rule = a_rule(admin, event, action("forward_event", url=constant(there.url)), condition=high)
        judged(admin, fire(ann, event, user=ann.id, level=9))
        request = fire(ann, event, user=ann.id, level=10)

        (got,) = until(lambda: there.got)
        (log,) = until(lambda: [each for each in posts_of(admin, there.url) if each["success"]])

    body = json.loads(got.body)
    assert (body["type"], body["data"]) == (event, {"user": ann.id, "level": 10})
    assert got.headers["content-type"] == "application/json"
    assert got.headers["webhook-id"]
    assert (log["rule_id"], log["event_id"], log["payload"]) == (rule, request, body)


def test_what_a_rule_forwards_later_tells_the_event_as_it_was(admin, ann):
    event = a_trigger(admin, user="user")
    with receiving() as there:
        a_rule(admin, event, action("forward_event", url=constant(there.url), delay=constant(1, "integer")))
        fire(ann, event, user=ann.id)

        (got,) = until(lambda: there.got)

    assert json.loads(got.body)["data"] == {"user": ann.id}


def test_a_url_that_leads_inward_is_refused_and_the_log_says_so(admin, ann):
    url = "http://169.254.169.254/latest"
    event = a_trigger(admin, user="user")
    a_rule(admin, event, action("forward_event", url=constant(url)))
    request = fire(ann, event, user=ann.id)

    (log,) = until(
        lambda: [
            each for each in posts_of(admin, url) if each["event_id"] == request and each["http_status_code"] == 0 and each.get("error_msg")
        ]
    )

    assert log["error_msg"] == "The URL leads to an address that is not public."
    assert log["success"] is False
