"""Webhooks, and posts to them, made anew."""

from typing import Any

from gamehall.webhooks.v1 import webhooks_pb2
from people import CANARIES, fresh

from tests.contract.callers import Cast
from tests.modules.receivers import receiver
from tests.modules.ruling import until

URL = "https://game.example/events"
LOG = "/bre/logs/forward-log"


def a_webhook_message(cast: Cast) -> webhooks_pb2.Webhook:
    # Of an event that never happens.
    return webhooks_pb2.Webhook(name=fresh("made"), url=URL, event_names=["webhook_disabled"])


def a_webhook(cast: Cast, url: str = URL, name: str = "") -> dict[str, Any]:
    made = cast.admin.post("/webhooks", {"name": name or fresh("made"), "url": url, "event_names": ["webhook_disabled"]})
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    CANARIES.add(cast.admin.get(f"/webhooks/{id}/secret").json()["secret"])
    return {"id": id}


def a_post(cast: Cast) -> dict[str, Any]:
    """One that has ended."""
    return {"id": posted(cast, 1)[0]["id"]}


def some_posts(cast: Cast) -> dict[str, Any]:
    return {"filter_webhook": posted(cast, 5)[0]["payload"]["data"]["webhook"]}


def posted(cast: Cast, number: int) -> list[dict[str, Any]]:
    id = a_webhook(cast, receiver().url)["id"]
    for _ in range(number):
        assert cast.admin.post(f"/webhooks/{id}/test").status_code == 204

    def ended() -> list[dict[str, Any]]:
        logs = cast.admin.get(LOG, params={"filter_webhook": id}).json()["content"]
        return logs if len(logs) == number and all(each["success"] for each in logs) else []

    found: list[dict[str, Any]] = until(ended)
    return found


def some_webhooks(cast: Cast) -> dict[str, Any]:
    for each in cast.admin.get("/webhooks?size=1000").json()["content"]:
        assert cast.admin.delete(f"/webhooks/{each['id']}").status_code == 204
    for name in ("b", "B", "a", "é", "c"):
        a_webhook(cast, name=name)
    return {}
