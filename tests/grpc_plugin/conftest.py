"""pytest-grpc over the real server: two of its fixtures are overridden, all others work as its own documentation tells.

Its own server knows neither asyncio nor rich errors, and its fake server no servicer of today's grpcio.
"""

import pytest
from worlds import World


@pytest.fixture(scope="session")
def grpc_server(world: World) -> World:
    """The running deployment, in place of a server that pytest-grpc would make of `grpc_add_to_server` and `grpc_servicer`."""
    return world


@pytest.fixture(scope="session")
def grpc_addr(grpc_server: World) -> str:
    """Where it listens."""
    return grpc_server.grpc_address
