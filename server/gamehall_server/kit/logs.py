"""The log: lines for people, or JSON for machines, each with the call it speaks of, and none with a secret.

What is secret is known three ways: the deployment's own secrets, the values that the call under way brought in fields which the contract
marks secret and in its Authorization, and what looks like a secret wherever it stands. It is looked for when a line is written, so a
call that logs nothing pays nothing.
"""

import logging
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO
from urllib.parse import quote, quote_plus, unquote_plus

import orjson
from google.protobuf.message import Message

from gamehall_server.kit.current import CALL, trace_of
from gamehall_server.kit.validation import rules_of

FORMATS = ("text", "json")
HIDDEN = "***"
# Shorter values stand in too much that is no secret.
_SHORTEST = 4
_WORDS = r"(?:pass(?:word|wd|phrase)|secret|(?:access|refresh|id|csrf)_?token|api_?key|authorization|credentials?|assertion)"
_SHAPES = (
    # JSON Web Tokens, argon2 hashes, private keys.
    (re.compile(r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
    (re.compile(r"\$argon2\w*\$[^\s\"']+"), HIDDEN),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL), HIDDEN),
    # postgresql://user:password@host
    (re.compile(r"(://[^\s:/@]*:)[^\s@]+(?=@)"), rf"\1{HIDDEN}"),
    # password=…, "client_secret": "…", refresh_token: '…'
    (
        re.compile(
            rf"({_WORDS}[\w-]*[\"']?\s*[=:]\s*)(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(?:(?:bearer|basic)\s+)?[^\s,;&)}}\]]+)",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
)


class Redactor:
    """Takes secrets out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._always = [secret for secret in secrets if len(secret) >= _SHORTEST]

    def clean(self, text: str) -> str:
        """The text without secrets."""
        found = {*self._always, *(value for value in _of_the_call() if len(value) >= _SHORTEST)}
        # As it stands, as Python and JSON quote it, and as forms and addresses do; the longest first, for one may be part of another.
        forms = {
            form
            for value in found
            for form in (value, repr(value)[1:-1], orjson.dumps(value).decode()[1:-1], quote(value), quote_plus(value))
        }
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, HIDDEN)
        for shape, instead in _SHAPES:
            text = shape.sub(instead, text)
        return text


def _of_the_call() -> Iterator[str]:
    call = CALL.get()
    if call is not None:
        _, request, arrival = call
        yield from _marked(request)
        if arrival.authorization is not None:
            scheme, _, rest = arrival.authorization.partition(" ")
            yield rest.strip() or scheme
            if scheme.lower() == "basic":
                with suppress(ValueError):
                    yield unquote_plus(b64decode(rest).decode().partition(":")[2])


def _marked(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        secret = rules_of(field).secret
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = value.values()
        for each in value if field.is_repeated else (value,):
            if isinstance(each, Message):
                yield from _marked(each)
            elif secret:
                yield str(each)


def _call_of() -> dict[str, Any]:
    """What names the call under way."""
    call = CALL.get()
    if call is None:
        return {}
    rpc, _, arrival = call
    trace = trace_of(arrival)
    named = {"request_id": arrival.request_id, "rpc_method": rpc.name.removeprefix("/")}
    return named if trace is None else {**named, "trace_id": trace.trace_id, "parent_id": trace.parent_id}


class Lines(logging.Formatter):
    """Lines for people. A call's ids stand at the end of the first."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s%(call)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        ids = _call_of()
        told = [f"{name}={ids[name]}" for name in ("request_id", "trace_id") if name in ids and ids[name] not in record.getMessage()]
        record.call = f" [{' '.join(told)}]" if told else ""
        return self._redactor.clean(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line, in the words of OpenTelemetry where it has them."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        clean = self._redactor.clean
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "severity": record.levelname,
            "logger": record.name,
            "message": clean(record.getMessage()),
            **_call_of(),
        }
        for name, value in getattr(record, "told", {}).items():
            line[name] = clean(value) if isinstance(value, str) else value
        if record.exc_info:
            line["exception"] = clean(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


def log_to(stream: TextIO, form: str, secrets: Iterable[str] = ()) -> logging.Handler:
    """Sends the whole process's log to a stream. Raises ValueError for a format that there is not."""
    if form not in FORMATS:
        raise ValueError(f"GAMEHALL_LOG_FORMAT must be one of {', '.join(FORMATS)}")
    handler = logging.StreamHandler(stream)
    handler.setFormatter((JsonLines if form == "json" else Lines)(Redactor(secrets)))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    return handler
