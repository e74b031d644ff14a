"""Query strings and forms: text parameters into the fields of a request."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from gamehall_server.kit.errors import Malformed, Violation
from gamehall_server.kit.validation import output_only
from google.protobuf.message import Message

from gamehall_bridge.decode import Set, setter
from gamehall_bridge.scalars import Wrong

FORM = b"application/x-www-form-urlencoded"
# More parameters than any operation has: a request with more is an attack.
MOST_PARAMETERS = 200
# A parameter `a.b.c` reaches this far into messages.
DEEPEST = 3


def parameters_of(fields: Iterable[Any], bound: set[str], levels: int = DEEPEST) -> dict[str, Set]:
    """What to do with each parameter: scalars by name, the fields of messages by dotted path. `bound` are the fields that
    path and body fill."""
    found: dict[str, Set] = {}
    for field in fields:
        if field.name in bound or output_only(field):
            continue
        if field.message_type is None:
            found[field.name] = _split(setter(field)) if field.is_repeated else setter(field)
        elif levels > 1 and not field.is_repeated:
            for name, put in parameters_of(field.message_type.fields, set(), levels - 1).items():
                found[f"{field.name}.{name}"] = _inside(field.name, put)
    return found


def _split(put_all: Set) -> Set:
    def put(value: Any, message: Any, path: str, wrong: Wrong) -> None:
        put_all(value.split(","), message, path, wrong)

    return put


def _inside(name: str, put: Set) -> Set:
    def put_inside(value: Any, message: Any, path: str, wrong: Wrong) -> None:
        put(value, getattr(message, name), f"{path}{name}.", wrong)

    return put_inside


def read_query(known: dict[str, Set], query: bytes, request: Message, wrong: Wrong) -> None:
    """Fills the request from a query string; of a parameter that is given twice the last counts, and an empty one not at all."""
    for name, value in _pairs(query):
        if value and (put := known.get(name)) is not None:
            put(value, request, "", wrong)


def read_form(
    known: dict[str, Set], query: bytes, body: bytes, content_type: bytes, request: Message, wrong: Wrong, *, form_only: bool = False
) -> None:
    """Fills the request of an OAuth endpoint from query string and form together, or from the form alone (RFC 6749 section 3.2)."""
    if body.strip() and content_type.partition(b";")[0].strip().lower() not in (FORM, b""):
        raise Malformed("The parameters must be application/x-www-form-urlencoded.")
    seen: set[str] = set()
    if form_only:
        wrong.extend(Violation(name, "must stand in the form, not in the address") for name, _ in _pairs(query) if name in known)
        query = b""
    for name, value in [*_pairs(query), *_pairs(body)]:
        put = known.get(name)
        if put is None:
            continue
        if name in seen:
            wrong.append(Violation(name, "must not be given twice"))
        elif value:
            put(value, request, "", wrong)
        seen.add(name)


def _pairs(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode(), keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict")
    except ValueError:
        raise Malformed("The parameters cannot be read.") from None
