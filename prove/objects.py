"""Objects of others, fields that are the server's: nobody reaches the ones, nobody writes the others."""

from prove.proof import Found, main
from prove.suite import cases, figures, ran

BAR = (
    "another user reads and changes 0 objects, not yours and not there are one answer; 0 fields that only the server writes can be written"
)
ALIKE = "test_not_yours_and_not_there_are_the_same_answer"
OTHERS = f"tests/contract/test_access_matrix.py::{ALIKE}"
READ_ONLY = "tests/contract/test_read_only.py"
ATTACKED = "tests/contract/test_schemathesis.py"


def judged(found: Found, *tests: str) -> None:
    """Runs the tests, or some of them."""
    told = ran(found, *tests)
    found.count("operations on objects of one's own", cases(told, ALIKE))
    found.count("operations with fields of the server's", cases(told, "test_what_only_the_server_writes_stays_as_it_is"))
    found.count("such fields set", figures(told)["fields"])
    found.count("operations attacked by schemathesis", figures(told)["attacked"])
    found.zero("wrong", sum(each.failed for each in told))


def prove(_seconds: float, _seed: int) -> Found:
    """All of it."""
    found = Found()
    judged(found, OTHERS, READ_ONLY, ATTACKED)
    return found


if __name__ == "__main__":
    main("objects", BAR, prove, 0)
