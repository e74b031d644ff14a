"""The answers of refusals, for both dialects: the published error model, and RFC 6749's at the OAuth endpoint."""

import re
from typing import Any

from gamehall.options.v1 import errors_pb2

from gamehall_bridge.documents.schemas import Schema, Schemas

RESULT, ENTRY, OAUTH = "Result", "ErrorResource", "OAuthError"
# By status: the name of the shared answer, what it says, and the reason it is shown with.
_ANSWERS = {
    "400": ("BadRequest", "A value is missing, malformed or not allowed.", "INVALID_VALUE"),
    "401": ("Unauthorized", "No access token, or one that cannot be used.", "TOKEN_MISSING"),
    "403": ("Forbidden", "The caller lacks the permission.", "FORBIDDEN"),
    "404": ("NotFound", "There is no such record, or the caller may not see it.", "NOT_FOUND"),
    "409": ("Conflict", "Another call with the same Idempotency-Key is under way, or changed the record at the same time.", "CONFLICT"),
    "422": ("KeyReused", "The Idempotency-Key was used with a different request.", "KEY_REUSED"),
    "default": ("Refused", "Any other refusal; GET /error-codes lists the codes.", "OVERLOADED"),
}
_OAUTH_ANSWERS = {
    "400": ("TokenRefused", "The parameters or the credentials are wrong.", "OAUTH_INVALID_GRANT"),
    "401": ("ClientRefused", "The client is unknown or did not prove itself.", "OAUTH_INVALID_CLIENT"),
    "default": ("NoToken", "Any other refusal.", "OVERLOADED"),
}
_FIELD = re.compile(r"(?:([a-z_]+): )?(.+)")


def error_models(schemas: Schemas) -> dict[str, Schema]:
    """The schemas of refusals, by name."""
    text = {"type": "string"}
    nothing: Schema = {"type": ["string", "null"]} if schemas.modern else {"type": "string", "x-nullable": True}
    details: Schema = {} if schemas.modern else {"type": "object", "x-nullable": True}
    entry = {
        "field": {**nothing, "description": "The field at fault, as the client wrote it."},
        "message": {**text, "description": "What is wrong."},
        "details": {**details, "description": "Always null."},
    }
    result = {
        "code": {"type": "integer", "format": "int32", "description": "The reason; GET /error-codes lists them."},
        "request_id": {**text, "description": "The call in the server's log."},
        "result": {"type": "array", "items": schemas.pointer(ENTRY), "description": "What is wrong, one entry per field."},
    }
    oauth = {
        "error": {**text, "description": "The word of RFC 6749 section 5.2."},
        "error_description": {**text, "description": "What is wrong."},
    }
    return {
        RESULT: {"type": "object", "description": "Why a call was refused.", "properties": result, "required": list(result)},
        ENTRY: {"type": "object", "description": "What is wrong with one field.", "properties": entry, "required": list(entry)},
        OAUTH: {"type": "object", "description": "Why a token was refused.", "properties": oauth, "required": ["error"]},
    }


def error_answers(schemas: Schemas) -> dict[str, Any]:
    """The answers that operations refer to, by name."""
    found: dict[str, Any] = {}
    for answers, model in ((_ANSWERS, RESULT), (_OAUTH_ANSWERS, OAUTH)):
        schema = schemas.pointer(model)
        for name, text, reason in answers.values():
            example = _example(reason, model)
            told: Schema = {"schema": schema, "examples": {"application/json": example}}
            if schemas.modern:
                told = {"content": {"application/json": {"schema": schema, "example": example}}}
            found[name] = {"description": text, **told}
    return found


def _example(reason: str, model: str) -> dict[str, Any]:
    """A refusal as a caller may receive it, with the example that the contract gives its reason."""
    value = errors_pb2.ErrorReason.DESCRIPTOR.values_by_name[f"ERROR_REASON_{reason}"]
    text = value.GetOptions().Extensions[errors_pb2.error].example
    if model == OAUTH:
        oauth = reason.startswith("OAUTH_")
        return {"error": reason.removeprefix("OAUTH_").lower() if oauth else "temporarily_unavailable", "error_description": text}
    field, message = _FIELD.fullmatch(text).groups()  # type: ignore[union-attr]
    return {"code": value.number, "request_id": "39c55ef5710000024a", "result": [{"field": field, "message": message, "details": None}]}


def refusals(rpc: Any, takes_input: bool, names_record: bool, schemas: Schemas) -> dict[str, Schema]:
    """The answers of a method's refusals, by status."""
    rules = rpc.rules
    place = "#/components/responses/" if schemas.modern else "#/responses/"
    if rules.oauth:
        return {status: {"$ref": place + name} for status, (name, *_) in _OAUTH_ANSWERS.items()}
    found = {"400": takes_input, "401": True, "403": not rules.policy.open, "404": names_record, "409": rules.keyed, "422": rules.keyed}
    return {status: {"$ref": place + name} for status, (name, *_) in _ANSWERS.items() if found.get(status, True)}
