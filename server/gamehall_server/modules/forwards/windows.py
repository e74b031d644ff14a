"""How much is sent to one place at once, and when: as much as it answers. What is dead costs the others one try now and then."""

from gamehall_server.kit.clock import SECOND, Micros

FIRST, LARGEST = 8, 64
# However long another server asks for, somebody looks again after this.
LONGEST_HOLD: Micros = 3600 * SECOND
# Times in a row without an answer before a place is left alone for a while, for longer after each more.
PATIENCE = 3
FIRST_REST, LONGEST_REST = SECOND // 10, 10 * SECOND


class Window:
    """Of one lane in one process: `size` posts at once, none before `held_until`."""

    __slots__ = ("_failed", "_failures", "_in_vain", "_looks_at", "after", "held_until", "size")

    def __init__(self) -> None:
        self.size = FIRST
        self.held_until: Micros = 0
        # The key that was sent last: those after it have their turn next.
        self.after: str | None = None
        self._failures = 0
        self._failed: Micros = 0
        self._in_vain = 0
        self._looks_at: Micros = 0

    def free(self, now: Micros, flying: int) -> int:
        """How many more may be sent now, beside those that are."""
        return max(0, self.size - flying) if now >= max(self.held_until, self._looks_at) else 0

    def looked(self, now: Micros, found: dict[int, str]) -> None:
        """What is due of it was looked for. Where all of that is behind something else, a look costs most and brings nothing: the next one
        is later and later, unless something stirs."""
        if found:
            self.after = next(reversed(found.values()))
            self.stirred()
        else:
            self._looks_at = now + min(LONGEST_REST, FIRST_REST << min(self._in_vain, 16))
            self._in_vain += 1

    def stirred(self) -> None:
        """There is more to send, or something has ended: it is worth a look."""
        self._in_vain = self._looks_at = 0

    def answered(self) -> None:
        """Another server has answered something: it may have one more at once."""
        self.size = min(LARGEST, self.size + 1)
        self._failures = 0
        self.stirred()

    def unanswered(self, began: Micros, now: Micros) -> None:
        """It has not. What was sent together fails together, and counts once; one that fails now and then may have as much as before. After
        two in a row it may have half as many, and is left alone after some more."""
        self.stirred()
        if began < self._failed:
            return
        self._failures, self._failed = self._failures + 1, now
        if self._failures > 1:
            self.size = max(1, self.size // 2)
        if self._failures >= PATIENCE:
            self.hold(now, min(LONGEST_REST, FIRST_REST << min(self._failures - PATIENCE, 16)))

    def hold(self, now: Micros, wait: Micros) -> None:
        """It is left alone for so long, up to an hour."""
        self.held_until = max(self.held_until, now + min(wait, LONGEST_HOLD))
