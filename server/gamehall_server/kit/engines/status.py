"""A Fault as gRPC tells it: a code, a message, and google.rpc details that every language can read."""

from gamehall.options.v1.errors_pb2 import ErrorReason
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from gamehall_server.kit.errors import Fault

DOMAIN = "gamehall"
DETAILS = "grpc-status-details-bin"
REQUEST_ID = "x-request-id"
# Clients take 8 KiB of trailers, in which bytes are written as base64 and other letters than ASCII as %XX.
LARGEST_DETAILS = 2500
LONGEST_TEXT = 200


def trailers(fault: Fault, request_id: str) -> list[tuple[str, str | bytes]]:
    """Trailing metadata of a refusal: the rich status, and the request's id."""
    return [(DETAILS, rich_status(fault).SerializeToString()), (REQUEST_ID, request_id)]


def rich_status(fault: Fault) -> Status:
    """google.rpc.Status with ErrorInfo, and BadRequest or RetryInfo where there is something to say."""
    status = Status(code=fault.status.value[0], message=fault.message[:LONGEST_TEXT])
    reason = ErrorReason.Name(ErrorReason.ValueType(fault.reason)).removeprefix("ERROR_REASON_")
    _pack(status, error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN))
    if fault.violations:
        bad = error_details_pb2.BadRequest()
        room = LARGEST_DETAILS
        for violation in fault.violations:
            bad.field_violations.add(field=violation.field[:LONGEST_TEXT], description=violation.message[:LONGEST_TEXT])
            room -= bad.field_violations[-1].ByteSize()
            if room < 0:
                break
        _pack(status, bad)
    if fault.retry_after is not None:
        delay = Duration()
        delay.FromMilliseconds(int(fault.retry_after * 1000))
        _pack(status, error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def _pack(status: Status, detail: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest | error_details_pb2.RetryInfo) -> None:
    packed = Any()
    packed.Pack(detail)
    status.details.append(packed)
