"""Maintenance: the notice, and a deployment that it locks, through both doors."""

import grpc
import pytest
import requests
from gamehall.configs.v1.configs_pb2 import ListConfigsRequest
from gamehall.maintenance.v1.maintenance_pb2 import (
    DeleteMaintenanceRequest,
    GetMaintenanceRequest,
    Maintenance,
    SetMaintenanceRequest,
    UpdateMaintenanceRequest,
)
from gamehall.options.v1 import options_pb2
from gamehall_server.kit.outbox import outbox
from gamehall_server.kit.storage import Query
from gamehall_server.servicers import SERVICERS
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from people import PASSWORD
from sqlalchemy import select
from worlds import World, settings_for, sqlite_url

from tests.contract.doors import DOORS, Outcome, published_refusal, request_of, rules_of
from tests.databases import shared_postgres

METHODS = {method.full_name: method for servicer in SERVICERS for method in servicer.service.methods}
EXEMPT = {name for name, method in METHODS.items() if rules_of(method).in_maintenance}
NOBODY = str(2**31 - 1)
LOCKED = Outcome("UNAVAILABLE", "MAINTENANCE")
NOTICE = {"message": "We are moving house.", "access_locked": True}
events = Query(select(outbox.table.c.type, outbox.table.c.body).order_by(outbox.table.c.id))


@pytest.fixture(scope="module", params=["sqlite-native", "postgresql-grpcio"])
def world(request, tmp_path_factory, recorder):
    """A sandbox deployment of its own: a lock is everybody's. As a sandbox it has every RPC there is."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("locked"))
    world = World(settings_for(url, engine, sandbox=True), recorder.observe)
    yield world
    world.close()


@pytest.fixture(scope="module")
def people(world):
    """Who calls: by name, with the token of each."""
    return {"a user": world.person().token, "a client": world.client("ROLE_USER").token, "nobody": None}


@pytest.fixture
def keeper(world):
    """Who may give notice, and takes it away after the test."""
    yield world.admin()
    # Signed in anew: administrators end sessions, too.
    assert world.admin().delete("/maintenance").status_code == 200


@pytest.fixture
def locked(keeper):
    """The deployment is locked."""
    assert keeper.post("/maintenance", NOTICE).status_code == 200


def outcome(door, world, name, token):
    """How a call of a method ends; UNAVAILABLE over HTTP is 503."""
    request = request_of(METHODS[name])
    for field in request.DESCRIPTOR.fields:
        # Not the caller: an administrator would set a new password, and end the session.
        if field.GetOptions().Extensions[options_pb2.field].user_id:
            setattr(request, field.name, NOBODY)
    ended = DOORS[door](world, METHODS[name], request, token)
    return ended._replace(code={"503": "UNAVAILABLE"}.get(ended.code, ended.code))


def test_the_exempt_are_those_that_a_locked_deployment_cannot_do_without():
    about_tokens = {"CreateToken", "GetKeySet", "GetAuthorizationServer", "GetLoginPage", "Authorize", "RevokeToken", "IntrospectToken"}

    assert {name.rpartition(".")[2] for name in EXEMPT} == {"GetMaintenance", "GetHealth", "GetVersion"} | about_tokens


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("door", DOORS)
def test_a_locked_deployment_refuses_everybody_but_administrators(world, people, keeper, door):
    for name in sorted(METHODS):
        ends = {who: outcome(door, world, name, token) for who, token in people.items()}

        assert (LOCKED not in ends.values()) if name in EXEMPT else (ends == dict.fromkeys(people, LOCKED)), (name, ends)
        # Last: an administrator may well change what the others met.
        assert outcome(door, world, name, keeper.token) != LOCKED, name
        if ".maintenance." in name:
            assert keeper.post("/maintenance", NOTICE).status_code == 200


@pytest.mark.usefixtures("locked")
def test_a_refusal_says_what_the_notice_says_and_when_to_come_back(world):
    answer = requests.get(world.url + "/comments?context=a&context_id=b")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert published_refusal(answer) == ("503", "MAINTENANCE")
    assert answer.json()["result"] == [{"field": None, "message": NOTICE["message"], "details": None}]
    with pytest.raises(grpc.RpcError) as refusal:
        world.nobody().grpc.configs.ListConfigs(ListConfigsRequest())
    assert (refusal.value.code().name, refusal.value.details()) == ("UNAVAILABLE", NOTICE["message"])
    assert retry_of(refusal.value) == 60


def retry_of(refusal):
    """Seconds of a refusal's RetryInfo."""
    info = error_details_pb2.RetryInfo()
    details = Status.FromString(dict(refusal.trailing_metadata())["grpc-status-details-bin"]).details
    assert any(detail.Is(info.DESCRIPTOR) and detail.Unpack(info) for detail in details)
    return info.retry_delay.seconds


@pytest.mark.usefixtures("locked")
def test_an_administrator_gets_in_and_unlocks(world):
    """Whoever locks the deployment and loses the token gets another."""
    user = world.nobody()

    late = world.admin()
    assert user.get("/location/countries").status_code == 503
    assert late.put("/maintenance", {**NOTICE, "access_locked": False}).status_code == 200

    assert user.get("/location/countries").status_code == 200
    assert world.person().get("/me").status_code == 200


@pytest.mark.usefixtures("locked")
def test_a_bad_token_is_refused_as_such(world):
    answer = requests.get(world.url + "/me", headers={"Authorization": "Bearer none"})

    assert published_refusal(answer) == ("UNAUTHENTICATED", "TOKEN_INVALID")


def test_a_notice_is_given_changed_and_taken_away(world, keeper):
    nobody = world.nobody()
    first = {"message": "Soon.", "access_locked": False, "details": {"at": 1700000000, "parts": ["shop", {"of": None}], "share": 0.5}}
    told = []

    for verb, notice in (("POST", first), ("POST", NOTICE), ("PUT", first)):
        answer = keeper.request(verb, "/maintenance", json=notice)
        assert (answer.status_code, answer.text) == (200, "")
        told.append(nobody.get("/maintenance").json())
    gone = [keeper.delete("/maintenance") for _ in range(2)]

    assert told == [first, NOTICE, first]
    assert [(answer.status_code, answer.text) for answer in gone] == [(200, ""), (200, "")]
    assert published_refusal(nobody.get("/maintenance")) == ("NOT_FOUND", "NOT_FOUND")
    assert published_refusal(keeper.put("/maintenance", NOTICE)) == ("NOT_FOUND", "NOT_FOUND")
    assert nobody.get("/maintenance").status_code == 404


@pytest.mark.parametrize(
    "notice, field",
    [
        ({"message": "x"}, "access_locked"),
        ({"access_locked": False}, "message"),
        ({"message": " ", "access_locked": True}, "message"),
        ({"message": "x" * 1001, "access_locked": True}, "message"),
        ({"message": "x", "access_locked": "perhaps"}, "access_locked"),
        ({"message": "x", "access_locked": None}, "access_locked"),
        ({"message": "x", "access_locked": True, "details": [1]}, "details"),
        ({"message": "x", "access_locked": True, "details": {"a": "\0"}}, "details"),
    ],
)
def test_a_notice_that_is_wrong_is_refused_and_locks_nothing(world, keeper, notice, field):
    for verb in ("POST", "PUT"):
        answer = keeper.request(verb, "/maintenance", json=notice)
        assert answer.status_code == 400
        assert [result["field"].partition(".")[0] for result in answer.json()["result"]] == [field]
    assert world.nobody().get("/maintenance").status_code == 404


def test_what_is_done_is_announced(world, keeper):
    before = len(announced(world))
    keeper.post("/maintenance", NOTICE)
    keeper.put("/maintenance", {**NOTICE, "access_locked": False})
    keeper.delete("/maintenance")

    assert announced(world)[before:] == [
        ("maintenance_set", '{"message":"We are moving house.","access_locked":true}'),
        ("maintenance_updated", '{"message":"We are moving house.","access_locked":false}'),
        ("maintenance_deleted", '{"access_locked":false}'),
    ]


def announced(world):
    async def read():
        return [tuple(row) for row in await world.server.product.database.reader().all(events)]

    return world.inside(read)


def test_grpc_does_the_same(world, keeper, refused):
    stub, nobody = keeper.grpc.maintenance, world.nobody().grpc.maintenance
    notice = Maintenance(message="Soon.", access_locked=False)
    notice.details.update({"at": 1.0})

    with refused("NOT_FOUND"):
        stub.UpdateMaintenance(UpdateMaintenanceRequest(maintenance=notice))
    stub.SetMaintenance(SetMaintenanceRequest(maintenance=notice))
    assert nobody.GetMaintenance(GetMaintenanceRequest()).maintenance == notice
    with refused("INVALID_ARGUMENT"):
        stub.SetMaintenance(SetMaintenanceRequest(maintenance=Maintenance(message="Now.")))
    with refused("UNAUTHENTICATED"):
        nobody.DeleteMaintenance(DeleteMaintenanceRequest())
    stub.DeleteMaintenance(DeleteMaintenanceRequest())
    with refused("NOT_FOUND"):
        nobody.GetMaintenance(GetMaintenanceRequest())


def test_a_lock_outlasts_a_restart(tmp_path):
    settings = settings_for(sqlite_url(tmp_path), "native")
    world = World(settings)
    assert world.admin().post("/maintenance", {**NOTICE, "details": {"why": "move"}}).status_code == 200
    world.close()

    world = World(settings)
    told = requests.get(world.url + "/maintenance").json()
    refused = requests.get(world.url + "/location/countries").status_code
    world.close()

    assert told == {**NOTICE, "details": {"why": "move"}}
    assert refused == 503


def test_another_process_learns_of_a_lock_and_of_its_end():
    url = shared_postgres().fresh()
    here, there = (World(settings_for(url, "native")) for _ in range(2))
    try:
        keeper = here.admin()
        ends = []
        for locked, status in ((True, 503), (False, 200)):
            keeper.post("/maintenance", {**NOTICE, "access_locked": locked})
            ends.append(next(code for code in iter(lambda: there.nobody().get("/location/countries").status_code, 0) if code == status))
        user = there.person()
        signed_in = here.signed_in(user.username, PASSWORD).get("/me").status_code
    finally:
        here.close()
        there.close()

    assert (ends, signed_in) == ([503, 200], 200)
