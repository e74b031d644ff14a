"""The audit log: exactly the rows that the contract asks for, and no change of them unseen."""

from prove.proof import Found, main
from prove.suite import cases, figures, ran

BAR = "a row for each call that asks for one, else none: 0 missing, 0 extra; of 1,000 changes, deletions, swaps on each database 0 unseen"
ROWS = "tests/contract/test_audit_rows.py"
CHAIN = "tests/modules/test_audit.py::test_every_single_byte_deletion_and_swap_is_found"


def judged(found: Found, *tests: str) -> None:
    """Runs the tests, or some of them."""
    told = ran(found, *tests)
    done, refused = "test_a_call_leaves_the_rows_that_its_contract_asks_for", "test_a_refused_call_leaves_none"
    found.count("operations called", cases(told, done))
    found.count("of them with a row", cases([each for each in told if each.figures.get("rows")], done))
    found.count("operations refused, without a row", cases(told, refused))
    found.zero("rows missing or extra", sum(each.failed for each in told if each.function in (done, refused)))
    found.count("changes, deletions and swaps", figures(told)["changes"])
    found.zero("unseen", figures(told)["unseen"])


def prove(_seconds: float, _seed: int) -> Found:
    """All of it."""
    found = Found()
    judged(found, ROWS, CHAIN)
    return found


if __name__ == "__main__":
    main("audit", BAR, prove, 0)
