"""How much is sent to one place at once, and when: as much as it answers. What is dead costs the others one try now and then."""

from gamehall_server.kit.clock import SECOND, Micros

FIRST, LARGEST = 8, 64
# However long another server asks for, somebody looks again after this.
LONGEST_HOLD: Micros = 3600 * SECOND
# Times without an answer before a place is left alone for a while, for longer after each more.
PATIENCE = 3
FIRST_REST, LONGEST_REST = SECOND // 10, 10 * SECOND


class Window:
    """Of one lane in one process: `size` posts at once, none before `held_until`."""

    __slots__ = ("_failed", "_failures", "held_until", "size")

    def __init__(self) -> None:
        self.size = FIRST
        self.held_until: Micros = 0
        self._failures = 0
        self._failed: Micros = 0

    def free(self, now: Micros, flying: int) -> int:
        """How many more may be sent now, beside those that are."""
        return max(0, self.size - flying) if now >= self.held_until else 0

    def answered(self) -> None:
        """Another server has answered something: it may have one more at once."""
        self.size = min(LARGEST, self.size + 1)
        self._failures = 0

    def unanswered(self, began: Micros, now: Micros) -> None:
        """It has not: it may have half as many. What was sent together fails together, and counts once."""
        self.size = max(1, self.size // 2)
        if began < self._failed:
            return
        self._failures, self._failed = self._failures + 1, now
        if self._failures >= PATIENCE:
            self.hold(now, min(LONGEST_REST, FIRST_REST << min(self._failures - PATIENCE, 16)))

    def hold(self, now: Micros, wait: Micros) -> None:
        """It is left alone for so long, up to an hour."""
        self.held_until = max(self.held_until, now + min(wait, LONGEST_HOLD))
