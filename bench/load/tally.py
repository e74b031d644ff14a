"""What a load generator counts."""

from collections.abc import Iterator
from itertools import cycle
from typing import Generic, TypeVar

Request = TypeVar("Request")


class Tally(Generic[Request]):
    """The requests to send and the answers that came, shared by all connections of one run.

    `latencies` holds seconds per successful answer; the window is opened by clearing and closed by reading, both on the loop's own thread.
    """

    def __init__(self, requests: list[Request]) -> None:
        self.requests: Iterator[Request] = cycle(requests)
        self.latencies: list[float] = []
        self.failures = 0
        self.first_failure = ""
        self.stopping = False

    def open(self) -> None:
        """Forgets the warm-up's answers, but not its failures: a server that fails while warming up fails."""
        self.latencies.clear()

    def fail(self, why: str) -> None:
        """One call without the answer it was due."""
        self.failures += 1
        self.first_failure = self.first_failure or why
