"""Deployments whose callers are made once, and sandboxes beside them."""

import time
from collections.abc import Callable, Iterator

import pytest
from worlds import TOKENS_LAST, World, settings_for, sqlite_url

from tests.contract.callers import Cast, cast_of
from tests.databases import shared_postgres


@pytest.fixture(scope="session")
def sandbox_of(tmp_path_factory: pytest.TempPathFactory, recorder) -> Iterator[Callable[[World], World]]:
    """`sandbox_of(world)` is a sandbox deployment on the same kind of database with the same engine."""
    sandboxes: dict[str, World] = {}

    def sandbox_of(world: World) -> World:
        if world.url not in sandboxes:
            on_sqlite = world.settings.database_url.startswith("sqlite")
            url = sqlite_url(tmp_path_factory.mktemp("sandbox")) if on_sqlite else shared_postgres().fresh()
            sandboxes[world.url] = World(settings_for(url, world.settings.grpc_engine, sandbox=True), recorder.observe)
        return sandboxes[world.url]

    yield sandbox_of
    for sandbox in sandboxes.values():
        sandbox.close()


@pytest.fixture(scope="session")
def cast() -> Callable[[World], Cast]:
    """`cast(world)` is everybody who calls there."""
    casts: dict[str, tuple[float, Cast]] = {}

    def cast(world: World) -> Cast:
        # A world may last longer than the tokens of its callers.
        if world.url not in casts or time.monotonic() - casts[world.url][0] > TOKENS_LAST:
            casts[world.url] = time.monotonic(), cast_of(world)
        return casts[world.url][1]

    return cast
