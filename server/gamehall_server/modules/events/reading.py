"""Rows of the log as their readers see them."""

from typing import Any

import msgspec
from gamehall.events.v1 import events_pb2 as pb
from google.protobuf.json_format import ParseDict

from gamehall_server.kit.clock import SECOND

# A number of the log as its readers know it: of one length, so that texts stand in its order.
DIGITS = 16


def shown(row: Any) -> pb.EventLog:
    """A row of the log."""
    id, at, name, request, body, _, _, judged = row[:8]
    log = pb.EventLog(id=f"{id:0{DIGITS}x}", event_id=request or "", event_name=name, event_start_date=at // SECOND)
    log.parameters.update(msgspec.json.decode(body))
    for told in msgspec.json.decode(judged) if judged else ():
        ParseDict(told, log.rules.add())
    return log


def number_of(id: str) -> int:
    """The number of an event; -1 for what is none."""
    return int(id, 16) if len(id) == DIGITS and set(id) <= set("0123456789abcdef") and id[0] < "8" else -1
