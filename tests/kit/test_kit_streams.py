"""Server streams through every door: when they begin, what they give, and everything that ends one."""

import asyncio
import json
import threading
from typing import Any

import grpc
import pytest
import requests
from gamehall.options.v1 import options_pb2
from gamehall_bridge import app as bridge_app
from gamehall_bridge import deadlines
from gamehall_bridge import streams as bridge_streams
from gamehall_server import servicers
from gamehall_server.kit import streams
from gamehall_server.kit.errors import NotFound
from gamehall_server.kit.storage import Query
from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from sqlalchemy import literal, select
from worlds import World, settings_for, sqlite_url

from tests.bridge.http_wire import SEED
from tests.contract.callers import issued, revoked
from tests.contract.doors import DOORS, OK, events, frames_of, published_refusal, reason_of, spoken
from tests.databases import shared_postgres

SECRET = "the number of the safe is 42"
SECONDS = 60
PADDING = "x" * 50_000
_seven = Query(select(literal(7)))


def _service() -> Any:
    """rpc Tick(TickRequest) returns (stream TickResponse), for whoever is signed in."""
    Kind = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="ticks.proto", package="ticks", syntax="proto3")
    file.dependency.extend(["gamehall/options/v1/options.proto", "google/api/annotations.proto", "google/api/field_behavior.proto"])
    asked, told = file.message_type.add(name="TickRequest"), file.message_type.add(name="TickResponse")
    word = asked.field.add(name="word", number=1, type=Kind.TYPE_STRING, label=Kind.LABEL_OPTIONAL)
    word.options.Extensions[field_behavior_pb2.field_behavior].append(field_behavior_pb2.REQUIRED)
    told.field.add(name="number", number=1, type=Kind.TYPE_INT64, label=Kind.LABEL_OPTIONAL)
    told.field.add(name="user_id", number=2, type=Kind.TYPE_INT64, label=Kind.LABEL_OPTIONAL)
    told.field.add(name="padding", number=3, type=Kind.TYPE_STRING, label=Kind.LABEL_OPTIONAL)
    service = file.service.add(name="TickService")
    for name, policy in {"Tick": {"any": ["*"]}, "OwnTick": {"own": ["*"]}}.items():
        method = service.method.add(name=name, input_type=".ticks.TickRequest", output_type=".ticks.TickResponse", server_streaming=True)
        method.options.idempotency_level = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
        method.options.Extensions[annotations_pb2.http].get = f"/{name.lower()}s"
        method.options.Extensions[options_pb2.method].policy.MergeFrom(options_pb2.Policy(**policy))
    pool = descriptor_pool.Default()
    pool.Add(file)
    return pool.FindServiceByName("ticks.TickService")


SERVICE = _service()
TICK, OWN = SERVICE.methods_by_name["Tick"], SERVICE.methods_by_name["OwnTick"]
Request, Response = (message_factory.GetMessageClass(kind) for kind in (TICK.input_type, TICK.output_type))


class Ticks:
    """Counts; what comes after the first number is the word's to say."""

    service = SERVICE

    def __init__(self) -> None:
        self.closed = threading.Semaphore(0)
        # Bytes that a flood was asked for.
        self.told = 0

    async def Tick(self, request, call):
        try:
            yield Response(number=await call.db.value(_seven), user_id=call.user_id)
            if request.word == "bug":
                raise RuntimeError(SECRET)
            if request.word == "refuse":
                raise NotFound("Nothing more to count.")
            if request.word == "count":
                for number in range(8, 11):
                    yield Response(number=number)
            if request.word == "flood":
                while True:
                    self.told += len(PADDING)
                    yield Response(padding=PADDING)
            if request.word == "wait":
                await asyncio.Event().wait()
        finally:
            self.closed.release()

    async def OwnTick(self, request, call):
        """Never asks whose it is."""
        yield Response(number=1)


@pytest.fixture(scope="module", params=["sqlite-native", "sqlite-grpcio", "postgresql-native", "postgresql-grpcio"])
def world(request, tmp_path_factory):
    """A deployment that counts, for three at a time."""
    world = deployment(request.param, tmp_path_factory)
    yield world
    world.close()


def deployment(name, tmp_path_factory, **more):
    database, engine = name.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("world"))
    with pytest.MonkeyPatch.context() as patch:
        ticks = Ticks()
        patch.setattr(servicers, "SERVICERS", {**servicers.SERVICERS, Ticks: lambda _: ticks})
        world = World(settings_for(url, engine, most_streams=3, **more))
    world.ticks = ticks
    return world


@pytest.fixture
def ticks(world, request):
    """The servicer; after the test all that began is closed."""
    world.ticks.closed = threading.Semaphore(0)
    failed = request.session.testsfailed
    yield world.ticks
    if request.session.testsfailed == failed:
        until(lambda: world.server.app.streams.open == 0)


def until(holds):
    """Waits for what must come. What does not is a failure, not a test run that hangs."""
    for _ in range(SECONDS * 100):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


def follow(person, word="wait", method=TICK):
    """A stream over gRPC."""
    call = person.channel.unary_stream(f"/ticks.TickService/{method.name}", Request.SerializeToString, Response.FromString)
    metadata = [("authorization", f"Bearer {person.token}")] if person.token else []
    return call(Request(word=word), metadata=metadata, timeout=SECONDS)


def follow_http(person, word="wait", path="/ticks", **options):
    """A stream over HTTP."""
    return person.get(f"{path}?word={word}", stream=True, **options)


def test_messages_come_when_they_are_there(world, ann, ticks):
    over_grpc, over_http = follow(ann), follow_http(ann)

    told = Response(number=7, user_id=ann.id)
    assert next(over_grpc) == told
    assert next(events(over_http)) == f'data: {{"number":7,"user_id":{ann.id},"padding":""}}'
    for content_type in ("application/connect+proto", "application/grpc-web+proto"):
        answer = spoken(world, TICK, Request(word="count"), ann.token, content_type)
        assert next(frames_of(answer)) == (0, told.SerializeToString())
        answer.close()

    over_grpc.cancel()
    over_http.close()


def test_a_stream_that_says_all_ends_well(world, ann, ticks):
    assert [tick.number for tick in follow(ann, "count")] == [7, 8, 9, 10]
    assert [json.loads(event[6:])["number"] for event in events(follow_http(ann, "count"))] == [7, 8, 9, 10]
    connect = list(frames_of(spoken(world, TICK, Request(word="count"), ann.token, "application/connect+proto")))
    web = list(frames_of(spoken(world, TICK, Request(word="count"), ann.token, "application/grpc-web+proto")))
    assert [Response.FromString(content).number for flags, content in connect[:-1]] == [7, 8, 9, 10]
    assert connect[-1] == (2, b"{}")
    assert web[:-1] == connect[:-1]
    assert web[-1] == (0x80, b"grpc-status: 0\r\n")


@pytest.mark.parametrize("door", DOORS)
def test_a_stream_is_refused_like_any_call(world, ann, ticks, door):
    for word, token, end in (
        ("wait", None, ("UNAUTHENTICATED", "TOKEN_MISSING")),
        ("wait", "a.b.c", ("UNAUTHENTICATED", "TOKEN_INVALID")),
        ("wait", issued(world, ann, -1), ("UNAUTHENTICATED", "TOKEN_EXPIRED")),
        ("", ann.token, ("INVALID_ARGUMENT", "REQUIRED")),
        ("wait", ann.token, OK),
    ):
        assert DOORS[door](world, TICK, Request(word=word), token) == end


def test_http_refuses_with_the_published_status(ann, nobody, ticks):
    assert published_refusal(follow_http(nobody)) == ("UNAUTHENTICATED", "TOKEN_MISSING")
    wrong = ann.get("/ticks")
    assert (wrong.status_code, [result["field"] for result in wrong.json()["result"]]) == (400, ["word"])


def test_events_say_what_they_are(ann, ticks):
    answer = follow_http(ann, headers={"Origin": "https://game.example"})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-request-id"]
    assert {name: answer.headers[name] for name in SEED} == SEED
    assert "content-length" not in answer.headers
    lines = answer.iter_lines(chunk_size=1, decode_unicode=True)
    assert [next(lines) for _ in range(5)] == [
        "retry: 3000",
        "",
        "id: 1",
        "event: message",
        f'data: {{"number":7,"user_id":{ann.id},"padding":""}}',
    ]
    answer.close()


def test_head_has_the_head_alone_and_options_tell_the_verbs(ann, ticks):
    head = ann.session.head(f"{ann.url}/ticks?word=wait")

    assert (head.status_code, head.headers["content-type"], head.content) == (200, "text/event-stream", b"")
    assert requests.options(f"{ann.url}/ticks").headers["allow"] == "GET, HEAD, OPTIONS"
    assert requests.head(f"{ann.url}/ticks?word=wait").status_code == 401


def test_a_generator_is_closed_when_its_client_goes(world, ann, ticks):
    over_grpc, over_http = follow(ann), follow_http(ann)
    web = spoken(world, TICK, Request(word="wait"), ann.token, "application/grpc-web+proto")
    # Kept by name: a reader that is let go closes its connection.
    told, frames = events(over_http), frames_of(web)
    next(over_grpc), next(told), next(frames)
    assert world.server.app.streams.open == 3
    assert world.server.app.in_flight == 0

    over_grpc.cancel()
    assert ticks.closed.acquire(timeout=SECONDS)
    over_http.close()
    assert ticks.closed.acquire(timeout=SECONDS)
    web.close()
    assert ticks.closed.acquire(timeout=SECONDS)


def test_a_client_that_does_not_read_is_waited_for_and_then_let_go(world, ann, ticks):
    ticks.told = 0
    over_grpc, over_http = follow(ann, "flood"), follow_http(ann, "flood")
    told = events(over_http)
    next(over_grpc), next(told)

    before = -1
    while ticks.told != before:
        # What the sockets of both hold, and no more.
        assert ticks.told < 64 * 1024 * 1024
        before = ticks.told
        threading.Event().wait(0.3)
    assert ann.get("/me").status_code == 200
    over_grpc.cancel()
    over_http.close()

    assert ticks.closed.acquire(timeout=SECONDS)
    assert ticks.closed.acquire(timeout=SECONDS)


def test_there_are_only_so_many(world, ann, ticks):
    held = [follow(ann) for _ in range(3)]
    for stream in held:
        next(stream)

    answer = follow_http(ann)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["result"][0]["field"]) == (429, "1", None)
    for door in ("grpc", "connect", "grpc-web"):
        assert DOORS[door](world, TICK, Request(word="wait"), ann.token) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert ann.get("/me").status_code == 200
    for stream in held:
        stream.cancel()
        assert ticks.closed.acquire(timeout=SECONDS)
    until(lambda: world.server.app.streams.open == 0)
    assert DOORS["http"](world, TICK, Request(word="wait"), ann.token) == OK


@pytest.mark.parametrize("word, end", [("bug", ("INTERNAL", "INTERNAL")), ("refuse", ("NOT_FOUND", "NOT_FOUND"))])
def test_a_stream_that_fails_on_its_way_says_why_and_no_more(world, ann, ticks, word, end, caplog):
    stream, told = follow(ann, word), list(events(follow_http(ann, word)))

    next(stream)
    with pytest.raises(grpc.RpcError) as raised:
        next(stream)
    assert (raised.value.code().name, reason_of(raised.value)) == end
    assert [event.split(":")[0] for event in told] == ["data", "event"]
    name, data = told[1].split("\n")
    shape = json.loads(data.removeprefix("data: "))
    assert (name, set(shape)) == ("event: error", {"code", "request_id", "result"})
    connect = list(frames_of(spoken(world, TICK, Request(word=word), ann.token, "application/connect+proto")))
    web = list(frames_of(spoken(world, TICK, Request(word=word), ann.token, "application/grpc-web+proto")))
    assert json.loads(connect[-1][1])["error"]["code"] == end[0].lower()
    assert web[-1][0] == 0x80
    assert SECRET not in f"{raised.value}{told}{connect}{web}"
    assert caplog.text.count(SECRET) == (4 if word == "bug" else 0)


def test_a_stream_that_never_asks_whose_it_is_gives_nothing(world, ann, ticks, caplog):
    for door in DOORS.values():
        if door is not DOORS["http"]:
            assert door(world, OWN, Request(word="a"), ann.token) == ("INTERNAL", "INTERNAL")
    assert next(events(follow_http(ann, path="/ownticks"))).startswith("event: error\n")


@pytest.fixture
def short_looks(monkeypatch):
    """A token is looked at often, and a silence is short."""
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.05)
    monkeypatch.setattr(bridge_streams, "BEAT_SECONDS", 0.05)


def test_a_stream_ends_with_its_token(world, ann, ticks, short_looks):
    late = world.signed_in(ann.username, "correct horse battery")
    late.token = issued(world, ann, 2)
    late.session.headers["Authorization"] = f"Bearer {late.token}"
    stream, answer = follow(late), follow_http(late)
    next(stream)

    with pytest.raises(grpc.RpcError) as raised:
        next(stream)
    told = list(events(answer))

    assert (raised.value.code().name, reason_of(raised.value)) == ("UNAUTHENTICATED", "TOKEN_EXPIRED")
    assert told[-1].startswith("event: error\n")
    assert json.loads(told[-1].split("data: ")[1])["error"] == "invalid_token"


@pytest.mark.parametrize("word", ["wait", "flood"])
def test_a_stream_ends_with_its_session(world, ticks, short_looks, word):
    person = world.person("gone")
    stream = follow(person, word)
    next(stream)

    end_session_of(world, person)

    with pytest.raises(grpc.RpcError) as raised:
        for _ in stream:
            pass
    assert (raised.value.code().name, reason_of(raised.value)) == ("UNAUTHENTICATED", "TOKEN_INVALID")


def end_session_of(world, person):
    class Gone:
        """World, whose next person is this one."""

        def __getattr__(self, name):
            return (lambda word: person) if name == "person" else getattr(world, name)

    revoked(Gone())


def test_a_long_silence_is_broken_and_no_deadline_cuts_it(world, ann, ticks, short_looks, monkeypatch):
    monkeypatch.setattr(bridge_app, "BODY_SECONDS", 0.05)
    monkeypatch.setattr(bridge_app, "CALL_SECONDS", 0.05)
    monkeypatch.setattr(deadlines, "TICK_SECONDS", 0.02)
    # Bodies of other requests are not at stake: the streams of this test have none.
    answer = follow_http(ann)
    lines = answer.iter_lines(chunk_size=1)

    assert [next(lines) for _ in range(6)][4].startswith(b"data: ")
    # Twenty silences are ten times the deadline of a call.
    assert [next(lines) for _ in range(40)] == [b":", b""] * 20
    answer.close()


def test_a_client_may_give_a_stream_so_much_time(world, ann, ticks):
    url = f"{world.url}/ticks.TickService/Tick"
    body = b"\0\0\0\0\6\x0a\4wait"
    headers = {"authorization": f"Bearer {ann.token}", "content-type": "application/connect+proto", "connect-timeout-ms": "300"}

    last = list(frames_of(requests.post(url, body, headers=headers, stream=True)))[-1]

    assert (last[0], json.loads(last[1])["error"]["code"]) == (2, "deadline_exceeded")


def test_a_stream_is_spoken_in_frames_alone(world, ann, ticks):
    url = f"{world.url}/ticks.TickService/Tick"
    for content_type in ("application/json", "application/proto"):
        headers = {"authorization": f"Bearer {ann.token}", "content-type": content_type}
        assert requests.post(url, b"{}", headers=headers).status_code == 415
    assert requests.get(f"{url}?encoding=json&message=%7B%7D").status_code == 405


@pytest.mark.parametrize("engine", ["native", "grpcio"])
def test_a_stream_that_does_not_know_ends_with_the_server(tmp_path_factory, engine):
    world = deployment(f"sqlite-{engine}", tmp_path_factory, grace_seconds=2.0)
    ann = world.person("ann")
    stream, answer = follow(ann), follow_http(ann)
    told = events(answer)
    next(stream), next(told)

    ending = threading.Thread(target=world.end)
    ending.start()
    with pytest.raises(grpc.RpcError) as raised:
        next(stream)
    last = next(told)
    ending.join()

    assert (raised.value.code().name, reason_of(raised.value)) == ("UNAVAILABLE", "UNAVAILABLE")
    assert last.startswith("event: error\n")
    assert json.loads(last.split("data: ")[1])["result"][0]["message"] == "The server is shutting down."
    answer.close()
    assert world.ticks.closed.acquire(timeout=SECONDS)
