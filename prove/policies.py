"""Every operation against every kind of caller, through every door: the contract's policy alone says how a call ends."""

import re

from prove.proof import Found, main
from prove.suite import figures, ran

BAR = "every operation of the contract x every kind of caller x every door: 0 end otherwise than its policy says"
MATRIX = "tests/contract/test_access_matrix.py"
OPERATION = re.compile(r"gamehall[\w.]+")
DECIDES = f"{MATRIX}::test_the_policy_decides"


def judged(found: Found, *tests: str) -> None:
    """Runs the matrix, or some of it."""
    told = ran(found, *tests)
    operations = {OPERATION.search(each.case)[0] for each in told}  # type: ignore[index]  # Each case is of one.
    found.count("operations", len(operations))
    found.count("doors", len({OPERATION.sub("", each.case).strip("-") for each in told}))
    found.count("callers of each, at least", min((each.figures.get("callers", 0) for each in told), default=0))
    found.count("calls judged", figures(told)["callers"])
    found.zero("wrong", figures(told)["wrong"])


def prove(_seconds: float, _seed: int) -> Found:
    """All of it. What has no policy does not start: tests/contract/test_contract.py."""
    found = Found()
    judged(found, DECIDES)
    return found


if __name__ == "__main__":
    main("policies", BAR, prove, 0)
