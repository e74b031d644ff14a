"""Schemathesis reads /openapi.json of a running deployment and attacks every operation: no server error, no answer that the document
does not tell (status, media type, schema, headers), no operation that takes a call without a token, or with a wrong one, which the
document says it needs, and nobody's own records in another's hands."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import World, settings_for, sqlite_url

from tests.contract.reading import fetched, operations
from tests.contract.test_access_matrix import EVERY_CALLER
from tests.databases import shared_postgres

CONFIG = Path(__file__).with_name("schemathesis.toml")
# Every phase with all its inputs takes a quarter of an hour: that is for make prove name=objects.
THOROUGH = bool(os.environ.get(EVERY_CALLER))
# Whoever may do everything may lock itself out, and everything after that would only be refused. Others are refused these.
ENDS_ACCESS = {
    "setPassword": "PUT /users/{id}/password",
    "setUserRoles": "PUT /auth/users/{user_id}/roles",
    "deleteTokens": "DELETE /auth/tokens",
    "endSession": "DELETE /users/{user_id}/sessions/{id}",
    "endSessions": "DELETE /users/{user_id}/sessions",
}
# What nobody can make up: a token of a provider or of a user, a client's secret, an application's address, a code from a letter, who is
# signed in, the number of a device with users, the code of an app.
GIVEN_BY_OTHERS = {
    "POST /social/facebook/users",
    "POST /social/google/users",
    "POST /users/{user_id}/identities",
    "DELETE /users/{user_id}/identities/{id}",
    "GET /oauth/authorize",
    "POST /oauth/authorize",
    "PUT /users/{id}/password-reset",
    "GET /auth/tokens/{username}/{client_id}",
    "POST /oauth/introspect",
    "GET /users/{user_id}/sessions/{id}",
    "PUT /users/{user_id}/second-factor",
    "POST /users/{user_id}/second-factor/disable",
    "DELETE /users/{user_id}/second-factor",
    "DELETE /devices/{id}/users",
    "DELETE /devices/{id}/users/{user_id}",
    "POST /devices/{id}/users",
    "POST /users/{user_id}/friends/tokens",
    # An event of a trigger that there is.
    "POST /bre/events",
    "GET /bre/logs/event-log/{id}",
    # A rule whose names are all there.
    "POST /bre/rules/try",
    # Who is signed in, and a user with a game that is called back.
    "POST /kongregate/games/{id}/users/{user_id}/token",
    "POST /kongregate/games/{id}/users/{user_id}/rotate-token",
    "POST /kongregate/games/{id}/invalidate-inventory",
    # The numbers and names of what belongs to something else, and the id of a template.
    "GET /media/polls/{id}/response",
    "DELETE /media/videos/{id}",
    "DELETE /media/videos/{video_id}/comments/{id}",
    "POST /media/videos/{video_id}/contributors",
    "DELETE /media/videos/{video_id}/contributors/{id}",
    "DELETE /media/videos/{video_id}/dispositions/{disposition_id}",
    "POST /media/videos/{video_id}/related",
    "DELETE /media/videos/{video_id}/related/{id}",
    "PUT /media/videos/{video_id}/related/{id}/relationship_details",
    "DELETE /media/videos/{video_id}/whitelist/{id}",
    "GET /objects/{template_id}",
    "POST /objects/{template_id}",
    "GET /objects/{template_id}/{object_id}",
    "PUT /objects/{template_id}/{object_id}",
    "DELETE /objects/{template_id}/{object_id}",
    "POST /users/groups/{unique_name}/members/batch-add",
    "GET /users/groups/{unique_name}/members/{user_id}",
    "DELETE /users/groups/{unique_name}/members/{user_id}",
    "PUT /users/groups/{unique_name}/members/{user_id}/order",
    "PUT /users/groups/{unique_name}/members/{user_id}/properties",
    "PUT /users/groups/{unique_name}/members/{user_id}/status",
}


@pytest.fixture
def deployment(request, tmp_path) -> Iterator[World]:
    """One of its own on this database: an administrator who may do anything locks it, too."""
    url = sqlite_url(tmp_path) if request.param == "sqlite" else shared_postgres().fresh()
    world = World(settings_for(url, "native"))
    yield world
    world.close()


@pytest.fixture
def callers(deployment, tmp_path) -> Path:
    """The callers' tokens, in the format of Web Fuzzing Commons."""
    people = {"administrator": deployment.admin(), "ann": deployment.person("ann"), "bob": deployment.person("bob")}
    headers = {name: [{"name": "Authorization", "value": f"Bearer {person.token}"}] for name, person in people.items()}
    path = tmp_path / "callers.json"
    path.write_text(json.dumps({"auth": [{"name": name, "fixedHeaders": fixed} for name, fixed in headers.items()]}))
    return path


@pytest.mark.parametrize("deployment, caller", [("postgresql", "administrator"), ("sqlite", "ann")], indirect=["deployment"])
def test_every_operation_does_what_the_document_says(deployment, callers, tmp_path, caller, record_property):
    told = tmp_path / "report.json"
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG, "run", f"{deployment.url}/openapi.json"]
    command += ["--no-color", "--report-json-path", told]
    left_out = ENDS_ACCESS if caller == "administrator" else {}
    command += [f"--exclude-operation-id={name}" for name in left_out]
    if not THOROUGH:
        command += ["--phases=examples,fuzzing", "--max-examples=2"]
    environment = {**os.environ, "GAMEHALL_CALLERS": str(callers), "GAMEHALL_CALLER": caller}

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(told.read_text())
    names = {f"{operation.verb} {operation.path}" for operation in operations(fetched(deployment, "/openapi.json"))} - {*left_out.values()}
    taken = {name for name, phases in report["valid_rates"].items() if any(phase["accepted"] for phase in phases.values())}
    record_property("attacked", report["operations"]["tested"])
    assert report["operations"]["tested"] == len(names)
    # Nothing was only refused: who may do everything has got an answer from each.
    untold = {name for name in names - taken if not name.endswith("/templates/{id}")} - GIVEN_BY_OTHERS
    assert not THOROUGH or caller != "administrator" or untold == set()
