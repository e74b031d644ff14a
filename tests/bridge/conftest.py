"""A deployment of our own, and connections to it."""

import pytest
from gamehall_bridge import app, deadlines, protocol
from worlds import World, settings_for, sqlite_url

from tests.bridge.http_wire import wire


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """A deployment of our own: HTTP is the same on every database and engine."""
    world = World(settings_for(sqlite_url(tmp_path_factory.mktemp("hall")), "native"))
    yield world
    world.close()


@pytest.fixture(scope="module")
def url(hall):
    return hall.url


@pytest.fixture
def connection(url):
    with wire(url) as connection:
        yield connection


@pytest.fixture
def short_patience(monkeypatch):
    """Slow clients are given up on at once."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(app, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(deadlines, "TICK_SECONDS", 0.05)
