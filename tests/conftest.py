"""Running servers and people. Nothing about a module."""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import grpc
import pytest
from people import CANARIES, Person, fresh
from recording import Recorder
from watching import WatchedLog
from worlds import TOKENS_LAST, World, settings_for, sqlite_url

from tests.databases import shared_postgres

# Every test through a front door runs on each of these: both databases, both gRPC engines.
WORLDS = ("sqlite-native", "sqlite-grpcio", "postgresql-native", "postgresql-grpcio")
# What is asked of every operation or field alike runs on two: each database and each engine once. What is special about one of the four
# is the storage's or the engine's, and their own tests run on all.
EACH_ONCE = ("sqlite-grpcio", "postgresql-native")
ALIKE = ("tests/contract/", "tests/bad_input/", "tests/sdk/", "tests/modules/test_maintenance.py")
SKIPS = Path(__file__).parent / "skips.txt"


@pytest.fixture(scope="session")
def recorder() -> Iterator[Recorder]:
    """Keeps which operations were answered and refused; docs/operations.md is made from it."""
    recorder = Recorder()
    yield recorder
    recorder.write()


@pytest.fixture(scope="session", autouse=True)
def watched_log() -> Iterator[WatchedLog]:
    """The log of the whole run, as the product writes it: no secret that the tests made may stand in it."""
    watched = WatchedLog(CANARIES)
    logging.getLogger().addHandler(watched)
    logging.getLogger("gamehall").setLevel(logging.INFO)
    yield watched
    logging.getLogger().removeHandler(watched)
    assert watched.caught == []


@pytest.fixture
def canaries() -> set[str]:
    """Every secret that the run has made."""
    return CANARIES


@pytest.fixture(scope="session", params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, recorder: Recorder) -> Iterator[World]:
    """A running deployment."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("world"))
    world = World(settings_for(url, engine), recorder.observe)
    yield world
    world.close()


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Folders of tests over all operations make do with two deployments. Who says which needs no more."""
    told = any("world" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if told or "world" not in metafunc.fixturenames or hasattr(metafunc.module, "world"):
        return
    if metafunc.definition.nodeid.startswith(ALIKE):
        # As a mark it comes in the place of the fixture's own.
        metafunc.definition.add_marker(pytest.mark.parametrize("world", EACH_ONCE, indirect=True, scope="session"))


@pytest.fixture
def ann(world: World) -> Person:
    """A user."""
    return world.person("ann")


@pytest.fixture
def bob(world: World) -> Person:
    """Another user."""
    return world.person("bob")


@pytest.fixture
def nobody(world: World) -> Person:
    """A caller without a token."""
    return world.nobody()


@pytest.fixture(scope="session")
def admins() -> dict[str, tuple[float, Person]]:
    """The administrators of the worlds, and when they signed in."""
    return {}


@pytest.fixture
def admin(world: World, admins: dict[str, tuple[float, Person]]) -> Person:
    """The administrator. A world may last longer than a token."""
    if world.url not in admins or time.monotonic() - admins[world.url][0] > TOKENS_LAST:
        admins[world.url] = time.monotonic(), world.admin()
    return admins[world.url][1]


@pytest.fixture
def refused() -> Callable[[str], contextlib.AbstractContextManager[list[grpc.RpcError]]]:
    """`with refused("NOT_FOUND") as refusal:` expects gRPC to refuse so; the error is refusal[0]."""

    @contextlib.contextmanager
    def expect(code: str) -> Iterator[list[grpc.RpcError]]:
        caught: list[grpc.RpcError] = []
        with pytest.raises(grpc.RpcError) as raised:
            yield caught
        caught.append(raised.value)
        assert raised.value.code().name == code, raised.value

    return expect


@pytest.fixture
def subject() -> Callable[[], str]:
    """Gives the context_id of an object that no other test speaks of."""
    return lambda: fresh("thing")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip that tests/skips.txt does not list is a failure; with GAMEHALL_NO_SKIPS every skip is."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        listed = [line.split("#")[0].strip() for line in SKIPS.read_text().splitlines()]
        if os.environ.get("GAMEHALL_NO_SKIPS") or report.nodeid.split("::")[0] not in listed:
            report.outcome = "failed"
            why = "skipped, and tests/skips.txt does not list it (or nothing may be skipped here)"
            report.longrepr = f"{report.nodeid}: {why}: {report.longrepr}"
    return report
