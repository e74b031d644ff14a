"""What the RFCs of OAuth 2.0 say, case by case, on both databases and both gRPC engines."""

from prove.proof import Found, main
from prove.suite import ran

BAR = "at least 150 cases of the RFCs of OAuth, each as it is written there or in docs/deviations.md: 0 otherwise"
RFCS = "tests/modules/test_oauth_rfcs.py"
LEAST = 150


def judged(found: Found, *tests: str) -> int:
    """Runs the cases, or some of them; gives how many different ones there were."""
    told = ran(found, *tests)
    of_rfcs = {(each.function, each.case) for each in told if each.case.startswith("RFC")}
    for _, case in sorted(of_rfcs):
        found.count(f"cases: {case.split()[0]}")
    found.count("cases", len(of_rfcs))
    found.count("judged", sum(each.case.startswith("RFC") for each in told))
    found.zero("otherwise", sum(each.failed for each in told))
    return len(of_rfcs)


def prove(_seconds: float, _seed: int) -> Found:
    """All of it. That what is done otherwise on purpose is told is one of the tests."""
    found = Found()
    found.check(judged(found, RFCS) >= LEAST, f"fewer than {LEAST} cases")
    return found


if __name__ == "__main__":
    main("oauth", BAR, prove, 0)
