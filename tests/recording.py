"""What the test run did: for each RPC and door, how often it was answered and how often refused."""

import json
import os
import uuid
from collections import Counter
from pathlib import Path

from gamehall_server.kit.call import Arrival
from gamehall_server.kit.errors import Fault
from gamehall_server.kit.rpc import Rpc


class Recorder:
    """Counts calls by (rpc, door, outcome)."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str, str]] = Counter()

    def observe(self, rpc: Rpc, arrival: Arrival, fault: Fault | None) -> None:
        """Called by the product after each call."""
        self._calls[rpc.name, arrival.door, "answered" if fault is None else fault.status.name] += 1

    def write(self) -> None:
        """Adds this process's counts to the folder that GAMEHALL_RECORD names, where it names one."""
        folder = os.environ.get("GAMEHALL_RECORD")
        if folder:
            rows = [[*key, count] for key, count in sorted(self._calls.items())]
            Path(folder, f"{uuid.uuid4().hex}.json").write_text(json.dumps(rows))
