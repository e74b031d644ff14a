"""What holds at the server's own HTTP door holds through `gamehall bridge` in front of it."""

import pytest
from worlds import World, settings_for, sqlite_url

from tests.contract import doors
from tests.contract.given import METHODS
from tests.contract.test_access_matrix import wrong_ends
from tests.contract.test_bridge_alone import alone
from tests.modules.test_comments import *  # noqa: F403  # All about comments,
from tests.modules.test_tokens import *  # noqa: F403  # tokens
from tests.modules.test_users import *  # noqa: F403  # and users.

# One for each way that a policy ends: the server decides, and the bridge only has to hand on what it says.
CALLERS = {"anonymous", "the owner", "another user", "the administrator", "a user without a role", "an expired token"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A deployment that is known by the address of a bridge in front of it."""
    server = World(settings_for(sqlite_url(tmp_path_factory.mktemp("world")), "native", sandbox=True, trusted_proxies="127.0.0.1"))
    with alone(tmp_path_factory.mktemp("bridge"), server.grpc_address, GAMEHALL_SANDBOX="true") as bridge:
        server.url = bridge.url
        yield server
    server.close()


def wrong(world, cast, name, door):
    """As of the access matrix, with these callers."""
    there, method = cast(world), METHODS[name]
    callers = [caller for caller in there.callers if caller.name in CALLERS]
    return wrong_ends(method, there, callers, lambda request, caller: doors.DOORS[door](world, method, request, caller.token))


@pytest.mark.parametrize("name", METHODS)
def test_the_policy_decides(world, cast, name):
    assert wrong(world, cast, name, "http") == []


# One of each service: what they say is the same, in other words.
SPOKEN = list({method.containing_service: name for name, method in METHODS.items() if not doors.rules_of(method).sandbox}.values())


@pytest.mark.parametrize("door", ["connect", "grpc-web"])
@pytest.mark.parametrize("name", SPOKEN)
def test_and_in_other_tongues(world, cast, name, door):
    assert wrong(world, cast, name, door) == []
