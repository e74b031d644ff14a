"""What rules have put off survives a database, or a bug, that fails the loop for a moment."""

import asyncio

import pytest
from gamehall_server.kit.errors import Unavailable
from gamehall_server.modules.rules.later import Later


class Failing:
    """A database whose first read fails so."""

    def __init__(self, problem):
        self.problem, self.reads = problem, asyncio.Queue()

    def reader(self):
        return self

    async def all(self, query, **values):
        self.reads.put_nowait(query)
        if self.problem is not None:
            problem, self.problem = self.problem, None
            raise problem
        return []


class Still:
    def now(self):
        return 0


@pytest.mark.parametrize("problem", [Unavailable("no database"), RuntimeError("a bug")])
def test_the_loop_goes_on_after_a_read_that_failed_as_soon_as_it_is_woken(problem):
    async def seen():
        database = Failing(problem)
        later = Later(database, None, Still())
        running = asyncio.create_task(later.run())
        await database.reads.get()
        later.woken.set()
        await database.reads.get()
        later.stop()
        await running

    asyncio.run(asyncio.wait_for(seen(), 60))
