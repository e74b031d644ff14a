"""What is told of each call when it has ended: whoever counts, logs or traces it."""

import logging
from collections.abc import Sequence

from gamehall_server.kit.call import Arrival
from gamehall_server.kit.clock import ticks
from gamehall_server.kit.errors import Fault
from gamehall_server.kit.invoke import Observe
from gamehall_server.kit.rpc import Rpc

log = logging.getLogger("gamehall.slow")


def all_of(observers: Sequence[Observe]) -> Observe:
    """One observer that tells several."""
    if len(observers) == 1:
        return observers[0]

    def observe(rpc: Rpc, arrival: Arrival, fault: Fault | None) -> None:
        for one in observers:
            one(rpc, arrival, fault)

    return observe


class SlowCalls:
    """Logs calls that took longer than `seconds`. A stream takes as long as it is listened to, and is not slow."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def observe(self, rpc: Rpc, arrival: Arrival, fault: Fault | None) -> None:
        """Called after each call."""
        took = ticks() - arrival.started
        if took >= self._seconds and not rpc.streams:
            code = "OK" if fault is None else fault.status.name
            told = {"door": arrival.door, "seconds": round(took, 6), "code": code}
            text = "slow call: %s took %.3f s over %s and ended %s, request %s"
            log.warning(text, rpc.name, took, arrival.door, code, arrival.request_id, extra={"told": told})
