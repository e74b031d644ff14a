"""Swagger 2.0 and OpenAPI 3.1 as the deployment serves them: valid, whole, and with the published names."""

import json
import re
from collections import Counter

import pytest
from gamehall_bridge.documents.operations import parameter_fields
from gamehall_bridge.parameters import parameters_of
from gamehall_server.contract import bindings
from gamehall_server.servicers import SERVICERS, for_sandbox
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV31SpecValidator

from bench.published import operations as published
from tests.contract.doors import rules_of
from tests.contract.reading import answer_of, examples, fetched, misfits, operations
from tests.sdk.published import METHODS as SERVED
from tests.sdk.published import MODELS

PATHS = {"/swagger-doc": OpenAPIV2SpecValidator, "/openapi.json": OpenAPIV31SpecValidator}
METHODS = {method.full_name: method for servicer in SERVICERS for method in servicer.service.methods}
PUBLISHED = [operation for operation in published() if operation.name in SERVED]
# Health has no published model.
UNPUBLISHED = {"GetHealthResponse", "Component"}
each_document = pytest.mark.parametrize("path", PATHS)
each_kind = pytest.mark.parametrize("sandbox", [False, True], ids=["ordinary", "sandbox"])


@pytest.fixture
def deployment(world, sandbox_of, request):
    sandbox = request.node.callspec.params.get("sandbox", False)
    return sandbox_of(world) if sandbox else world


@pytest.fixture
def document(deployment, path):
    return fetched(deployment, path)


def references(value):
    """The names of every schema that a part of a document refers to."""
    if isinstance(value, dict):
        if isinstance(pointer := value.get("$ref"), str):
            yield pointer.rpartition("/")[2]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


@each_kind
@each_document
def test_the_document_is_valid(document, path, sandbox):
    assert [error.message for error in PATHS[path](document).iter_errors()] == []


@each_kind
@each_document
def test_every_served_route_is_in_it_once(document, path, sandbox):
    services = [servicer.service for servicer in SERVICERS if sandbox or not for_sandbox(servicer)]
    routes = {(route.verb, route.path.replace("=**}", "}")): METHODS[route.rpc] for route in bindings(services)}

    found = list(operations(document))

    assert sorted((operation.verb, operation.path) for operation in found) == sorted(routes)
    assert [name for name, count in Counter(operation.id for operation in found).items() if count > 1] == []
    for operation in found:
        published = rules_of(routes[operation.verb, operation.path]).published
        if published.operation:
            # A second path of an operation has another id: each is there once.
            assert operation.id in (published.operation, f"{published.tag}_{published.operation}")
            assert operation.told["tags"] == [published.tag]
        assert operation.told["summary"]


@each_document
def test_published_operations_are_as_published(document, path):
    found = {(operation.verb, operation.path): operation for operation in operations(document)}

    for operation in PUBLISHED:
        told = found[operation.method, operation.path]
        status, schema = answer_of(document, told)
        # One of 2017 and one of 2018 are called alike.
        assert (told.id, status) in [(name, operation.success) for name in (operation.operation, f"{operation.tag}_{operation.operation}")]
        if operation.model in MODELS:
            assert list(references(schema)) == [operation.model]


@each_document
def test_models_have_their_published_names(document, path):
    models = document["components"]["schemas"] if "openapi" in document else document["definitions"]
    bodies = {"addComment": "CommentResource", "registerUser": "UserResource"}

    for name, model in bodies.items():
        assert {model} == {found for _, schema, _ in examples(document, found_operation(document, name)) for found in references(schema)}
    used = {name for each in PUBLISHED for name in references(answer_of(document, found_operation(document, each.operation))[1])}
    used |= {name for model in used for name in references(models[model])}
    assert used >= {"CommentResource", "PageResourceCommentResource", "SimpleUserResource", "Order", "OAuth2Resource"}
    # In OpenAPI what is of no kind that is known has a name as well.
    assert used - MODELS.keys() - {"DeviceResourceOther"} == UNPUBLISHED


@each_document
def test_no_two_paths_are_the_same_but_for_their_variables(document, path):
    shapes = Counter("/".join("{}" if part.startswith("{") else part for part in each.split("/")) for each in document["paths"])

    assert [shape for shape, count in shapes.items() if count > 1] == []


@each_kind
@each_document
def test_every_body_has_an_example_that_fits(document, path, sandbox):
    for operation in operations(document):
        takes = "requestBody" in operation.told or any(parameter["in"] == "body" for parameter in operation.told["parameters"])
        shown = examples(document, operation)
        assert bool(shown) == takes, f"{operation.id} needs examples: FieldRules.example on fields of its body"
        for kind, schema, example in shown:
            assert misfits(document, schema, example) == [], f"{operation.id} as {kind}"


@each_document
def test_it_tells_who_may_call(document, path):
    told = {operation.id: operation.told for operation in operations(document)}

    assert told["deleteComment"]["x-permissions"] == {"any": ["COMMENTS_ADMIN"], "own": ["COMMENTS_USER"]}
    assert "COMMENTS_ADMIN, or COMMENTS_USER for the caller's own records" in told["deleteComment"]["description"]
    assert {} not in told["deleteComment"]["security"]
    assert {} in told["getComments"]["security"]
    assert told["getUser"]["x-permissions"] == {"any": ["*"], "own": [], "also": ["USERS_ADMIN"]}


@pytest.mark.parametrize("name", METHODS)
def test_query_parameters_are_those_that_are_read(name):
    fields = METHODS[name].input_type.fields

    assert [parameter for parameter, _ in parameter_fields(fields, set())] == list(parameters_of(fields, set()))


@each_document
def test_the_models_of_refusals_are_the_published_ones(document, path, nobody):
    models = document["components"]["schemas"] if "openapi" in document else document["definitions"]
    place = "#/components/schemas/" if "openapi" in document else "#/definitions/"
    refusal, unsigned = nobody.get("/comments").json(), nobody.get("/me").json()

    assert {"code", "request_id", "result"} == set(models["Result"]["required"])
    assert misfits(document, {"$ref": f"{place}ErrorResource"}, {**refusal["result"][0], "field": "x", "details": {}}) == []
    if "openapi" in document:
        assert misfits(document, {"$ref": f"{place}Result"}, refusal) == misfits(document, {"$ref": f"{place}Result"}, unsigned) == []


@each_document
def test_refusals_are_shown_with_examples(document, path, nobody):
    modern = "openapi" in document
    answers = document["components"]["responses"] if modern else document["responses"]
    shown = {
        name: told["content"]["application/json"]["example"] if modern else told["examples"]["application/json"]
        for name, told in answers.items()
    }
    reasons = {each["code"]: each["http_statuses"] for each in nobody.get("/error-codes").json()}

    for operation in operations(document):
        for status, told in operation.told["responses"].items():
            example = shown[told["$ref"].rpartition("/")[2]] if "$ref" in told else {}
            assert status == "default" or "code" not in example or int(status) in reasons[example["code"]]
    assert shown["BadRequest"]["result"] == [{"field": "content", "message": "at most 5000 characters", "details": None}]
    assert shown["Unauthorized"]["result"] == nobody.get("/me").json()["result"]
    assert shown["TokenRefused"] == {"error": "invalid_grant", "error_description": "Wrong user name or password."}


@each_document
def test_a_page_of_comments_is_asked_for_in_full(document, path):
    parameters = {each["name"]: each for each in found_operation(document, "getComments").told["parameters"]}

    size = parameters["size"] | parameters["size"].get("schema", {})
    assert (size["in"], size["required"], size["type"], size["minimum"], size["maximum"], size["default"]) == (
        "query",
        False,
        "integer",
        1,
        1000,
        25,
    )
    assert parameters["context"]["required"]


@each_document
def test_what_a_header_and_a_user_id_may_be_is_told(document, path):
    found = [
        (each["name"], each.get("schema", each))
        for name in ("addComment", "getUser")
        for each in found_operation(document, name).told["parameters"]
    ]
    patterns = {name: re.compile(schema["pattern"]) for name, schema in found if "pattern" in schema}

    assert {name: [bool(pattern.search(text)) for text in ("me", "17", "a b", "")] for name, pattern in patterns.items()} == {
        "Idempotency-Key": [True, True, False, True],
        "id": [True, True, False, False],
    }


def test_a_token_is_asked_for_with_a_form(world):
    old, new = (found_operation(fetched(world, path), "getOAuthToken").told for path in PATHS)

    assert {each["in"] for each in old["parameters"]} == {"formData"}
    assert old["consumes"] == list(new["requestBody"]["content"]) == ["application/x-www-form-urlencoded"]
    assert "OAuthError" not in json.dumps(old["responses"])
    assert old["responses"]["400"] == {"$ref": "#/responses/TokenRefused"}
    assert new["responses"]["401"] == {"$ref": "#/components/responses/ClientRefused"}


def found_operation(document, name):
    return next(operation for operation in operations(document) if operation.id == name)
