"""Webhooks as administrators deal with them: pauses, tests, replays, and what is wrong with one."""

import json
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from tests.modules.hooking import a_webhook, ended, logs_of, numbers
from tests.modules.receivers import receiving
from tests.modules.ruling import fire, until


def test_a_paused_webhook_gets_everything_when_it_is_resumed(boss, trigger):
    with receiving() as there:
        id, _ = a_webhook(boss, there.url, trigger)
        assert boss.post(f"/webhooks/{id}/pause").json()["paused"] is True
        for number in range(3):
            fire(boss, trigger, number=number)
        until(lambda: len(logs_of(boss, id)) == 3)
        assert there.got == []

        boss.post(f"/webhooks/{id}/resume")

        ended(boss, id, 3)
        assert numbers(there.got) == [0, 1, 2]


def test_a_test_is_sent_to_one_webhook_alone(boss, trigger):
    with receiving() as there, receiving() as other:
        id, secret = a_webhook(boss, there.url, trigger)
        a_webhook(boss, other.url)

        assert boss.post(f"/webhooks/{id}/test").status_code == 204

        (got,) = until(lambda: there.got)
        assert Webhook(secret).verify(got.body, got.headers)["data"] == {"webhook": id}
        assert [each for each in other.got if b"webhook_test" in each.body] == []


def test_what_happened_in_a_range_of_time_is_sent_again_and_what_was_never_sent_too(boss, trigger):
    began = int(time.time())
    with receiving() as first, receiving() as there:
        # What is still on its way goes to a webhook that was made meanwhile, so the first event must have come somewhere.
        earlier, _ = a_webhook(boss, first.url, trigger)
        fire(boss, trigger, number=1)
        ended(boss, earlier, 1)
        id, _ = a_webhook(boss, there.url, trigger)
        fire(boss, trigger, number=2)
        ended(boss, id, 1)

        count = boss.post(f"/webhooks/{id}/replay", {"start_date": began, "end_date": int(time.time()) + 5}).json()["count"]

        ended(boss, id, 2)
        assert count == 2
        assert sorted(numbers(there.got)) == [1, 2, 2]
        assert len({each.body for each in there.of(number=2)}) == 1
        assert len({each.headers["webhook-id"] for each in there.of(number=2)}) == 1


def test_one_post_is_sent_again(boss, trigger):
    with receiving() as there:
        id, _ = a_webhook(boss, there.url, trigger)
        fire(boss, trigger, number=1)
        (log,) = ended(boss, id, 1)

        assert boss.post(f"/bre/logs/forward-log/{log['id']}/replay").status_code == 204

        until(lambda: len(there.got) == 2)
        assert there.got[0].body == there.got[1].body
        assert ended(boss, id, 1)[0]["success"] is True


def test_a_deleted_webhook_gets_nothing_and_leaves_nothing(boss, trigger):
    with receiving() as there:
        id, _ = a_webhook(boss, there.url, trigger)
        boss.post(f"/webhooks/{id}/pause")
        fire(boss, trigger, number=1)
        until(lambda: logs_of(boss, id))

        assert boss.delete(f"/webhooks/{id}").status_code == 204

        assert logs_of(boss, id) == []
        fire(boss, trigger, number=2)
        assert boss.get(f"/webhooks/{id}/secret").status_code == 404
        assert there.got == []


@pytest.mark.parametrize(
    "wrong, field",
    [
        ({"url": "ftp://game.example/"}, "url"),
        ({"url": "https://user:word@game.example/"}, "url"),
        ({"url": "http://10.0.0.1/"}, "url"),
        ({"event_names": ["user_registered", "dragon"]}, "event_names[1]"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_wrong_with_a_webhook_is_told(boss, wrong, field):
    answer = boss.post("/webhooks", {"name": "x", "url": "https://game.example/", **wrong})

    assert (answer.status_code, [each["field"] for each in answer.json()["result"]]) == (400, [field])


@pytest.mark.parametrize("asked", [{"start_date": 5}, {"end_date": 5}, {"start_date": 5, "end_date": 4}])
def test_a_range_has_two_ends(boss, trigger, asked):
    id, _ = a_webhook(boss, "https://game.example/", trigger)

    assert boss.post(f"/webhooks/{id}/replay", asked).status_code == 400


def test_moments_are_of_utc(boss, trigger):
    with receiving() as there:
        a_webhook(boss, there.url, trigger)
        fire(boss, trigger, number=1)
        (got,) = until(lambda: there.got)

    assert datetime.fromisoformat(json.loads(got.body)["timestamp"]).tzinfo == UTC
