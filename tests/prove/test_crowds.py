"""The proofs with many or hostile clients in their short form. One after the other: each keeps a core busy."""

import socket
import time

import grpc
import pytest
from gamehall.comments.v1 import comments_pb2
from gamehall.comments.v1.comments_pb2_grpc import CommentServiceStub

from bench import dataset
from bench.load.http2 import END_HEADERS, END_STREAM, HEADERS, frame
from bench.servers import HOST
from prove import hostile, malformed, overload, soak
from prove.attacks import HELLO, _head
from prove.ground import ground
from prove.product import served
from prove.proof import Found
from tests.databases import shared_postgres

pytestmark = pytest.mark.xdist_group("crowds")


@pytest.fixture
def found():
    return Found()


def fresh(kind, **size):
    return ground(kind, shared_postgres() if kind == "postgresql" else None, **size)


@pytest.mark.parametrize("door, engine", [("http", "native"), ("grpc", "native"), ("grpc", "grpcio")])
def test_an_overloaded_server_serves_some_and_refuses_the_others(found, door, engine):
    with fresh("sqlite") as on:
        overload.overloaded(found, on, door, engine, 0, timed=False)

    assert not found.wrong


@pytest.mark.parametrize("engine, doors", [("native", ("http", "grpc")), ("grpcio", ("grpc",))])
def test_hostile_clients_keep_nobody_else_from_being_served(found, engine, doors):
    with fresh("sqlite") as on:
        hostile.besieged(found, on, engine, doors, hostile.SHORT, timed=False)

    assert not found.wrong
    assert found.counts[f"{engine}: attacks"] >= 20
    assert found.counts["uvicorn: attacks"] >= (20 if "http" in doors else 0)


@pytest.mark.parametrize("engine, kind", [("native", "sqlite"), ("grpcio", "postgresql")])
def test_malformed_input_is_refused_and_nothing_breaks(found, engine, kind):
    with fresh(kind) as on:
        malformed.malformed(found, on, engine, 2000, 1, timed=False)

    assert not found.wrong
    for source in ("JSON", "forms", "targets with ids, filters, orders", "whole requests", "gRPC messages", "HTTP/2 frames"):
        assert found.counts[f"inputs: {source}"] > 0


def test_a_path_that_is_no_text_closes_the_door_of_grpcio_for_a_moment_only():
    """grpc.aio ends its whole server over one."""
    with fresh("sqlite") as on, served(on, GAMEHALL_GRPC_ENGINE="grpcio") as product:
        for again in (1, 2):
            with socket.create_connection((HOST, product.grpc_port)) as anybody:
                anybody.sendall(HELLO + frame(HEADERS, END_HEADERS | END_STREAM, 1, _head(path=b"/\xff")))
                while product.told.count("is started again") < again:
                    time.sleep(0.05)
            with grpc.insecure_channel(f"{HOST}:{product.grpc_port}") as channel:
                request = comments_pb2.GetCommentRequest(id=1)
                assert CommentServiceStub(channel).GetComment(request, wait_for_ready=True).comment.id == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_mixed_load_leaves_nothing_open(found, kind):
    with fresh(kind, comments=dataset.COMMENTS, objects=dataset.OBJECTS) as on:
        soak.soaked(found, on, 0, 1, timed=False)

    assert not found.wrong
