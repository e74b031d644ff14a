"""What several tests of the kit start."""

from collections.abc import Iterator

import pytest

from tests.databases import PostgresServer


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the test's own, which it may stop."""
    server = PostgresServer()
    yield server
    server.remove()
