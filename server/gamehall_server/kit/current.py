"""The call under way, for what looks at it from the side: the log."""

import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from google.protobuf.message import Message

from gamehall_server.kit.call import Arrival

if TYPE_CHECKING:
    from gamehall_server.kit.rpc import Rpc

TRACEPARENT = "traceparent"
# Version, trace, parent and flags (W3C Trace Context section 3.2). A later version may say more.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?=$|-)(-.*)?")
CALL: ContextVar["tuple[Rpc, Message, Arrival] | None"] = ContextVar("call", default=None)


class Trace(NamedTuple):
    """Whose call this is, in the words of the caller's tracing."""

    trace_id: str
    parent_id: str
    sampled: bool


def trace_of(arrival: Arrival) -> Trace | None:
    """The caller's trace; None where it has none, or none that can be read. Looked at only when somebody wants to know."""
    found = None if arrival.trace is None else _TRACEPARENT.fullmatch(arrival.trace)
    if found is None or (found[1] == "00" and found[5] is not None):
        return None
    return Trace(found[2], found[3], bool(int(found[4], 16) & 1))
