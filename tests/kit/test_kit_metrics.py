"""What the deployment tells its operators, as their tools read it: the metrics page and the probes."""

import threading
import time

import grpc
import pytest
import requests
from gamehall.comments.v1 import comments_pb2 as pb
from gamehall_server.kit.call import Arrival
from gamehall_server.kit.metrics import DURATIONS
from gamehall_server.kit.tally import Tally
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families
from worlds import World, settings_for, sqlite_url

from tests.databases import PostgresServer, shared_postgres

LIST = "gamehall.comments.v1.CommentService/ListComments"
CREATE = "gamehall.comments.v1.CommentService/CreateComment"


@pytest.fixture(scope="module", params=["sqlite-native", "sqlite-grpcio", "postgresql-native", "postgresql-grpcio"])
def world(request, tmp_path_factory):
    """A deployment with a door for operators."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("world"))
    world = World(settings_for(url, engine, ops_address="127.0.0.1:0"))
    yield world
    world.close()


def ops(world, path="/metrics", **options):
    return requests.get(f"http://127.0.0.1:{world.server.ops_port}{path}", **options)


def read(world):
    """Every sample of the page: by its name and labels."""
    answer = ops(world)
    assert answer.status_code == 200
    families = list(text_string_to_metric_families(answer.text))
    return {(each.name, *sorted(each.labels.items())): each.value for family in families for each in family.samples}


def calls(samples, method, door, code):
    return samples.get(("gamehall_rpc_calls_total", ("code", code), ("door", door), ("rpc_method", method)), 0)


def say(person):
    return person.post("/comments", {"context": "video", "context_id": "1", "content": "hello"})


def test_calls_are_counted_by_door_and_code(world, ann, nobody):
    before = read(world)

    ann.get("/comments?context=video&context_id=1")
    ann.grpc.comments.ListComments(pb.ListCommentsRequest(context="video", context_id="1"))
    assert say(ann).status_code == 200
    assert say(nobody).status_code == 401
    with pytest.raises(grpc.RpcError):
        nobody.grpc.comments.CreateComment(pb.CreateCommentRequest())

    now = read(world)
    wanted = [(LIST, "http", "OK"), (LIST, "grpc", "OK"), (CREATE, "http", "OK"), (CREATE, "http", "UNAUTHENTICATED")]
    for each in [*wanted, (CREATE, "grpc", "UNAUTHENTICATED")]:
        assert calls(now, *each) - calls(before, *each) == 1, each


def test_every_call_is_in_the_histogram(world, ann):
    say(ann)
    ann.get("/comments?context=video&context_id=1")

    now = read(world)

    for method in (LIST, CREATE):
        ended = sum(
            value for (name, *labels), value in now.items() if name == "gamehall_rpc_calls_total" and ("rpc_method", method) in labels
        )
        label = ("rpc_method", method)
        buckets = [now["gamehall_rpc_duration_seconds_bucket", ("le", str(bound)), label] for bound in (*DURATIONS, "+Inf")]
        assert buckets == sorted(buckets)
        assert buckets[-1] == now["gamehall_rpc_duration_seconds_count", label] == ended > 0
        assert 0 < now["gamehall_rpc_duration_seconds_sum", label] < ended * 30


def test_what_never_came_to_a_call_is_counted_by_status(world, nobody):
    before = read(world)

    nobody.get("/nowhere")
    nobody.post("/users", data="{")

    now = read(world)
    for status in ("404", "400"):
        key = ("gamehall_http_responses_total", ("code", status))
        assert now[key] - before.get(key, 0) == 1


def test_what_callers_send_makes_no_series(world, ann, nobody):
    def sent():
        for number in range(5):
            nobody.get(f"/nowhere/{number}")
            ann.get(f"/comments?context=c{number}&context_id={number}", headers={"traceparent": f"0{number}", "User-Agent": f"u{number}"})

    sent()
    before = read(world)
    sent()

    assert read(world).keys() == before.keys()


def test_events_that_wait_are_told(world, ann):
    def events(samples):
        return samples[("gamehall_outbox_events",)]

    before = read(world)
    # Nobody takes these: a consumer of another version.
    world.server.product.outbox.want("a consumer elsewhere", ["comment_created"])
    say(ann)

    now = read(world)
    assert events(now) > events(before)
    assert now[("gamehall_outbox_dead",)] == 0
    assert 0 <= now[("gamehall_outbox_oldest_age_seconds",)] < 3600


def test_the_database_is_told(world, ann):
    say(ann)

    now = read(world)

    assert now[("gamehall_database_up",)] == 1
    if world.settings.database_url.startswith("sqlite"):
        assert now[("gamehall_commit_group_calls_sum",)] >= now[("gamehall_commit_group_calls_count",)] >= 1
    else:
        # What the server does by itself, each second, takes one as well.
        while now[("gamehall_database_connections_used",)]:
            now = read(world)
        assert 1 <= now[("gamehall_database_connections_idle",)] <= now[("gamehall_database_connections_max",)]
        assert now[("gamehall_database_connections_waiting",)] == 0


def test_calls_under_way_and_waiting_are_told():
    """A call while somebody else has every connection."""
    world = World(settings_for(shared_postgres().fresh(), "native", ops_address="127.0.0.1:0"))
    pool = world.server.product.database.pool

    async def take():
        return [await pool.take() for _ in range(pool._most)]

    async def give(connections):
        for connection in connections:
            pool.give(connection)

    ann = world.person("ann")
    asking = threading.Thread(target=lambda: say(ann))
    taken = world.inside(take)
    try:
        asking.start()
        while world.server.app.in_flight == 0:
            time.sleep(0.01)

        now = read(world)
        ready = ops(world, "/health/ready").status_code
    finally:
        world.inside(lambda: give(taken))
        asking.join()
    after = read(world)
    world.close()

    assert (now[("gamehall_rpc_in_flight",)], after[("gamehall_rpc_in_flight",)]) == (1, 0)
    assert now[("gamehall_database_connections_waiting",)] >= 1
    assert now[("gamehall_database_connections_used",)] == now[("gamehall_database_connections_max",)]
    # Nobody may be sent to a node whose database cannot be asked.
    assert (now[("gamehall_database_up",)], ready) == (0, 503)


def test_refusals_for_want_of_room_are_counted(tmp_path):
    world = World(settings_for(sqlite_url(tmp_path), "native", most_in_flight=0, ops_address="127.0.0.1:0"))
    try:
        assert world.nobody().get("/version").status_code == 429
        assert calls(read(world), "gamehall.platform.v1.PlatformService/GetVersion", "http", "RESOURCE_EXHAUSTED") == 1
    finally:
        world.close()


def test_a_caller_that_goes_is_counted(tmp_path):
    """The client's deadline passes while the call waits for the disk: the server hears that nobody waits."""
    world = World(settings_for(sqlite_url(tmp_path), "native", password_passes=60, ops_address="127.0.0.1:0"))
    try:
        from gamehall.users.v1.users_pb2 import CreateUserRequest, User

        user = User(username="late", email="late@example.com", password="a long password")
        with pytest.raises(grpc.RpcError) as raised:
            world.nobody().grpc.users.CreateUser(CreateUserRequest(user=user), timeout=0.2)
        assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        while not calls(read(world), "gamehall.users.v1.UserService/CreateUser", "grpc", "CANCELLED"):
            time.sleep(0.02)
    finally:
        world.close()


def test_the_world_cannot_read_the_metrics(world, ann, admin):
    for person in (ann, admin):
        assert person.get("/metrics").status_code == 404


def test_without_an_address_there_is_no_door(tmp_path):
    world = World(settings_for(sqlite_url(tmp_path), "native"))
    try:
        assert world.server.ops_port is None
        assert world.nobody().get("/health/ready").status_code == 200
    finally:
        world.close()


@pytest.mark.parametrize("address", ["9464", "localhost", ":9464", "localhost:x", "localhost:70000", "localhost:"])
def test_an_address_that_is_none_is_refused(tmp_path, address):
    with pytest.raises(ValueError, match="GAMEHALL_OPS_ADDRESS"):
        World(settings_for(sqlite_url(tmp_path), "native", ops_address=address))


def test_the_door_has_its_paths_and_no_more(world):
    base = f"http://127.0.0.1:{world.server.ops_port}"

    assert requests.get(base + "/comments").status_code == 404
    assert requests.get(base + "/").text == "There is /health/live, /health/ready, /metrics"
    assert (refused := requests.post(base + "/metrics")).status_code == 405
    assert refused.headers["allow"] == "GET, HEAD"
    assert requests.head(base + "/metrics").text == ""
    assert ops(world).headers["content-type"].startswith("text/plain; version=0.0.4")


def test_both_doors_tell_that_it_is_ready(world, nobody):
    for answer in (nobody.get("/health/ready"), nobody.get("/health/live"), ops(world, "/health/ready"), ops(world, "/health/live")):
        assert (answer.status_code, answer.json(), answer.headers["cache-control"]) == (200, {"status": "UP"}, "no-store")


def test_without_its_database_it_lives_and_is_not_ready():
    server = PostgresServer()
    world = None
    try:
        world = World(settings_for(server.fresh(), "native", ops_address="127.0.0.1:0"))
        server.stop()

        assert [ops(world, path).status_code for path in ("/health/live", "/health/ready")] == [200, 503]
        assert ops(world, "/health/ready").json() == {"status": "DOWN"}
        away = read(world)
        assert away[("gamehall_database_up",)] == 0
        assert ("gamehall_outbox_events",) not in away

        server.start()
        assert ops(world, "/health/ready").status_code == 200
        assert read(world)[("gamehall_database_up",)] == 1
    finally:
        if world is not None:
            world.close()
        server.remove()


def test_while_it_drains_it_serves_and_says_that_it_is_not_ready(tmp_path):
    world = World(settings_for(sqlite_url(tmp_path), "native", drain_seconds=2.0, ops_address="127.0.0.1:0"))
    health = health_pb2_grpc.HealthStub(world.channel)
    ask = health_pb2.HealthCheckRequest()
    ann = world.person("ann")
    assert health.Check(ask).status == health_pb2.HealthCheckResponse.SERVING

    world._loop.call_soon_threadsafe(world._stop.set)
    while ops(world, "/health/ready").status_code == 200:
        time.sleep(0.01)

    assert ann.get("/health/ready").status_code == 503
    assert health.Check(ask).status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert [ann.get("/health/live").status_code, ops(world, "/health/live").status_code, say(ann).status_code] == [200] * 3
    world.close()


def test_a_tally_puts_each_number_where_prometheus_would():
    tally = Tally((1, 2, 4))
    for number in (0, 1, 1.5, 2, 3, 4, 4.1, 100):
        tally.add(number)

    assert tally.buckets() == [("1", 2), ("2", 4), ("4", 6), ("+Inf", 8)]
    assert tally.total == 115.6


def test_a_call_begins_when_it_arrives():
    first, second = Arrival("1", "", "http"), Arrival("2", "", "http")

    assert 0 < first.started <= second.started
