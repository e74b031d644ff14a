"""What a caller may be told. Nobody else knows status codes: doors turn a Fault into their own shape.

Fault
├── Invalid          a field's value is wrong
│   └── Malformed    the request cannot be read at all
├── Duplicate        a value that must be unique is taken
├── Unauthenticated  no usable credentials
├── Forbidden        known, but not allowed
├── NotFound         nothing there, or nothing the caller may see
├── Conflict         somebody else changed it meanwhile
├── KeyReused        an Idempotency-Key of another request
├── Exhausted        too much at once; retry later
├── Unavailable      a part of the service is down; retry later
├── TimedOut         not received or answered in time
├── Cancelled        the caller has gone, or its time is over: told to observers alone
└── Internal         a bug; its text never leaves the log
"""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from gamehall.options.v1.errors_pb2 import ErrorReason
from grpc import StatusCode


class Violation(NamedTuple):
    """One wrong field: its dotted path in the request message, and what is wrong with it."""

    field: str
    message: str


class Fault(Exception):
    """A refusal. `message` is for the caller, `field` names the field at fault, `retry_after` is in seconds."""

    status: ClassVar[StatusCode] = StatusCode.INTERNAL
    default_reason: ClassVar[int] = ErrorReason.ERROR_REASON_INTERNAL
    default_message: ClassVar[str] = "Internal error."

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        reason: int | None = None,
        violations: tuple[Violation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        self.message = message or (f"{violations[0].field}: {violations[0].message}" if violations else self.default_message)
        self.reason = self.default_reason if reason is None else reason
        self.violations = violations or ((Violation(field, self.message),) if field else ())
        self.retry_after = retry_after
        super().__init__(self.message)


class Invalid(Fault):
    status = StatusCode.INVALID_ARGUMENT
    default_reason = ErrorReason.ERROR_REASON_INVALID_VALUE
    default_message = "A value is not allowed."


class Malformed(Invalid):
    default_reason = ErrorReason.ERROR_REASON_MALFORMED
    default_message = "The request cannot be read."


class Duplicate(Fault):
    status = StatusCode.ALREADY_EXISTS
    default_reason = ErrorReason.ERROR_REASON_DUPLICATE
    default_message = "already taken"

    def of_fields(self, path: Callable[[str], str]) -> "Duplicate":
        """The same, told of fields instead of columns."""
        return Duplicate(violations=tuple(Violation(path(column), self.default_message) for column, _ in self.violations))


class Unauthenticated(Fault):
    status = StatusCode.UNAUTHENTICATED
    default_reason = ErrorReason.ERROR_REASON_TOKEN_MISSING
    default_message = "This call needs an access token."


class Forbidden(Fault):
    status = StatusCode.PERMISSION_DENIED
    default_reason = ErrorReason.ERROR_REASON_FORBIDDEN
    default_message = "The caller may not do this."


class NotFound(Fault):
    status = StatusCode.NOT_FOUND
    default_reason = ErrorReason.ERROR_REASON_NOT_FOUND
    default_message = "Nothing is there."


class Conflict(Fault):
    status = StatusCode.ABORTED
    default_reason = ErrorReason.ERROR_REASON_CONFLICT
    default_message = "The record was changed by another call."


class KeyReused(Fault):
    status = StatusCode.FAILED_PRECONDITION
    default_reason = ErrorReason.ERROR_REASON_KEY_REUSED
    default_message = "This Idempotency-Key belongs to another request."


class Exhausted(Fault):
    status = StatusCode.RESOURCE_EXHAUSTED
    default_reason = ErrorReason.ERROR_REASON_OVERLOADED
    default_message = "Too much at once: try again in a moment."


class Unavailable(Fault):
    status = StatusCode.UNAVAILABLE
    default_reason = ErrorReason.ERROR_REASON_UNAVAILABLE
    default_message = "The service is not available: try again in a moment."


class TimedOut(Fault):
    status = StatusCode.DEADLINE_EXCEEDED
    default_reason = ErrorReason.ERROR_REASON_TIMEOUT
    default_message = "The request took too long."


class Cancelled(Fault):
    status = StatusCode.CANCELLED
    default_message = "Nobody waits for the answer."


class Internal(Fault):
    pass
