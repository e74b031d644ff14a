"""The proofs with many or hostile clients in their short form. One after the other: each keeps a core busy."""

import pytest

from bench import dataset
from prove import hostile, malformed, overload, soak
from prove.ground import ground
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


@pytest.mark.parametrize("engine, kind", [("native", "sqlite"), ("native", "postgresql")])
def test_malformed_input_is_refused_and_nothing_breaks(found, engine, kind):
    with fresh(kind) as on:
        malformed.malformed(found, on, engine, 2000, 1, timed=False)

    assert not found.wrong
    for source in ("JSON", "forms", "targets with ids, filters, orders", "whole requests", "gRPC messages", "HTTP/2 frames"):
        assert found.counts[f"inputs: {source}"] > 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_mixed_load_leaves_nothing_open(found, kind):
    with fresh(kind, comments=dataset.COMMENTS, objects=dataset.OBJECTS) as on:
        soak.soaked(found, on, 0, 1, timed=False)

    assert not found.wrong
