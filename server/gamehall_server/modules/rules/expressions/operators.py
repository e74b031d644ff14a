"""Every operator: its word as it was published in 2017, what it takes, what it gives, and what it does."""

import math
import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND
from gamehall_server.modules.rules.expressions.values import BOOLEAN, DATE, INTEGER, MAP, NUMBER, STRING, Failed, real, text, whole

# Words for what an operator takes or gives that is told by its arguments: all of one type; that too, and it has an order; whole numbers or
# others, of which it gives whole ones where all are whole.
SAME, ORDERED, NUMERIC, ANYTHING = "the same", "ordered", "numeric", "anything"
LONGEST_PATTERN = 1_000
# Letters of a text times those of a pattern: RE2's worst is some nanoseconds for each.
MOST_MATCHED = 500_000


class Operator(NamedTuple):
    """`more`: any number of further arguments of the last kind, with this between them. `strict`: nothing comes of an argument that is not
    there. `template`: how people read it; no two are alike, for `grammar` reads by them."""

    word: str
    takes: tuple[str, ...]
    gives: str
    apply: Callable[..., Any]
    template: str
    says: str
    more: str = ""
    strict: bool = True


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise Failed("a date that no calendar has") from None


def _like(value: str, told: str) -> bool:
    """SQL's LIKE, at one step for each letter of the text: a whole number holds which places of the pattern are reached."""
    _bounded(told)
    stays, anything, places, end = 0, 0, dict[str, int](), 1
    for letter in told:
        if letter == "%":
            stays |= end
            continue
        if letter == "_":
            anything |= end
        else:
            places[letter] = places.get(letter, 0) | end
        end <<= 1
    reached = 1
    for letter in value:
        reached = (reached & (places.get(letter, 0) | anything)) << 1 | reached & stays
    return bool(reached & end)


def _matches(value: str, told: str, *, folded: bool = False) -> bool:
    # re2 takes time that grows with the text alone, whatever the pattern.
    import re2

    _bounded(told)
    if len(value) * len(told) > MOST_MATCHED:
        raise Failed(f"a text and a pattern whose lengths give more than {MOST_MATCHED} together")
    quiet = re2.Options()
    quiet.log_errors = False
    try:
        return re2.compile(f"(?i){told}" if folded else told, quiet).fullmatch(value) is not None
    except re2.error:
        raise Failed("a pattern that is none") from None


def _bounded(pattern: str) -> None:
    if len(pattern) > LONGEST_PATTERN:
        raise Failed(f"a pattern of more than {LONGEST_PATTERN} characters")


def _divided(a: Any, b: Any) -> float:
    if b == 0:
        raise Failed("a division by zero")
    return real(a / b)


def _modulo(a: int, b: int) -> int:
    if b == 0:
        raise Failed("a division by zero")
    # As Java has it: of the sign of the first.
    return abs(a) % abs(b) * (1 if a >= 0 else -1)


def _power(a: Any, b: Any) -> float:
    try:
        made = float(a) ** float(b)
    except (OverflowError, ZeroDivisionError):
        raise Failed("a number that is none") from None
    if isinstance(made, complex):
        raise Failed("a number that is none")
    return real(made)


def _number(value: Any) -> int:
    try:
        return whole(float(value)) if not isinstance(value, int) else value
    except (ValueError, OverflowError, TypeError):
        raise Failed("a value that is no number") from None


def _cast(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else text(str(value))


def _letter(value: str, at: int) -> str:
    if not 0 <= at < len(value):
        raise Failed("a place that is not in the text")
    return value[at]


def _cut(value: str, begin: int, end: int | None = None) -> str:
    if begin < 0 or (end is not None and end < begin):
        raise Failed("a part that is not in the text")
    return value[begin:end]


def _chance(seed: Any = None) -> float:
    if seed is None:
        return clock.chance()
    mixed = (int(seed) * 6364136223846793005 + 1442695040888963407) % 2**64
    return (mixed >> 11) / 2**53


def _months(a: int, b: int) -> int:
    first, last = sorted((_moment(a), _moment(b)))
    months = (last.year - first.year) * 12 + last.month - first.month
    if (last.day, last.time()) < (first.day, first.time()):
        months -= 1
    return months if a <= b else -months


def _apart(seconds: int) -> Callable[[int, int], int]:
    return lambda a, b: int((b - a) / seconds)


def _numbers(apply: Callable[..., Any]) -> Callable[..., Any]:
    """Whole of whole numbers, others of others."""

    def applied(*values: Any) -> Any:
        made = apply(*values)
        return whole(made) if isinstance(made, int) else real(made)

    return applied


def _ordered(apply: Callable[..., bool]) -> Callable[..., bool]:
    """Whether values stand in an order. Raises Failed for a text and a number."""

    def applied(*values: Any) -> bool:
        try:
            return apply(*values)
        except TypeError:
            raise Failed("values that have no order") from None

    return applied


_TWO_TEXTS: dict[str, tuple[Callable[[str, str], bool], str]] = {
    "MATCHES": (_matches, "matches the pattern (RE2)"),
    "MATCHES_IC": (lambda a, b: _matches(a, b, folded=True), "matches the pattern, letter case aside"),
    "STARTS_WITH": (str.startswith, "begins with"),
    "STARTS_WITH_IC": (lambda a, b: a.casefold().startswith(b.casefold()), "begins with, letter case aside"),
    "ENDS_WITH": (str.endswith, "ends with"),
    "ENDS_WITH_IC": (lambda a, b: a.casefold().endswith(b.casefold()), "ends with, letter case aside"),
    "STRING_CONTAINS": (lambda a, b: b in a, "holds"),
    "STRING_CONTAINS_IC": (lambda a, b: b.casefold() in a.casefold(), "holds, letter case aside"),
    "EQ_IGNORE_CASE": (lambda a, b: a.casefold() == b.casefold(), "is, letter case aside,"),
    "LIKE": (_like, "is like (SQL)"),
}
_COMPARED: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "GT": (_ordered(operator.gt), ">"),
    "GOE": (_ordered(operator.ge), ">="),
    "LT": (_ordered(operator.lt), "<"),
    "LOE": (_ordered(operator.le), "<="),
}
_OF_DATE: dict[str, Callable[[datetime], int]] = {
    "YEAR": lambda at: at.year,
    "YEAR_MONTH": lambda at: at.year * 100 + at.month,
    "YEAR_WEEK": lambda at: at.isocalendar().year * 100 + at.isocalendar().week,
    "WEEK": lambda at: at.isocalendar().week,
    "DAY_OF_YEAR": lambda at: at.timetuple().tm_yday,
    "DAY_OF_MONTH": lambda at: at.day,
    "DAY_OF_WEEK": lambda at: at.isoweekday() % 7 + 1,
    "HOUR": lambda at: at.hour,
    "MINUTE": lambda at: at.minute,
    "SECOND": lambda at: at.second,
    "MILLISECOND": lambda at: at.microsecond // 1000,
}
_APART: dict[str, Callable[[int, int], int]] = {
    "DIFF_YEARS": lambda a, b: int(_months(a, b) / 12),
    "DIFF_MONTHS": _months,
    "DIFF_WEEKS": _apart(7 * 86_400),
    "DIFF_DAYS": _apart(86_400),
    "DIFF_HOURS": _apart(3_600),
    "DIFF_MINUTES": _apart(60),
    "DIFF_SECONDS": _apart(1),
}
_ALL: tuple[Operator, ...] = (
    Operator("IS_NULL", (ANYTHING,), BOOLEAN, lambda a: a is None, "{0} is null", "whether it is not there", strict=False),
    Operator("IS_NOT_NULL", (ANYTHING,), BOOLEAN, lambda a: a is not None, "{0} is not null", "whether it is there", strict=False),
    Operator("STRING_IS_EMPTY", (STRING,), BOOLEAN, lambda a: not a, "{0} is empty", "whether there is no letter", strict=False),
    Operator("MAP_IS_EMPTY", (MAP,), BOOLEAN, lambda a: not a, "{0} has no names", "whether there is no name", strict=False),
    Operator("NOT", (BOOLEAN,), BOOLEAN, lambda a: not a, "not {0}", "the opposite", strict=False),
    Operator("EQ", (SAME, SAME), BOOLEAN, lambda a, b: a == b, "{0} = {1}", "whether both are the same", strict=False),
    Operator("NE", (SAME, SAME), BOOLEAN, lambda a, b: a != b, "{0} != {1}", "whether they differ", strict=False),
    *(Operator(w, (ORDERED, ORDERED), BOOLEAN, apply, f"{{0}} {sign} {{1}}", f"whether {sign}") for w, (apply, sign) in _COMPARED.items()),
    Operator(
        "BETWEEN",
        (ORDERED,) * 3,
        BOOLEAN,
        _ordered(lambda a, b, c: b <= a <= c),
        "{0} between {1} and {2}",
        "whether within, ends included",
    ),
    Operator("AND", (BOOLEAN, BOOLEAN), BOOLEAN, lambda *all_: all(all_), "{0} and {1}", "whether all are", more=" and ", strict=False),
    Operator("OR", (BOOLEAN, BOOLEAN), BOOLEAN, lambda *all_: any(all_), "{0} or {1}", "whether one is", more=" or ", strict=False),
    Operator("XOR", (BOOLEAN, BOOLEAN), BOOLEAN, lambda a, b: bool(a) != bool(b), "{0} xor {1}", "whether just one is", strict=False),
    Operator(
        "XNOR", (BOOLEAN, BOOLEAN), BOOLEAN, lambda a, b: bool(a) == bool(b), "{0} xnor {1}", "whether both or none are", strict=False
    ),
    Operator("IN", (SAME, SAME), BOOLEAN, lambda a, *b: a in b, "{0} in ({1})", "whether it is one of these", more=", ", strict=False),
    Operator(
        "NOT_IN",
        (SAME, SAME),
        BOOLEAN,
        lambda a, *b: a not in b,
        "{0} not in ({1})",
        "whether it is none of these",
        more=", ",
        strict=False,
    ),
    Operator("CONTAINS_KEY", (MAP, STRING), BOOLEAN, lambda a, b: b in a, "{0} has the name {1}", "whether there is such a name"),
    Operator(
        "CONTAINS_VALUE", (MAP, ANYTHING), BOOLEAN, lambda a, b: b in a.values(), "{0} has the value {1}", "whether there is such a value"
    ),
    *(
        Operator(w, (STRING, STRING), BOOLEAN, apply, f"{{0}} {says} {{1}}", f"whether it {says}")
        for w, (apply, says) in _TWO_TEXTS.items()
    ),
    Operator("MAP_SIZE", (MAP,), INTEGER, len, "size of {0}", "how many names there are"),
    Operator("STRING_LENGTH", (STRING,), INTEGER, len, "length of {0}", "how many letters there are"),
    Operator(
        "LOCATE", (STRING, STRING), INTEGER, lambda a, b: b.find(a) + 1, "place of {0} in {1}", "where it begins, from 1; 0 for nowhere"
    ),
    Operator("CEIL", (NUMBER,), INTEGER, lambda a: whole(math.ceil(a)), "ceil({0})", "the next whole number"),
    Operator("FLOOR", (NUMBER,), INTEGER, lambda a: whole(math.floor(a)), "floor({0})", "the whole number before"),
    Operator("ROUND", (NUMBER,), INTEGER, lambda a: whole(math.floor(a + 0.5)), "round({0})", "the nearest whole number"),
    Operator("NUMCAST", (ANYTHING,), INTEGER, _number, "number of {0}", "the whole number that it says"),
    Operator("MOD", (INTEGER, INTEGER), INTEGER, _modulo, "{0} mod {1}", "what is left of a division"),
    *(
        Operator(word, (DATE,), INTEGER, lambda a, of=of: of(_moment(a)), f"{word.lower().replace('_', ' ')} of {{0}}", "as of UTC")
        for word, of in _OF_DATE.items()
    ),
    *(
        Operator(word, (DATE, DATE), INTEGER, apply, f"{word[5:].lower()} from {{0}} to {{1}}", "whole ones from the first to the second")
        for word, apply in _APART.items()
    ),
    Operator("NEGATE", (NUMERIC,), NUMERIC, _numbers(lambda a: -a), "-({0})", "the number below zero"),
    Operator("ABS", (NUMERIC,), NUMERIC, _numbers(abs), "abs({0})", "the number without its sign"),
    Operator("ADD", (NUMERIC, NUMERIC), NUMERIC, _numbers(lambda a, b: a + b), "{0} + {1}", "the sum"),
    Operator("SUB", (NUMERIC, NUMERIC), NUMERIC, _numbers(lambda a, b: a - b), "{0} - {1}", "the difference"),
    Operator("MULT", (NUMERIC, NUMERIC), NUMERIC, _numbers(lambda a, b: a * b), "{0} * {1}", "the product"),
    Operator("MIN", (NUMERIC, NUMERIC), NUMERIC, min, "min({0}, {1})", "the smaller one"),
    Operator("MAX", (NUMERIC, NUMERIC), NUMERIC, max, "max({0}, {1})", "the larger one"),
    Operator("DIV", (NUMBER, NUMBER), NUMBER, _divided, "{0} / {1}", "the quotient"),
    Operator("POWER", (NUMBER, NUMBER), NUMBER, _power, "{0} ^ {1}", "the power"),
    Operator("RANDOM", (), NUMBER, _chance, "random()", "a number from 0 up to 1"),
    Operator("RANDOM2", (INTEGER,), NUMBER, _chance, "random({0})", "the same number from 0 up to 1 for the same seed"),
    Operator("LOWER", (STRING,), STRING, lambda a: text(a.lower()), "lower({0})", "in small letters"),
    Operator("UPPER", (STRING,), STRING, lambda a: text(a.upper()), "upper({0})", "in capital letters"),
    Operator("TRIM", (STRING,), STRING, str.strip, "trim({0})", "without the space around it"),
    Operator("STRING_CAST", (ANYTHING,), STRING, _cast, "text of {0}", "as a text"),
    Operator("CHAR_AT", (STRING, INTEGER), STRING, _letter, "letter {1} of {0}", "one letter, from 0"),
    Operator("SUBSTR_1ARG", (STRING, INTEGER), STRING, _cut, "{0} from {1}", "all from a place on, from 0"),
    Operator("SUBSTR_2ARGS", (STRING, INTEGER, INTEGER), STRING, _cut, "{0} from {1} to {2}", "the part from a place to before another"),
    Operator("CONCAT", (STRING, STRING), STRING, lambda a, b: text(a + b), "{0} & {1}", "one after the other"),
)
OPERATORS = {each.word: each for each in _ALL}
# The moment of evaluation is the context's.
CURRENT_TIME = Operator("CURRENT_TIME", (), DATE, lambda: None, "now", "the moment at which the rule is asked")
OPERATORS[CURRENT_TIME.word] = CURRENT_TIME
# The misprint of the published table.
OPERATORS["NOT_INT"] = OPERATORS["NOT_IN"]


def seconds(now: int) -> int:
    """A moment of the deployment as expressions have it."""
    return now // SECOND


# What each kind of operation may give.
KINDS: dict[str, frozenset[str]] = {
    "predicate": frozenset({BOOLEAN}),
    "integer_operation": frozenset({INTEGER, NUMERIC}),
    "double_operation": frozenset({NUMBER, NUMERIC}),
    "string_operation": frozenset({STRING}),
    "date_operation": frozenset({DATE}),
    "default_operation": frozenset({NUMERIC}),
    "operation": frozenset({BOOLEAN, INTEGER, NUMBER, NUMERIC, STRING, DATE}),
}


def of_kind(kind: str) -> list[Operator]:
    """The operators of a kind, each once."""
    return [each for word, each in OPERATORS.items() if word == each.word and each.gives in KINDS[kind]]
