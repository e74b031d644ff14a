"""What the documents show as a request is taken: every example of every body goes to a running deployment, and the answer is as told.

Objects come first, then what changes them: a variable of a path is filled from the answer of the operation that posts to the path before
it (its field of that name, or `id`), else from the parameter's own example.
"""

import json
from typing import Any

import pytest
from gamehall.options.v1.errors_pb2 import ErrorReason
from worlds import World, settings_for, sqlite_url

from tests.contract.reading import Operation, answer_of, examples, fetched, misfits, operations
from tests.databases import shared_postgres

# No example is a token that a provider or a user gave, or a code that a mail brought, and nobody links an account for another: these
# are refused for that alone.
GIVEN_BY_OTHERS = {
    "linkAccounts": "PROVIDER_NOT_SET_UP",
    "linkAccounts1": "PROVIDER_NOT_SET_UP",
    "linkIdentity": "NOT_FOUND",
    "passwordReset": "RESET_CODE",
    "confirmSecondFactor": "NOT_FOUND",
    "disableSecondFactor": "NOT_FOUND",
    "redeemFriendshipToken": "INVALID_VALUE",
    # And none is the number of a video, which every deployment gives its own.
    "addVideoContributor": "INVALID_VALUE",
    "addVideoRelationships": "INVALID_VALUE",
    "updateVideoRelationship": "NOT_FOUND",
}
# What is taken only once of each user.
ONCE = ("addFlag", "addVideoFlag")
# What is about something that an example makes whose path comes later.
LATE = ("sendBREEvent",)
# Where what some variables name is made.
ELSEWHERE = {"user_id": "/users", "template_id": "/objects/templates"}
ORDER = ("POST", "PUT", "PATCH", "DELETE")
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@pytest.fixture(scope="module", params=["sqlite-native", "postgresql-grpcio"])
def stage(request, tmp_path_factory, recorder):
    """A sandbox deployment that nobody else uses: the examples' names are taken only once, and its clock is nobody else's."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("stage"))
    stage = World(settings_for(url, engine, sandbox=True), recorder.observe)
    stage.application(key="shop")
    yield stage
    stage.close()


def order(operation: Operation) -> Any:
    return ORDER.index(operation.verb), operation.id in LATE, operation.path.count("/"), operation.path


def filled(operation: Operation, made: dict[str, Any]) -> str:
    """The path with its variables."""
    parts, path = operation.path.split("/"), operation.path.split("/")
    own = {each["name"]: each.get("example") for each in operation.told["parameters"] if each["in"] == "path"}
    for at, part in enumerate(parts):
        if part.startswith("{"):
            name = part.strip("{}")
            before = ELSEWHERE.get(name, "/".join(path[:at]).rstrip("/"))
            answer = made.get(before, {})
            parts[at] = str(answer.get(name, answer.get("id", own[name])))
    return "/".join(parts)


def test_every_example_is_taken(stage):
    document, admin = fetched(stage, "/openapi.json"), stage.admin()
    # Whoever asks about tokens needs a secret, and a secret has no example.
    server = stage.application("client_credentials", public=False)
    made: dict[str, Any] = {}
    sent = []

    for operation in sorted((each for each in operations(document) if "requestBody" in each.told), key=order):
        status, schema = answer_of(document, operation)
        # What is deleted is there only once.
        for kind, _, example in examples(document, operation)[: 1 if operation.verb == "DELETE" or operation.id in ONCE else None]:
            content = {"data": example} if kind == FORM else {"data": json.dumps(example) if kind == JSON else example}
            headers = {"Authorization": None} if kind == FORM else {"Content-Type": kind}
            if operation.id == "introspectToken":
                content = {"data": {**example, "client_id": server[0], "client_secret": server[1]}}
            answer = admin.request(operation.verb, filled(operation, made), headers=headers, **content)
            if operation.id in GIVEN_BY_OTHERS:
                assert answer.json()["code"] == ErrorReason.Value(f"ERROR_REASON_{GIVEN_BY_OTHERS[operation.id]}"), answer.text
                continue
            assert answer.status_code == status, f"{operation.id} as {kind}: {answer.text}"
            if schema is not None:
                said = answer.json() if answer.headers["content-type"].startswith(JSON) else answer.text
                assert misfits(document, schema, said) == [], operation.id
                made[operation.path] = said
            sent.append(operation.id)

    assert {"addComment", "updateComment", "registerUser", "getOAuthToken"} <= set(sent)
