"""How much is sent to one place at once: as much as it answers. What is dead costs the others one connection."""

from gamehall_server.kit.clock import SECOND, Micros

FIRST, LARGEST = 8, 64
# However long another server asks for, somebody looks again after this.
LONGEST_HOLD: Micros = 3600 * SECOND


class Window:
    """Of one lane in one process: `size` posts at once, none before `held_until`."""

    __slots__ = ("held_until", "size")

    def __init__(self) -> None:
        self.size = FIRST
        self.held_until: Micros = 0

    def free(self, now: Micros, flying: int) -> int:
        """How many more may be sent now, beside those that are."""
        return max(0, self.size - flying) if now >= self.held_until else 0

    def answered(self) -> None:
        """Another server has answered something: it may have one more at once."""
        self.size = min(LARGEST, self.size + 1)

    def unanswered(self) -> None:
        """It has not: it may have half as many."""
        self.size = max(1, self.size // 2)

    def hold(self, now: Micros, wait: Micros) -> None:
        """It has asked for a pause."""
        self.held_until = max(self.held_until, now + min(wait, LONGEST_HOLD))
