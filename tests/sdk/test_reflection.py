"""A gRPC client that knows nothing but the address: services and messages come from server reflection, health from grpc.health.v1."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from people import PASSWORD, fresh
from worlds import World, settings_for, sqlite_url

SECONDS = 60
BESIDE = {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class Stranger:
    """Calls by name, with messages as JSON has them."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address)
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = DescriptorPool(self.database)

    def close(self) -> None:
        self.channel.close()

    def method(self, name: str) -> MethodDescriptor:
        """`name` is package.Service/Method."""
        service, _, method = name.partition("/")
        return self.pool.FindServiceByName(service).methods_by_name[method]

    def call(self, name: str, request: dict[str, Any], token: str | None = None) -> dict[str, Any]:
        method = self.method(name)
        asks, answers = (message_factory.GetMessageClass(type) for type in (method.input_type, method.output_type))
        stub = self.channel.unary_unary(f"/{name}", request_serializer=asks.SerializeToString, response_deserializer=answers.FromString)
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        answer = stub(ParseDict(request, asks(), descriptor_pool=self.pool), metadata=metadata, timeout=SECONDS)
        return MessageToDict(answer, preserving_proto_field_name=True, descriptor_pool=self.pool)


@pytest.fixture(scope="module")
def stranger(world: World) -> Iterator[Stranger]:
    stranger = Stranger(world.grpc_address)
    yield stranger
    stranger.close()


@pytest.fixture
def services(world: World) -> set[str]:
    return {rpc.descriptor.containing_service.full_name for rpc in world.server.app.rpcs.values()}


def test_reflection_lists_every_service(stranger, services):
    listed = list(stranger.database.get_services())

    assert sorted(listed) == sorted(services | BESIDE)
    assert "gamehall.comments.v1.CommentService" in listed


def test_reflection_tells_every_method_whole(stranger):
    for service in stranger.database.get_services():
        for method in stranger.pool.FindServiceByName(service).methods:
            # The files of both messages came along, with all that they import.
            assert method.input_type.file.pool is method.output_type.file.pool is stranger.pool


def test_a_call_is_made_from_reflection_alone(stranger, ann):
    form = {"grant_type": "password", "client_id": "web", "username": ann.username, "password": PASSWORD}
    token = stranger.call("gamehall.auth.v1.TokenService/CreateToken", form)["access_token"]
    said = {"context": "video", "context_id": fresh("reflected"), "content": "from a stranger"}

    written = stranger.call("gamehall.comments.v1.CommentService/CreateComment", {"comment": said}, token)["comment"]
    read = stranger.call("gamehall.comments.v1.CommentService/GetComment", {"id": written["id"]})["comment"]

    assert read == written
    assert {name: read[name] for name in said} == said
    assert read["user"]["id"] == ann.id


def test_a_refusal_reaches_a_stranger(stranger, refused):
    with refused("UNAUTHENTICATED"):
        stranger.call("gamehall.comments.v1.CommentService/CreateComment", {"comment": {"context": "video"}})


def test_what_is_not_there_is_said_so(stranger, refused):
    with pytest.raises(KeyError):
        stranger.pool.FindServiceByName("gamehall.comments.v1.NoService")
    with refused("UNIMPLEMENTED"):
        stranger.channel.unary_unary("/gamehall.comments.v1.CommentService/NoMethod")(b"", timeout=SECONDS)


def test_health_knows_the_whole_and_each_service(world, services, refused):
    health = health_pb2_grpc.HealthStub(world.channel)

    for service in ("", *services):
        assert health.Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS).status == SERVING
    with refused("NOT_FOUND"):
        health.Check(health_pb2.HealthCheckRequest(service="gamehall.none"), timeout=SECONDS)


def test_health_can_be_watched(world):
    watch = health_pb2_grpc.HealthStub(world.channel).Watch(health_pb2.HealthCheckRequest(), timeout=SECONDS)

    assert next(watch).status == SERVING
    watch.cancel()


@pytest.mark.parametrize("engine", ["native", "grpcio"])
def test_who_watches_hears_that_the_server_ends(tmp_path, engine):
    world = World(settings_for(sqlite_url(tmp_path), engine, grace_seconds=0.2))
    with grpc.insecure_channel(world.grpc_address) as channel, ThreadPoolExecutor() as beside:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        assert next(watch).status == SERVING

        # Read while it ends: what a client has not read when its connection closes is lost.
        ending = beside.submit(world.close)
        told = next(watch).status
        ending.result()

    assert told == NOT_SERVING
