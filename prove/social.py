"""Social sign-in with what is no proof of who somebody is: to sign in, and to be linked with an account."""

from prove.proof import Found, main
from prove.suite import cases, ran

BAR = "at least 40 cases of tokens, codes and providers that are no proof: 0 sign-ins, 0 links, 0 accounts made"
REFUSALS = "tests/modules/test_social_refusals.py"
FUNCTIONS = ("test_it_is_no_proof", "test_an_issuer_gone_wrong_lets_nobody_in", "test_a_slow_provider_holds_nobody_up")
LEAST = 40


def judged(found: Found, *tests: str) -> int:
    """Runs the cases, or some of them; gives how many different ones there were."""
    told = [each for each in ran(found, *tests) if each.function in FUNCTIONS]
    found.count("cases", different := cases(told, *FUNCTIONS))
    found.count("presented, each to sign in and to be linked", len(told))
    found.zero("taken for a proof", sum(each.failed for each in told))
    return different


def prove(_seconds: float, _seed: int) -> Found:
    """All of it. What the cases lack is all they lack: the same tokens without the flaw get in, which is one of the tests."""
    found = Found()
    found.check(judged(found, REFUSALS) >= LEAST, f"fewer than {LEAST} cases")
    return found


if __name__ == "__main__":
    main("social", BAR, prove, 0)
