"""Swagger UI in a real browser: what a person who opens it sees, and that it loads and asks nothing from anywhere else."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from people import PASSWORD
from worlds import World, settings_for, sqlite_url

from tests.contract.reading import fetched
from tests.sdk.test_node_clients import node

CHROMIUM = shutil.which("chromium")
DRIVER = Path(__file__).parent / "node_modules" / "playwright-core"
pytestmark = pytest.mark.skipif(CHROMIUM is None or not DRIVER.is_dir(), reason="needs chromium and `npm ci --prefix tests/sdk`")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory) -> Iterator[World]:
    """One is enough: what a page shows depends on no database and no gRPC engine."""
    world = World(settings_for(sqlite_url(tmp_path_factory.mktemp("ui")), "native"))
    yield world
    world.close()


@pytest.mark.parametrize("document", ["openapi.json", "swagger-doc"])
def test_a_person_signs_in_and_tries_an_operation(deployment, document):
    ann = deployment.person("ann")

    saw = node("swagger_ui.js", url=deployment.url, document=document, chromium=CHROMIUM, username=ann.username, password=PASSWORD)

    assert saw["complaints"] == []
    assert [address for address in saw["asked"] if not address.startswith(f"{deployment.url}/")] == []
    assert saw["tags"] == [tag["name"] for tag in fetched(deployment, f"/{document}")["tags"]]
    assert "Permissions Needed: any signed-in user or client." in saw["told"]
    assert saw["answers"] == ["200", "400", "401", "403", "404", "default"]
    mine = ann.get("/users/me").json()
    assert saw["status"] == "200"
    assert {**json.loads(saw["body"]), "last_activity": mine["last_activity"]} == mine
