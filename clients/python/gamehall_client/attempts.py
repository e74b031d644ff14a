"""One call and its repeats. Shared by the two clients: nothing here waits."""

import random
import time
from functools import cache
from typing import Any, NamedTuple
from uuid import uuid4

import grpc
from gamehall.options.v1 import options_pb2
from google.protobuf.descriptor_pool import Default
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from gamehall_client.refusals import DETAILS, trailers_of

MOST = 4
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)


class Rules(NamedTuple):
    """What the contract says of calling a method."""

    repeatable: bool
    keyed: bool
    oauth: bool


@cache
def rules_of(path: str) -> Rules:
    """The rules of `/package.Service/Method`. A method of another contract is never repeated."""
    try:
        method = Default().FindMethodByName(path[1:].replace("/", "."))
    except KeyError:
        return Rules(False, False, False)
    options = method.GetOptions()
    rules = options.Extensions[options_pb2.method]
    # A second token request opens another session, or gives the same child of a refresh token.
    return Rules(bool(options.idempotency_level) or rules.keyed or rules.oauth, rules.keyed, rules.oauth)


class Attempts:
    """What to send, attempt for attempt, and whether there is another one."""

    def __init__(self, details: Any) -> None:
        path = details.method
        self._rules = rules_of(path if isinstance(path, str) else path.decode())
        self._details = details
        self._metadata = list(details.metadata or ())
        self._until = None if details.timeout is None else time.monotonic() + details.timeout
        self._made = 0
        self._renewed = False
        given = {key for key, _ in self._metadata}
        # None where the caller sends a token, and where the header names a client (RFC 6749 section 2.3.1).
        self.signs = not self._rules.oauth and "authorization" not in given
        if self._rules.keyed and "idempotency-key" not in given:
            # Every repeat carries the same key.
            self._metadata.append(("idempotency-key", uuid4().hex))

    def next(self, access: str | None) -> Any:
        """The details of the next attempt."""
        self._made += 1
        metadata = self._metadata + ([("authorization", f"Bearer {access}")] if access else [])
        left = None if self._until is None else max(0.0, self._until - time.monotonic())
        return self._details._replace(metadata=metadata, timeout=left)

    def renewable(self, code: grpc.StatusCode | None, access: str | None) -> bool:
        """Whether a new token may help. Once per call; also for a write, because nothing was done."""
        if code is not grpc.StatusCode.UNAUTHENTICATED or access is None or self._renewed:
            return False
        self._renewed = True
        return True

    def wait(self, code: grpc.StatusCode | None, trailers: Any) -> float | None:
        """Seconds until the next attempt: what the server tells, else a part of a growing time. None when there is no next one.

        A long time is for the caller to wait, who may have something to say meanwhile.
        """
        if code not in PASSING or not self._rules.repeatable or self._made >= MOST:
            return None
        wait = _told(trailers)
        if wait is None:
            wait = random.uniform(0.5, 1) * min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (self._made - 1))  # noqa: S311  # Spreads clients.
        if wait > LONGEST_WAIT:
            return None
        return None if self._until is not None and time.monotonic() + wait >= self._until else wait


def _told(trailers: Any) -> float | None:
    retry = RetryInfo()
    for detail in Status.FromString(trailers_of(trailers).get(DETAILS, b"")).details:
        if detail.Unpack(retry):
            return float(retry.retry_delay.ToTimedelta().total_seconds())
    return None
