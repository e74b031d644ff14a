"""Health, version, and the clock that only a sandbox has."""

import itertools

import grpc
import jwt
import pytest
import requests
from gamehall.comments.v1.comments_pb2 import Comment, CreateCommentRequest, GetCommentRequest
from gamehall.platform.v1.platform_pb2 import (
    GetClockRequest,
    GetHealthRequest,
    GetVersionRequest,
    ListErrorCodesRequest,
    UpdateClockRequest,
    WatchHealthRequest,
)
from gamehall.platform.v1.platform_pb2_grpc import PlatformServiceStub, SandboxServiceStub
from gamehall_server import __version__
from gamehall_server.kit import clock
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from people import PASSWORD
from worlds import World, settings_for, sqlite_url

from tests.contract.doors import events, published_refusal
from tests.databases import PostgresServer, shared_postgres

YEAR_2040 = 2_208_988_800
numbers = itertools.count(1)


@pytest.fixture(scope="module", params=["sqlite-native", "postgresql-grpcio"])
def sandbox(request, tmp_path_factory, recorder):
    """A sandbox deployment of its own: the clock belongs to everybody in it."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("sandbox"))
    sandbox = World(settings_for(url, engine, sandbox=True), recorder.observe)
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def keeper(sandbox):
    """Who may set the clock."""
    return sandbox.admin()


@pytest.fixture(autouse=True)
def _running_clock(request):
    """Leaves the clock of a sandbox as a test found it."""
    yield
    if "keeper" in request.fixturenames:
        request.getfixturevalue("keeper").put("/sandbox/clock", {"frozen": False, "now": clock.real_seconds()})


def set_clock(keeper, **change):
    answer = keeper.put("/sandbox/clock", change)
    assert answer.status_code == 200, answer.text
    return answer.json()


def health_of(world):
    return requests.get(world.url + "/health").json()["status"]


def say(person):
    return person.post("/comments", {"context": "level", "context_id": str(next(numbers)), "content": "now"}).json()


def test_a_refusals_code_is_among_the_error_codes(nobody, refused):
    told = {code["code"]: code for code in nobody.get("/error-codes").json()}
    refusal = nobody.get("/comments")
    with refused("INVALID_ARGUMENT") as over_grpc:
        nobody.grpc.comments.GetComment(GetCommentRequest())

    code = told[refusal.json()["code"]]
    assert code["name"] == "REQUIRED"
    assert refusal.status_code in code["http_statuses"]
    assert over_grpc[0].code().name == code["grpc_status"]
    assert {code.code: code.name for code in nobody.grpc.platform.ListErrorCodes(ListErrorCodesRequest()).error_codes} == {
        number: code["name"] for number, code in told.items()
    }


def test_a_healthy_server_says_so(nobody):
    assert nobody.get("/health").json() == {"status": "UP", "database": {"status": "UP"}}
    assert nobody.grpc.platform.GetHealth(GetHealthRequest()).database.status == "UP"


def test_a_server_without_its_database_says_so_until_it_is_back():
    postgres = PostgresServer()
    world = World(settings_for(postgres.fresh(), "native"))
    try:
        postgres.stop()
        told = [health_of(world), requests.get(world.url + "/version").json(), requests.get(world.url + "/me").status_code]
        postgres.start()
        later = next((status for status in (health_of(world) for _ in range(1000)) if status == "UP"), "DOWN")
    finally:
        world.close()
        postgres.remove()

    assert told == ["DOWN", {"version": __version__}, 401]
    assert later == "UP"


@pytest.mark.parametrize("engine", ["native", "grpcio"])
def test_everybody_who_watches_hears_that_the_database_goes_and_comes_back(engine):
    postgres = PostgresServer()
    world = World(settings_for(postgres.fresh(), engine))
    # A connection takes a hundred.
    channels = [grpc.insecure_channel(world.grpc_address, [("grpc.use_local_subchannel_pool", 1)]) for _ in range(10)]
    try:
        asked = HealthCheckRequest(service="gamehall.users.v1.UserService")
        watching = [HealthStub(channel).Watch(asked) for channel in channels for _ in range(100)]
        ours = PlatformServiceStub(world.channel).WatchHealth(WatchHealthRequest())
        over_http = events(requests.get(world.url + "/health/watch", stream=True))
        told = []
        for change in (lambda: None, postgres.stop, postgres.start):
            change()
            told.append(({next(watch).status for watch in watching}, next(ours).status, next(over_http)))
    finally:
        for channel in channels:
            channel.close()
        world.close()
        postgres.remove()

    up, down = (
        ({number}, word, f'data: {{"status":"{word}","database":{{"status":"{word}"}}}}') for number, word in ((1, "UP"), (2, "DOWN"))
    )
    assert told == [up, down, up]


def test_who_watches_a_service_that_is_not_there_is_told_so(world):
    watch = HealthStub(world.channel).Watch(HealthCheckRequest(service="gamehall.none"))

    assert next(watch).status == HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()


def test_the_version_is_told(nobody):
    assert nobody.get("/version").json() == {"version": __version__}
    assert nobody.grpc.platform.GetVersion(GetVersionRequest()).version == __version__


def test_only_a_sandbox_has_a_clock_to_set(world, nobody, admin):
    stub = SandboxServiceStub(world.channel)

    assert published_refusal(nobody.get("/sandbox/clock")) == ("NOT_FOUND", "NO_ROUTE")
    assert published_refusal(admin.put("/sandbox/clock", {"now": 1})) == ("NOT_FOUND", "NO_ROUTE")
    for call, request in ((stub.GetClock, GetClockRequest()), (stub.UpdateClock, UpdateClockRequest(now=1))):
        with pytest.raises(grpc.RpcError) as refusal:
            call(request, metadata=[("authorization", f"Bearer {admin.token}")])
        assert refusal.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_sandbox_starts_at_the_machines_time(sandbox):
    before = clock.real_seconds()

    told = sandbox.nobody().get("/sandbox/clock").json()

    assert before <= told["now"] <= clock.real_seconds()
    assert told["frozen"] is False


def test_a_clock_that_was_set_goes_on_from_there(sandbox, keeper):
    told = set_clock(keeper, now=YEAR_2040)

    said = say(keeper)

    assert YEAR_2040 <= told["now"] <= said["created_date"] < YEAR_2040 + 3600
    assert told["frozen"] is False


def test_a_frozen_clock_stands_until_it_is_let_go(sandbox, keeper):
    told = set_clock(keeper, now=YEAR_2040, frozen=True)

    moments = [say(keeper)["created_date"] for _ in range(3)]

    assert told == {"now": YEAR_2040, "frozen": True}
    assert moments == [YEAR_2040] * 3
    assert set_clock(keeper, frozen=False)["frozen"] is False
    assert YEAR_2040 <= say(keeper)["created_date"] < YEAR_2040 + 3600


def test_a_clock_moves_on_by_seconds_frozen_or_not(sandbox, keeper):
    set_clock(keeper, now=YEAR_2040, frozen=True)

    assert set_clock(keeper, advance_seconds=90) == {"now": YEAR_2040 + 90, "frozen": True}
    assert set_clock(keeper, now=YEAR_2040, advance_seconds=60)["now"] == YEAR_2040 + 60
    assert set_clock(keeper) == {"now": YEAR_2040 + 60, "frozen": True}
    assert set_clock(keeper, frozen=False, advance_seconds=60)["now"] >= YEAR_2040 + 120


def test_a_clock_may_go_back(sandbox, keeper):
    assert set_clock(keeper, now=0, frozen=True) == {"now": 0, "frozen": True}
    assert say(keeper)["created_date"] == 0


@pytest.mark.parametrize("change", [{"now": -1}, {"now": 253402300800}, {"advance_seconds": -1}, {"advance_seconds": 3155760001}])
def test_a_clock_has_its_limits(sandbox, keeper, change):
    answer = keeper.put("/sandbox/clock", change)

    assert answer.status_code == 400
    assert [result["field"] for result in answer.json()["result"]] == list(change)


def test_a_clock_at_its_last_second_still_answers(sandbox, keeper):
    set_clock(keeper, now=253402300799, frozen=True)

    for _ in range(3):
        set_clock(keeper, advance_seconds=3155760000)

    assert say(keeper)["created_date"] >= 253402300799


def test_grpc_sets_it_as_well(sandbox, keeper):
    stub = SandboxServiceStub(sandbox.channel)
    metadata = [("authorization", f"Bearer {keeper.token}")]

    told = stub.UpdateClock(UpdateClockRequest(now=YEAR_2040, frozen=True), metadata=metadata).clock

    said = keeper.grpc.comments.CreateComment(CreateCommentRequest(comment=Comment(context="a", context_id="b", content="c"))).comment
    assert (told.now, told.frozen) == (YEAR_2040, True)
    assert said.created_date == stub.GetClock(GetClockRequest()).clock.now == YEAR_2040


def test_tokens_keep_the_machines_time(sandbox, keeper):
    """Nobody is signed out by a test that lives in another year, and no token lives longer for it."""
    ann = sandbox.person("ann")

    for moment in (YEAR_2040, 0):
        set_clock(keeper, now=moment, frozen=True)
        before = clock.real_seconds()
        again = sandbox.signed_in(ann.username, PASSWORD)
        claims = jwt.decode(again.token, options={"verify_signature": False})
        assert before <= claims["iat"] <= clock.real_seconds()
        assert claims["exp"] == claims["iat"] + 900
        assert again.get("/me").status_code == ann.get("/me").status_code == 200
        form = {"grant_type": "refresh_token", "client_id": "web", "refresh_token": again.refresh_token}
        assert requests.post(sandbox.url + "/oauth/token", data=form).status_code == 200
        assert again.get("/users/me").json()["last_activity"] == moment


def test_the_seconds_of_an_idempotency_key_are_the_deployments(sandbox, keeper):
    set_clock(keeper, now=YEAR_2040, frozen=True)
    body, key = {"context": "level", "context_id": "keys", "content": "once"}, {"Idempotency-Key": "kept-for-a-day"}
    first = keeper.post("/comments", body, headers=key).json()

    set_clock(keeper, advance_seconds=24 * 3600)
    assert keeper.post("/comments", body, headers=key).json() == first
    set_clock(keeper, advance_seconds=1)
    assert keeper.post("/comments", body, headers=key).json()["id"] > first["id"]
