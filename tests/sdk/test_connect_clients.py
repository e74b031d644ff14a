"""Connect's official clients with generated code, unmodified: Connect in JSON, binary and by GET, gRPC-Web, and gRPC itself."""

import time
from pathlib import Path
from typing import Any

import pytest
from grpc_tools import protoc
from people import PASSWORD, fresh
from worlds import World

from tests.sdk.test_node_clients import HERE, NODE, node

PROTOS = HERE.parents[1] / "protos"
TRANSPORTS = [
    *(f"connect-node {name}" for name in ("json", "binary", "get", "grpc-web", "grpc")),
    *(f"connect-web {name}" for name in ("json", "binary", "get", "grpc-web")),
]
pytestmark = pytest.mark.skipif(NODE is None or not (HERE / "node_modules").is_dir(), reason="needs node and `npm ci --prefix tests/sdk`")


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What protoc-gen-es makes of the contract."""
    out = tmp_path_factory.mktemp("es")
    (out / "node_modules").symlink_to(HERE / "node_modules")
    includes = [f"-I{PROTOS / 'vendor'}", f"-I{PROTOS}", f"-I{Path(protoc.__file__).parent / '_proto'}"]
    plugin = [
        f"--plugin={HERE / 'node_modules/.bin/protoc-gen-es'}",
        f"--es_out={out}",
        "--es_opt=target=js,js_import_style=legacy_commonjs",
    ]
    assert protoc.main(["protoc", *includes, *plugin, *(str(path) for path in PROTOS.rglob("*.proto"))]) == 0
    return out


@pytest.fixture(scope="module")
def told(world: World, generated: Path) -> dict[str, Any]:
    """What every transport gave."""
    users = {}
    for name in TRANSPORTS:
        username = fresh("connect")
        users[name] = {"username": username, "email": f"{username}@example.com"}
    return node("connect.js", url=world.url, address=world.grpc_address, generated=str(generated), password=PASSWORD, users=users)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_transport_does_the_same(told, transport):
    steps = told[transport]
    said = steps["comment"]

    assert said["user"]["id"] == int(steps["id"])
    assert said["content"] == "grüße 🎲"
    assert steps["again"] == said
    assert (steps["page"], steps["total"]) == ([said], "1")
    assert steps["edited"] == {**said, "content": "edited", "summary": "edited", "updatedDate": steps["edited"]["updatedDate"]}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_transport_follows_a_stream_and_leaves_it(world, told, transport):
    assert told[transport]["states"] == ["UP", "Canceled"]
    while world.server.app.streams.open:
        time.sleep(0.02)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_transport_tells_why_a_call_is_refused(told, transport):
    assert told[transport]["refused"] == {
        "unsigned": {"code": "Unauthenticated", "reason": "TOKEN_MISSING", "fields": []},
        "forged": {"code": "Unauthenticated", "reason": "TOKEN_INVALID", "fields": []},
        "empty": {"code": "InvalidArgument", "reason": "REQUIRED", "fields": ["comment.content"]},
        "reused": {"code": "FailedPrecondition", "reason": "KEY_REUSED", "fields": ["Idempotency-Key"]},
        "deleted": {"code": "NotFound", "reason": "NOT_FOUND", "fields": ["id"]},
    }
