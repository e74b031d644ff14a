"""One comment at a time through either door, every outcome sorted: made, told to come back later, or something that must not be."""

from collections.abc import Callable
from typing import Any

import grpc
from gamehall.comments.v1 import comments_pb2
from gamehall.comments.v1.comments_pb2_grpc import CommentServiceStub
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from prove.caller import Broken, Caller
from prove.product import Product
from prove.proof import Found

LATER = (503, 429)
LATER_GRPC = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
Outcome = str | None


class Doors:
    """A user at both doors. A refusal other than "later, after so many seconds", is a wrong one."""

    def __init__(self, product: Product, found: Found, what: str, token: str = "") -> None:
        self._found, self._what = found, what
        token = token or product.ground.tokens[0]
        self.http = Caller(product.http_port, token)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{product.grpc_port}")
        self._comments = CommentServiceStub(self.channel)
        self._bearer = ("authorization", f"Bearer {token}")

    def write(self, key: str) -> Outcome:
        """Makes a comment; its id, or None when the answer was to try later."""
        return self._either(self.write_http, self.write_grpc, key)

    def read(self, number: int) -> Outcome:
        """Reads a comment; its id, or None when the answer was to try later."""
        return self._either(self.read_http, self.read_grpc, str(number))

    def write_http(self, key: str) -> Outcome:
        """As `write`, over HTTP."""
        return self._http("POST", "/comments", key, {"context": "kill", "context_id": key, "content": key})

    def read_http(self, number: str) -> Outcome:
        """As `read`, over HTTP."""
        return self._http("GET", f"/comments/{number}", "", None)

    def write_grpc(self, key: str) -> Outcome:
        """As `write`, over gRPC."""
        comment = comments_pb2.Comment(context="kill", context_id=key, content=key)
        metadata = (self._bearer, ("idempotency-key", key))
        request = comments_pb2.CreateCommentRequest(comment=comment)
        return self._grpc(lambda: self._comments.CreateComment(request, metadata=metadata, timeout=60).comment.id)

    def read_grpc(self, number: str) -> Outcome:
        """As `read`, over gRPC."""
        request = comments_pb2.GetCommentRequest(id=int(number))
        return self._grpc(lambda: self._comments.GetComment(request, metadata=(self._bearer,), timeout=60).comment.id)

    def close(self) -> None:
        """Hangs up at both doors."""
        self.http.close()
        self.channel.close()

    def _either(self, one: Callable[[str], Outcome], other: Callable[[str], Outcome], key: str) -> Outcome:
        return (one if sum(key.encode()) % 2 else other)(key)

    def _http(self, verb: str, path: str, key: str, body: object) -> Outcome:
        try:
            told = self.http.ask(verb, path, body, key=key)
        except Broken as broken:
            self._found.check(False, f"{self._what}: no answer over HTTP, {broken}")
            return None
        if told.status == 200:
            return str(told.json()["id"])
        asked = told.status in LATER and int(told.headers.get("retry-after", "0")) > 0
        self._found.check(asked, f"{self._what}: {told.status} {told.body[:200].decode(errors='replace')}")
        return None

    def _grpc(self, call: Callable[[], int]) -> Outcome:
        try:
            return str(call())
        except grpc.RpcError as error:
            asked = error.code() in LATER_GRPC and retry_told(error)
            self._found.check(asked, f"{self._what}: {error.code()} {error.details()}")
            return None


def retry_told(error: grpc.RpcError) -> bool:
    """Whether a refusal says when to come back."""
    sent: Any = error.trailing_metadata() or ()
    for name, value in sent:
        if name == "grpc-status-details-bin":
            return any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in Status.FromString(value).details)
    return False
