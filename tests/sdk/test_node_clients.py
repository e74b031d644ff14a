"""The clients of Node: the published KnetikCloud SDK, grpc-js with the .proto files alone, and Postman's import of the documents."""

import json
import re
import shutil
import subprocess
from mailbox import code_in, letter_to
from pathlib import Path
from typing import Any

import pytest
from people import CANARIES, PASSWORD, Person, fresh
from worlds import World

from tests.contract.reading import examples, fetched, misfits, operations
from tests.modules.providers import twin
from tests.modules.signing_in import CONFIGS, put
from tests.sdk.published import ANSWERS, METHODS, Comparison, as_the_sdk_reads
from tests.sdk.steps import steps
from tests.sdk.variants import with_variants

HERE = Path(__file__).parent
NODE = shutil.which("node")
SECONDS = 120
pytestmark = pytest.mark.skipif(NODE is None or not (HERE / "node_modules").is_dir(), reason="needs node and `npm ci --prefix tests/sdk`")


def node(script: str, **given: Any) -> Any:
    """What a script tells."""
    # What the libraries use that a newer Node will drop is not for us to hear.
    done = subprocess.run(
        [NODE, "--no-deprecation", script], cwd=HERE, input=json.dumps(given), capture_output=True, text=True, timeout=SECONDS
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


def newcomer(word: str) -> dict[str, str]:
    username = fresh(word)
    return {"username": username, "email": f"{username}@example.com", "password": PASSWORD}


def provided(admin: Person) -> dict[str, str]:
    """Both social providers set up, and what they gave an application."""
    there = twin()
    values = (there.app_id, there.app_secret, there.google.client_id, there.google.secret)
    for name, value in zip(CONFIGS, values, strict=True):
        put(admin, name, value)
    return {"facebook": there.facebook_token(), "google": there.google.code()}


@pytest.fixture(scope="module")
def calls(world: World) -> list[dict[str, Any]]:
    """Every call of calls.json and its answer."""
    server, admin = world.client("ROLE_USER"), world.client("ROLE_ADMIN")
    given = {**newcomer("knetik"), "client": server.username, "secret": server.refresh_token}
    forgetful = world.person("forgetful")
    assert forgetful.post(f"/users/{forgetful.id}/password-reset").status_code == 204
    code = code_in(letter_to(world, f"{forgetful.username}@example.com"))
    given |= {"forgetful": forgetful.id, "code": code, "tag": fresh("tag")}
    given |= {
        "admin": admin.token,
        "config": fresh("game.colour."),
        "word": fresh("WORD_"),
        "long": fresh("a-secret-of-the-game-server-x-"),
        **provided(admin),
    }
    CANARIES.add(given["long"])
    calls = with_variants(steps(), METHODS, fresh("knetik"))
    return node("knetik.js", url=world.url, given=given, calls=calls)


@pytest.fixture
def answered(calls):
    return [call for call in calls if "refused" not in call]


@pytest.fixture
def refusals(calls):
    return [call for call in calls if "refused" in call]


def body_of(call: dict[str, Any]) -> Any:
    text = call["answer"]["text"]
    if ANSWERS[call["call"]] == "string" and "refused" not in call:
        # Bare, so that the published clients read it as it is.
        return text
    return json.loads(text) if text else None


def model_of(call: dict[str, Any]) -> str:
    """What a call answers: as published, or the kind of it that calls.json tells."""
    return str(call.get("model", ANSWERS[call["call"]]))


def test_every_call_ends_as_it_should(calls):
    ends = [call["answer"]["status"] for call in calls]

    assert ends == [call.get("refused") or call.get("status") or (200 if ANSWERS[call["call"]] else 204) for call in calls]


def test_answers_tell_what_was_asked_for(answered):
    for call in answered:
        told = body_of(call)
        assert {name: told[name] for name in call.get("tells", ())} == call.get("tells", {}), call["call"]


def test_answers_have_the_published_fields_and_no_others(answered):
    comparison = Comparison()
    for call in answered:
        if ANSWERS[call["call"]]:
            comparison.compare(body_of(call), model_of(call), call["call"])

    assert comparison.problems == []
    assert comparison.missing() == []


def test_the_sdk_reads_every_field(answered):
    for call in answered:
        assert call["answer"]["data"] == as_the_sdk_reads(body_of(call), model_of(call)), call["call"]


def test_the_sdk_makes_its_own_objects(answered):
    for call in answered:
        published = ANSWERS[call["call"]].removeprefix("array<").removesuffix(">")
        assert call["answer"]["models"] == [published if published not in ("", "object", "string") else None], call["call"]


def test_refusals_have_the_published_shape_and_name_the_field(refusals):
    comparison = Comparison()
    for call in refusals:
        told = body_of(call)
        if "error" in call:
            assert (told.keys(), told["error"]) == ({"error", "error_description"}, call["error"])
        else:
            comparison.compare(told, "Result", call["call"])
            assert [result["field"] for result in told["result"]] == [call.get("field")], call["call"]

    assert comparison.problems == []
    assert comparison.missing() == []


@pytest.fixture(scope="module")
def program(world: World) -> dict[str, Any]:
    """What a program tells that has the address and the .proto files."""
    return node("grpc.js", address=world.grpc_address, protos=str(HERE.parents[1] / "protos"), **newcomer("node"))


def test_the_proto_files_alone_make_a_grpc_client(program):
    user, said, page, edited = (program[name] for name in ("user", "comment", "page", "edited"))

    assert said["user"]["id"] == user["id"]
    assert page["content"] == [said]
    assert (page["page_info"]["total_elements"], page["page_info"]["size"]) == (1, 25)
    assert edited == {**said, "content": "edited", "summary": "edited", "updated_date": edited["updated_date"]}
    assert program["token"]["token_type"] == "bearer"


def test_grpc_refusals_tell_node_the_reason_and_the_field(program):
    refused = program["refused"]

    details = {name: refusal["details"] for name, refusal in refused.items()}
    assert {name: (refusal["code"], details[name]["google.rpc.ErrorInfo"]["reason"]) for name, refusal in refused.items()} == {
        "unsigned": ("UNAUTHENTICATED", "TOKEN_MISSING"),
        "empty": ("INVALID_ARGUMENT", "REQUIRED"),
        "deleted": ("NOT_FOUND", "NOT_FOUND"),
    }
    violations = details["empty"]["google.rpc.BadRequest"]["field_violations"]
    assert [violation["field"] for violation in violations] == ["comment.content"]


@pytest.mark.parametrize("path", ["/swagger-doc", "/openapi.json"])
def test_postman_imports_every_operation_with_its_example(world, path):
    document = fetched(world, path)
    told = {(each.verb, each.path): each for each in operations(document)}

    made = node("postman.js", document=json.dumps(document))

    named = {(each["method"], re.sub(r":(\w+)", r"{\1}", "/" + "/".join(each["url"]["path"]))): each for each in made}
    assert "<Error" not in json.dumps(made)
    assert (len(made), named.keys()) == (len(told), told.keys())
    for name, operation in told.items():
        shown = [(schema, example) for kind, schema, example in examples(document, operation) if kind == "application/json"]
        if shown:
            schema, body = shown[0][0], json.loads(named[name]["body"]["raw"])
            assert misfits(document, schema, body) == []
            # Swagger 2.0 has one model for all bare texts, such ones for numbers, words and truths, and one for all kinds of expressions,
            # and no place beside them for an example.
            model = schema.get("$ref", "").rpartition("/")[2]
            assert body in [example for _, example in shown] or "Wrapper" in model or model == "ExpressionResource"
