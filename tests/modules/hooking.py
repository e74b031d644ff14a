"""What tests of webhooks have in common."""

import json

import pytest
from people import CANARIES, fresh
from worlds import World, settings_for, sqlite_url

from tests.databases import shared_postgres
from tests.modules.ruling import a_trigger
from tests.waiting import until


@pytest.fixture(scope="module", params=["sqlite-native", "postgresql-grpcio"])
def hooked(request, tmp_path_factory, recorder):
    """A deployment whose posts are tried again soon."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("webhooks"))
    world = World(settings_for(url, engine, post_pauses="0.05,0.1,0.1", post_seconds=2.0), recorder.observe)
    yield world
    world.close()


@pytest.fixture
def boss(hooked):
    return hooked.admin()


@pytest.fixture
def trigger(boss):
    return a_trigger(boss, number="integer")


def a_webhook(admin, url, *names, **more):
    """A new webhook, and its secret."""
    answer = admin.post("/webhooks", {"name": fresh("hook"), "url": url, "event_names": list(names), **more})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return made["id"], secret_of(admin, made["id"])


def secret_of(admin, id):
    told = admin.get(f"/webhooks/{id}/secret").json()
    CANARIES.add(told["secret"])
    return told["secret"]


def logs_of(admin, id):
    return admin.get("/bre/logs/forward-log", params={"filter_webhook": id, "size": 1000}).json()["content"]


def ended(admin, id, number):
    """The log, once it has so many posts and all have ended."""

    def all_there():
        logs = logs_of(admin, id)
        return logs if len(logs) == number and not any(each["retryable"] for each in logs) else None

    return until(all_there)


def numbers(got):
    return [json.loads(each.body)["data"]["number"] for each in got]
