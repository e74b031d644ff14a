"""Deadlines of requests under way, for less than a timer each: one look a second over all of them."""

import asyncio

TICK_SECONDS = 1.0


class Deadline:
    """When one request must be done. `passed` tells a cancellation of ours from others."""

    __slots__ = ("at", "passed", "task")

    def __init__(self, task: "asyncio.Task[object]", at: float) -> None:
        self.task = task
        self.at = at
        self.passed = False


class Deadlines:
    """Every deadline under way. A late request is cancelled within a second of its deadline."""

    def __init__(self) -> None:
        self._under_way: set[Deadline] = set()
        self._ticking = False

    def start(self, seconds: float) -> Deadline:
        """A deadline for the current task."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        deadline = Deadline(task, loop.time() + seconds)
        self._under_way.add(deadline)
        if not self._ticking:
            self._ticking = True
            loop.call_later(TICK_SECONDS, self._tick, loop)
        return deadline

    def end(self, deadline: Deadline) -> None:
        """The request is done."""
        self._under_way.discard(deadline)

    def shorten(self, deadline: Deadline, seconds: float) -> None:
        """Cancels the request in so many seconds from now, if its deadline is not earlier."""
        if deadline in self._under_way:
            asyncio.get_running_loop().call_later(seconds, self._pass, deadline)

    def _pass(self, deadline: Deadline) -> None:
        if deadline in self._under_way:
            self._under_way.discard(deadline)
            deadline.passed = True
            deadline.task.cancel()

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for deadline in [deadline for deadline in self._under_way if deadline.at <= now]:
            self._pass(deadline)
        self._ticking = bool(self._under_way)
        if self._ticking:
            loop.call_later(TICK_SECONDS, self._tick, loop)
