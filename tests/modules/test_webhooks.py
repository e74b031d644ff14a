"""Webhooks: each event reaches each that wants it, signed so that other people's libraries believe it, in order, again where it failed."""

import base64
import json
import time
from datetime import datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from gamehall_server.kit.storage import Query
from gamehall_server.modules.webhooks import tables as webhook_tables
from people import CANARIES
from sqlalchemy import update
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from svix.webhooks import Webhook as Svix
from svix.webhooks import WebhookVerificationError as SvixRefuses
from worlds import World, settings_for, sqlite_url

from tests.modules.hooking import a_webhook, ended, logs_of, numbers, secret_of
from tests.modules.receivers import nowhere, receiving
from tests.modules.ruling import a_trigger, fire, until


def test_an_event_reaches_every_webhook_that_wants_it_and_no_other(boss, trigger):
    other = a_trigger(boss, number="integer")
    with receiving() as some, receiving() as every:
        a_webhook(boss, some.url, trigger)
        a_webhook(boss, every.url)

        fire(boss, other, number=1)
        fire(boss, trigger, number=2)

        until(lambda: numbers(some.got) == [2] and every.of(number=1) and every.of(number=2))
        told = json.loads(some.got[0].body)
        assert (told["type"], told["data"]) == (trigger, {"number": 2})
        assert abs(datetime.fromisoformat(told["timestamp"]).timestamp() - time.time()) < 60
        assert some.got[0].headers["content-type"] == "application/json"
        assert some.got[0].headers["webhook-id"] == every.of(number=2)[0].headers["webhook-id"]


def test_the_log_tells_what_was_sent_and_what_came_back(boss, trigger):
    with receiving(lambda got, handler: (201, {}, b"x" * 5000)) as there:
        id, _ = a_webhook(boss, there.url, trigger)
        request = fire(boss, trigger, number=7)

        (log,) = ended(boss, id, 1)

        assert (log["http_status_code"], log["url"], log["event_id"], log["method"]) == (201, there.url, request, "POST")
        assert (log["success"], log["retry_count"], log.get("error_msg"), log["response"]) == (True, 0, None, "x" * 2048)
        assert log["payload"] == json.loads(there.got[0].body)
        assert boss.get(f"/bre/logs/forward-log/{log['id']}").json() == log
        (attempt,) = boss.get(f"/bre/logs/forward-log/{log['id']}/attempts").json()
        assert (attempt["http_status_code"], attempt["error_msg"]) == (201, "")
        named = {"filter_webhook": id, "filter_status_code": 201, "filter_url": there.url[:20], "filter_start_date": "GT,1500000000"}
        assert [each["id"] for each in boss.get("/bre/logs/forward-log", params=named).json()["content"]] == [log["id"]]
        assert boss.get("/bre/logs/forward-log", params={**named, "filter_status_code": 500}).json()["content"] == []


# Signatures.


def test_libraries_of_others_believe_what_is_sent_and_nothing_that_was_changed(boss, trigger):
    with receiving() as there:
        id, secret = a_webhook(boss, there.url, trigger, asymmetric=True)
        fire(boss, trigger, number=3)
        (got,) = until(lambda: there.got)
        public = boss.get(f"/webhooks/{id}/secret").json()["public_key"]

    assert Webhook(secret).verify(got.body, got.headers)["data"] == {"number": 3}
    Svix(secret).verify(got.body, got.headers)
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    signature = base64.b64decode(next(part for part in got.headers["webhook-signature"].split() if part.startswith("v1a,"))[4:])
    key.verify(signature, signed)

    for at in range(len(got.body)):
        changed = got.body[:at] + bytes([got.body[at] ^ 1]) + got.body[at + 1 :]
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(changed, got.headers)
        with pytest.raises(SvixRefuses):
            Svix(secret).verify(changed, got.headers)
        with pytest.raises(InvalidSignature):
            key.verify(signature, signed[: -len(got.body)] + changed)
    late = {**got.headers, "webhook-timestamp": str(int(got.headers["webhook-timestamp"]) - 301)}
    for judge, refuses in ((Webhook, WebhookVerificationError), (Svix, SvixRefuses)):
        with pytest.raises(refuses):
            judge(secret).verify(got.body, late)


def test_while_a_secret_is_changed_both_are_good_and_then_the_new_one_alone(boss, trigger):
    with receiving() as there:
        id, first = a_webhook(boss, there.url, trigger)
        second = boss.post(f"/webhooks/{id}/secret", {}).json()["secret"]
        CANARIES.add(second)
        fire(boss, trigger, number=1)
        both = until(lambda: there.of(number=1))[0]
        third = boss.post(f"/webhooks/{id}/secret", {"overlap_seconds": 0}).json()["secret"]
        CANARIES.add(third)
        fire(boss, trigger, number=2)
        after = until(lambda: there.of(number=2))[0]

    assert secret_of(boss, id) == third
    for secret in (first, second):
        Webhook(secret).verify(both.body, both.headers)
    assert len(both.headers["webhook-signature"].split()) == 2
    Webhook(third).verify(after.body, after.headers)
    assert len(after.headers["webhook-signature"].split()) == 1
    for secret in (first, second):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(after.body, after.headers)


# What fails.


def test_what_fails_is_sent_again_byte_for_byte_with_the_same_id(boss, trigger):
    answers = iter([500, 302, 404])
    with receiving(lambda got, handler: (next(answers, 200), {"Location": "/elsewhere"}, b"")) as there:
        id, _ = a_webhook(boss, there.url, trigger)
        fire(boss, trigger, number=1)

        (log,) = ended(boss, id, 1)

    assert (log["success"], log["retry_count"], log["http_status_code"]) == (True, 3, 200)
    assert {(each.path, each.body, each.headers["webhook-id"]) for each in there.got} == {
        ("/hook", there.got[0].body, there.got[0].headers["webhook-id"])
    }
    attempts = boss.get(f"/bre/logs/forward-log/{log['id']}/attempts").json()
    assert [each["http_status_code"] for each in attempts] == [500, 302, 404, 200]


def test_what_fails_too_often_is_given_up_and_the_next_of_its_kind_follows(boss, trigger):
    with receiving(lambda got, handler: (500 if b'"number":1' in got.body else 200, {}, b"no")) as there:
        id, _ = a_webhook(boss, there.url, trigger)
        fire(boss, trigger, number=1)
        fire(boss, trigger, number=2)

        logs = ended(boss, id, 2)

        assert [(each["success"], each["retry_count"], each.get("error_msg")) for each in logs] == [
            (True, 0, None),
            (False, 3, "the answer was 500"),
        ]
        assert numbers(there.got) == [1, 1, 1, 1, 2]
        there.answer = lambda got, handler: (200, {}, b"yes")
        assert boss.post(f"/webhooks/{id}/replay", {}).json() == {"count": 1}
        assert all(each["success"] for each in ended(boss, id, 2))
        assert there.got[-1].body == there.got[0].body
        assert there.got[-1].headers["webhook-id"] == there.got[0].headers["webhook-id"]


def test_those_of_one_key_keep_their_order_while_some_fail(boss, trigger):
    failed = set()

    def now_and_then(got, handler):
        number = json.loads(got.body)["data"]["number"]
        if number % 3 == 0 and number not in failed:
            failed.add(number)
            return 503, {}, b""
        return 200, {}, b""

    with receiving(now_and_then) as there:
        id, _ = a_webhook(boss, there.url, trigger)
        for number in range(12):
            fire(boss, trigger, number=number)

        ended(boss, id, 12)

        assert list(dict.fromkeys(numbers(there.got))) == list(range(12))


def test_a_server_that_asks_for_a_pause_gets_it(boss, trigger):
    answers = iter([(429, {"Retry-After": "1"}, b""), (503, {"Retry-After": "never"}, b"")])
    with receiving(lambda got, handler: next(answers, (200, {}, b""))) as there:
        id, _ = a_webhook(boss, there.url, trigger)
        fire(boss, trigger, number=1)

        ended(boss, id, 1)

        first, second, third = (each.at for each in there.got)
        assert second - first >= 1
        assert third > second


def test_a_server_that_is_gone_is_disabled_until_somebody_resumes_it(boss, trigger):
    with receiving(lambda got, handler: (410, {}, b"")) as there, receiving() as other:
        id, _ = a_webhook(boss, there.url, trigger)
        a_webhook(boss, other.url, trigger)
        fire(boss, trigger, number=1)
        ended(boss, id, 1)

        told = boss.get(f"/webhooks/{id}").json()
        assert told["disabled_reason"] == "its server answered that it is gone (410)"
        log = boss.get("/bre/logs/event-log", params={"filter_event_name": "webhook_disabled"}).json()["content"]
        assert id in [each["parameters"]["webhook"] for each in log]
        assert boss.post(f"/webhooks/{id}/test").status_code == 400
        fire(boss, trigger, number=2)
        until(lambda: other.of(number=2))
        there.answer = lambda got, handler: (200, {}, b"")
        assert boss.post(f"/webhooks/{id}/resume").json()["disabled_reason"] is None
        fire(boss, trigger, number=3)

        ended(boss, id, 2)

        assert numbers(there.got) == [1, 3]


def test_a_webhook_that_fails_for_days_is_disabled(tmp_path, recorder):
    world = World(settings_for(sqlite_url(tmp_path), "native", post_pauses="0.01," * 50 + "1", webhook_days=0.000001), recorder.observe)
    try:
        admin = world.admin()
        trigger = a_trigger(admin, number="integer")
        id, _ = a_webhook(admin, nowhere(), trigger)
        fire(admin, trigger, number=1)

        reason = until(lambda: admin.get(f"/webhooks/{id}").json()["disabled_reason"])

        assert reason.startswith("every try has failed for")
        (log,) = ended(admin, id, 1)
        assert (log["success"], log["error_msg"]) == (False, f"the webhook was disabled: {reason}")
    finally:
        world.close()


def test_a_webhook_whose_secret_cannot_be_read_holds_up_no_other(hooked, boss, trigger):
    async def spoil():
        secrets = webhook_tables.secrets.table
        broken = Query(update(secrets).where(secrets.c.webhook_id == id).values(sealed="s1.elsewhere.none"))
        await hooked.server.product.database.write(lambda db: db.run(broken))

    with receiving() as there, receiving() as good:
        id, _ = a_webhook(boss, there.url, trigger)
        other, _ = a_webhook(boss, good.url, trigger)
        hooked.inside(spoil)

        fire(boss, trigger, number=1)

        ended(boss, other, 1)
        (log,) = ended(boss, id, 1)
        assert (log["success"], log["error_msg"]) == (False, "its secret cannot be read any more: make another")
        assert (numbers(good.got), there.got) == ([1], [])


# Receivers that mean no good.


def hang(got, handler):
    time.sleep(4)


def flood(got, handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
    for _ in range(100_000):
        handler.wfile.write(b"x" * 65536)


def half(got, handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")


def nonsense(got, handler):
    handler.wfile.write(b"\x00\xff what?\r\n\r\n")


def inward(got, handler):
    return 307, {"Location": "http://169.254.169.254/latest"}, b""


@pytest.mark.parametrize(
    "bad, told",
    [
        (hang, "did not answer within 2 seconds"),
        (half, "gave no answer that can be read"),
        (nonsense, "gave no answer that can be read"),
        (inward, "the answer was 307"),
        (flood, None),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_a_bad_receiver_costs_nobody_else_anything(boss, trigger, bad, told):
    with receiving(bad) as there, receiving() as good:
        id, _ = a_webhook(boss, there.url, trigger)
        other, _ = a_webhook(boss, good.url, trigger)
        for number in range(5):
            fire(boss, trigger, number=number)

        ended(boss, other, 5)

        assert numbers(good.got) == list(range(5))
        problem = until(lambda: [each.get("error_msg") for each in logs_of(boss, id) if "error_msg" in each or each["success"]])
        assert told is None if problem[-1] is None else told in problem[-1]
        assert boss.delete(f"/webhooks/{id}").status_code == 204
