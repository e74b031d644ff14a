"""The clock of a sandbox, against a model of it."""

from gamehall_server.kit.clock import SECOND, SandboxClock, SystemClock, real_seconds, request_id, token
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

MOMENTS = st.integers(0, 253402300799).map(lambda seconds: seconds * SECOND)
machine = SystemClock()


class Clocks(RuleBasedStateMachine):
    """The model: where the clock was last put, and at which moment of the machine; nothing more while it stands."""

    @initialize()
    def start(self) -> None:
        self.since = machine.now()
        self.clock, self.frozen = SandboxClock(), False
        self.put = machine.now()

    @rule(moment=MOMENTS)
    def set(self, moment: int) -> None:
        self.since = machine.now()
        self.clock.set(moment)
        self.put = moment

    @rule(seconds=st.integers(0, 10**9))
    def advance(self, seconds: int) -> None:
        self.since = machine.now()
        self.put = self.clock.now() + seconds * SECOND
        self.clock.set(self.put)

    @rule()
    def freeze(self) -> None:
        self.clock.freeze(True)
        if not self.frozen:
            self.frozen = True
            self.put = self.clock.now()

    @rule()
    def let_go(self) -> None:
        if self.frozen:
            self.since = machine.now()
        self.clock.freeze(False)
        self.frozen = False

    @invariant()
    def it_is_as_late_as_it_should_be(self) -> None:
        if not hasattr(self, "clock"):
            return
        assert self.clock.frozen is self.frozen
        if self.frozen:
            assert self.clock.now() == self.clock.now() == self.put
        else:
            # Between putting it and looking, the machine's clock went on by as much.
            now = self.clock.now()
            assert 0 <= now - self.put <= machine.now() - self.since


TestClocks = Clocks.TestCase
TestClocks.settings = settings(max_examples=30, stateful_step_count=20, deadline=None, database=None)


def test_a_sandbox_starts_at_the_machines_time() -> None:
    before = machine.now()

    assert before <= SandboxClock().now() <= machine.now()


def test_real_seconds_are_the_machines_in_every_deployment() -> None:
    SandboxClock().set(0)

    assert machine.now() // SECOND - 1 <= real_seconds() <= machine.now() // SECOND


def test_secrets_and_request_ids_are_all_different() -> None:
    assert len({token() for _ in range(1000)}) == len({request_id() for _ in range(1000)}) == 1000
    assert len(token()) == 43
