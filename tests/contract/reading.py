"""The documents as a tool reads them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from jsonschema import Draft4Validator
from openapi_schema_validator import OAS31Validator
from worlds import World

Document = dict[str, Any]
VERBS = ("get", "put", "post", "delete", "patch")


class Operation(NamedTuple):
    """One operation of a document."""

    verb: str
    path: str
    told: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.told["operationId"])


def fetched(world: World, path: str) -> Document:
    """A document as the deployment serves it."""
    answer = world.nobody().get(path)
    assert answer.status_code == 200, answer.text
    document: Document = answer.json()
    return document


def operations(document: Document) -> Iterator[Operation]:
    """Every operation."""
    for path, item in document["paths"].items():
        yield from (Operation(verb.upper(), path, told) for verb, told in item.items() if verb in VERBS)


def examples(document: Document, operation: Operation) -> list[tuple[str, Any, Any]]:
    """(media type, schema, example) of everything shown as this operation's body."""
    if "openapi" in document:
        media = operation.told.get("requestBody", {}).get("content", {})
        return [
            (kind, told["schema"], example)
            for kind, told in media.items()
            for example in [
                *([told["example"]] if "example" in told else []),
                *(each["value"] for each in told.get("examples", {}).values()),
            ]
        ]
    bodies = [parameter for parameter in operation.told["parameters"] if parameter["in"] == "body"]
    return [(kind, body["schema"], example) for body in bodies for kind, example in body.get("x-examples", {}).items()]


def misfits(document: Document, schema: Any, value: Any) -> list[str]:
    """What is wrong with a value by a schema of the document."""
    modern = "openapi" in document
    whole = {**schema, **({"components": document["components"]} if modern else {"definitions": document["definitions"]})}
    validator = OAS31Validator(whole) if modern else Draft4Validator(whole)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def answer_of(document: Document, operation: Operation) -> tuple[int, Any]:
    """The status of success, and the schema of its body; None without one."""
    status = next(status for status in operation.told["responses"] if status.startswith("2"))
    told = operation.told["responses"][status]
    if "openapi" in document:
        media = list(told.get("content", {}).values())
        return int(status), media[0]["schema"] if media else None
    return int(status), told.get("schema")
