"""What the deployment is doing, in the text that Prometheus reads.

A call costs two additions and no lock (`Tally`); prometheus_client writes the page, and is loaded when it is first asked for. Labels are
RPCs of the contract, doors and status codes: what callers send makes no series.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gamehall_server.kit import outbox
from gamehall_server.kit.call import Arrival
from gamehall_server.kit.clock import Micros, ticks
from gamehall_server.kit.errors import Fault, Unavailable
from gamehall_server.kit.rpc import Rpc
from gamehall_server.kit.storage import Database
from gamehall_server.kit.tally import Tally

if TYPE_CHECKING:
    from prometheus_client.core import HistogramMetricFamily, Metric

# In seconds. A read takes less than the first, a password about the middle, and the doors give up at 30.
DURATIONS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
# Seconds that the page waits for the database before it says that there is none.
PATIENCE = 2.0


class Calls:
    """What became of the calls of one RPC."""

    __slots__ = ("ended", "took")

    def __init__(self) -> None:
        self.ended: dict[tuple[str, Any], int] = {}
        self.took = Tally(DURATIONS)


class Metrics:
    """Counts calls by `observe`; `page` tells them, and what App and database are doing now."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._calls: dict[str, Calls] = {}
        # Set when there are an App and a bridge: they are made after `observe`.
        self.in_flight: Callable[[], int] = lambda: 0
        self.streams: Callable[[], int] = lambda: 0
        self.answered: Mapping[int, int] = {}

    def observe(self, rpc: Rpc, arrival: Arrival, fault: Fault | None) -> None:
        """Called after each call."""
        calls = self._calls.get(rpc.name)
        if calls is None:
            calls = self._calls[rpc.name] = Calls()
        end = (arrival.door, None if fault is None else fault.status)
        calls.ended[end] = calls.ended.get(end, 0) + 1
        if not rpc.streams:
            # A stream takes as long as it is listened to.
            calls.took.add(ticks() - arrival.started)

    async def page(self, now: Micros) -> bytes:
        """The page. Without the database it has all that the process itself knows."""
        try:
            async with asyncio.timeout(PATIENCE):
                waiting = await outbox.waiting(self._database.reader())
        except (Unavailable, TimeoutError):
            waiting = None
        return _written(self._families(waiting, now))

    def _families(self, waiting: outbox.Waiting | None, now: Micros) -> "Iterator[Metric]":
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        ended = CounterMetricFamily("gamehall_rpc_calls", "Calls that ended.", labels=["rpc_method", "door", "code"])
        took = HistogramMetricFamily("gamehall_rpc_duration_seconds", "From the door to the answer.", labels=["rpc_method"])
        for name, calls in self._calls.items():
            method = name.removeprefix("/")
            for (door, status), count in calls.ended.items():
                ended.add_metric([method, door, "OK" if status is None else status.name], count)
            if any(calls.took.counts):
                _add(took, [method], calls.took)
        answers = CounterMetricFamily(
            "gamehall_http_responses", "Answers of the HTTP door, whether or not there was a call.", labels=["code"]
        )
        for code, count in self.answered.items():
            answers.add_metric([str(code)], count)
        yield from (ended, took, answers)

        def gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
            return GaugeMetricFamily(f"gamehall_{name}", about, value)

        yield gauge("rpc_in_flight", "Calls under way.", self.in_flight())
        yield gauge("rpc_streams_open", "Server streams under way; they are not among the calls in flight.", self.streams())
        yield gauge("database_up", "Whether the database answered.", waiting is not None)
        if waiting is not None:
            yield gauge("outbox_events", f"Deliveries of events that wait; counted up to {outbox.MOST_COUNTED}.", waiting.events)
            age = 0 if waiting.oldest is None else max(0, now - waiting.oldest) / 1_000_000
            yield gauge("outbox_oldest_age_seconds", "Age of the oldest of them.", age)
            yield gauge("outbox_dead", f"Deliveries given up; counted up to {outbox.MOST_COUNTED}.", waiting.dead)
        if self._database.groups is not None:
            groups = HistogramMetricFamily("gamehall_commit_group_calls", "Calls that shared one durable commit.", labels=[])
            _add(groups, [], self._database.groups)
            yield groups
        for name, (about, value) in self._database.gauges().items():
            yield gauge(name, about, value)


def _add(family: "HistogramMetricFamily", labels: list[str], tally: Tally) -> None:
    family.add_metric(labels, tally.buckets(), tally.total)


def _written(families: "Iterator[Metric]") -> bytes:
    from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
    from prometheus_client.registry import Collector

    class Collected(Collector):
        def collect(self) -> "Iterator[Metric]":
            yield from families

        def describe(self) -> "list[Metric]":
            # Asked at registration, when nothing may be collected yet.
            return []

    registry = CollectorRegistry()
    registry.register(Collected())
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return generate_latest(registry)
