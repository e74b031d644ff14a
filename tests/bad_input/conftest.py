"""The caller of the attacks, and proof that they changed nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.bad_input.attacks import Caller
from tests.bridge.http_wire import ask


@pytest.fixture(scope="module")
def caller(world: Any) -> Caller:
    return Caller(world)


@pytest.fixture
def unchanged(caller: Caller) -> Iterator[None]:
    """What the test does changes nothing."""
    before = caller.rows()
    yield
    assert caller.rows() == before


@pytest.fixture(scope="module", autouse=True)
def well(world: Any) -> Iterator[None]:
    """After all attacks of a file the product is well."""
    yield
    assert ask(world.url, "GET", "/health").json() == {"status": "UP", "database": {"status": "UP"}}
    assert world.server.app.in_flight == 0
