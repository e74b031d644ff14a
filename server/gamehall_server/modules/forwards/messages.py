"""What other servers are told of an event."""

import json
from datetime import UTC, datetime

from gamehall_server.kit.clock import SECOND, Micros


def message(name: str, at: Micros, told: object) -> str:
    """An event as Standard Webhooks has it: its type, its moment (RFC 3339, UTC) and its data."""
    moment = datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": name, "timestamp": moment, "data": told}, ensure_ascii=False, separators=(",", ":"))
