"""What the generator is told, and what it tells."""

import msgspec

from bench import dataset


class Job(msgspec.Struct, kw_only=True):
    """One measurement: a scenario against one port."""

    door: str
    """"http" or "grpc"."""
    scenario: str
    """"get", "list", "last", "create" or "echo"; not looked at when `requests` are given."""
    port: int
    host: str = "127.0.0.1"
    tokens: list[str] = []
    requests: list[bytes] = []
    """HTTP/1.1 requests to send in turn, instead of a scenario's."""
    seed: int
    records: int = dataset.COMMENTS
    """Comments that were filled in."""
    objects: int = dataset.OBJECTS
    """Objects that they are about."""
    connections: int
    streams: int = 1
    """Calls in flight on each connection; HTTP/1.1 has one."""
    rate: float = 0.0
    """Calls offered per second, whatever was answered; 0: each connection asks again as soon as it was answered."""
    warmup: float
    seconds: float
    watch: dict[str, int]
    """Process ids whose trees' CPU time is to be read at both ends of the window, by name."""
    beside: "Job | None" = None
    """Another load on the same server at the same time. Its warm-up and window are those of the first."""


class Outcome(msgspec.Struct, kw_only=True):
    """What one measurement found."""

    calls: int
    """Successful ones, within the window."""
    failures: int
    """All others, those of the warm-up included."""
    first_failure: str
    seconds: float
    p50: float
    p99: float
    cpu: dict[str, float]
    """CPU seconds used within the window: by each watched tree, and by the generator ("generator")."""
    beside: "Outcome | None" = None
    """Of the load beside this one."""
