"""Why a call failed, as the server tells it in google.rpc details."""

from typing import Any, NamedTuple

import grpc
from google.rpc import error_details_pb2, status_pb2

DETAILS = "grpc-status-details-bin"


class Refusal(NamedTuple):
    """`reason` is a word of gamehall.options.v1.ErrorReason; `fields` maps dotted paths in the request to what is wrong there."""

    code: str
    message: str
    reason: str
    fields: dict[str, str]
    retry_after: float | None
    request_id: str


def trailers_of(metadata: Any) -> dict[str, Any]:
    """Trailing metadata by name, of threads and of asyncio."""
    return {key: value for key, value in metadata or ()}  # noqa: C416  # dict() reads asyncio's in another way.


def refusal(error: grpc.RpcError) -> Refusal:
    """What an error of a call says. An error that no server told, such as a lost connection, has a code and a message only."""
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    trailers = trailers_of(error.trailing_metadata())
    for detail in status_pb2.Status.FromString(trailers.get(DETAILS, b"")).details:
        for kind in (info, bad, retry):
            if detail.Is(kind.DESCRIPTOR):
                detail.Unpack(kind)
    return Refusal(
        error.code().name,
        error.details() or "",
        info.reason,
        {violation.field: violation.description for violation in bad.field_violations},
        retry.retry_delay.ToTimedelta().total_seconds() if retry.HasField("retry_delay") else None,
        trailers.get("x-request-id", ""),
    )
