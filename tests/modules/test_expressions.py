"""Expressions: random trees are what an interpreter of the tests' own makes of them; what each operator says is so; nothing escapes."""

import asyncio
import math
import time

import pytest
from gamehall.rules.v1 import expressions_pb2 as pb
from gamehall_server.modules.rules.expressions import Compiler, Failed, Scope, written
from gamehall_server.modules.rules.expressions.compiling import run
from gamehall_server.modules.rules.expressions.operators import KINDS, OPERATORS
from gamehall_server.modules.rules.expressions.values import BOOLEAN, INTEGER, STRING
from google.protobuf.json_format import ParseDict
from hypothesis import given, settings
from hypothesis import strategies as st

PARAMETERS = {"n": INTEGER, "m": INTEGER, "s": STRING, "t": STRING, "b": BOOLEAN}
NOW = 1_700_000_000


class Context:
    """What trees are asked with."""

    def __init__(self, parameters):
        self.parameters = parameters
        self.now = NOW * 1_000_000


def tree(kind, **told):
    return {kind: told}


def constant(value, type):
    return tree("constant", value=value, value_type=type)


def applied(kind, op, *args):
    return tree(kind, op=op, args=list(args))


def evaluated(expression, **parameters):
    """What the product makes of a tree; FAILED where it cannot."""
    compiler = Compiler(Scope(PARAMETERS, {}, {}))
    node = compiler.compile(ParseDict(expression, pb.Expression()), "x")
    assert compiler.wrong == []
    try:
        return asyncio.run(run(node, Context(parameters)))
    except Failed:
        return "FAILED"


# Random trees.

texts = st.text("aAbB %_", max_size=4)
whole = st.integers(-20, 20)


def integers(inner):
    one, two = st.tuples(inner["i"]), st.tuples(inner["i"], inner["i"])
    return st.one_of(
        st.tuples(st.sampled_from(["ADD", "SUB", "MULT", "MIN", "MAX", "MOD"]), two),
        st.tuples(st.sampled_from(["NEGATE", "ABS", "FLOOR"]), one),
        st.tuples(st.just("STRING_LENGTH"), st.tuples(inner["s"])),
        st.tuples(st.just("LOCATE"), st.tuples(inner["s"], inner["s"])),
    ).map(lambda drawn: applied("integer_operation" if drawn[0] not in ("MIN", "MAX") else "default_operation", drawn[0], *drawn[1]))


def strings(inner):
    return st.one_of(
        st.tuples(st.sampled_from(["LOWER", "UPPER", "TRIM"]), st.tuples(inner["s"])),
        st.tuples(st.just("CONCAT"), st.tuples(inner["s"], inner["s"])),
        st.tuples(st.just("SUBSTR_1ARG"), st.tuples(inner["s"], inner["i"])),
        st.tuples(st.just("STRING_CAST"), st.tuples(inner["i"])),
    ).map(lambda drawn: applied("string_operation", drawn[0], *drawn[1]))


def booleans(inner):
    return st.one_of(
        st.tuples(st.sampled_from(["EQ", "NE", "GT", "GOE", "LT", "LOE"]), st.tuples(inner["i"], inner["i"])),
        st.tuples(
            st.sampled_from(["EQ", "GT", "STARTS_WITH", "STRING_CONTAINS", "LIKE", "ENDS_WITH_IC"]), st.tuples(inner["s"], inner["s"])
        ),
        st.tuples(st.just("BETWEEN"), st.tuples(inner["i"], inner["i"], inner["i"])),
        st.tuples(st.sampled_from(["IN", "NOT_IN"]), st.lists(inner["i"], min_size=2, max_size=4)),
        st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner["b"], min_size=2, max_size=4)),
        st.tuples(st.sampled_from(["XOR", "XNOR"]), st.tuples(inner["b"], inner["b"])),
        st.tuples(st.just("NOT"), st.tuples(inner["b"])),
        st.tuples(st.sampled_from(["IS_NULL", "IS_NOT_NULL"]), st.tuples(inner["i"])),
    ).map(lambda drawn: applied("predicate", drawn[0], *drawn[1]))


LEAVES = {
    "i": whole.map(lambda value: constant(value, "integer")) | st.sampled_from("nm").map(lambda name: tree("parameter", of=name)),
    "s": texts.map(lambda value: constant(value, "string")) | st.sampled_from("st").map(lambda name: tree("parameter", of=name)),
    "b": st.booleans().map(lambda value: constant(value, "boolean")) | st.just(tree("parameter", of="b")),
}


def trees(depth):
    if depth == 0:
        return LEAVES
    inner = trees(depth - 1)
    return {name: LEAVES[name] | make(inner) for name, make in (("i", integers), ("s", strings), ("b", booleans))}


def interpreted(expression, parameters):
    """Another way to the value, as plain as can be."""
    ((kind, told),) = expression.items()
    if kind == "constant":
        return told["value"]
    if kind == "parameter":
        return parameters.get(told["of"])
    op = told["op"]
    if op in ("AND", "OR"):
        # Whether a later one fails is not asked where the answer is known.
        for each in told["args"]:
            if bool(interpreted(each, parameters)) == (op == "OR"):
                return op == "OR"
        return op == "AND"
    values = [interpreted(each, parameters) for each in told["args"]]
    loose = {"EQ", "NE", "IN", "NOT_IN", "XOR", "XNOR", "NOT", "IS_NULL", "IS_NOT_NULL"}
    if op not in loose and any(value is None for value in values):
        return None
    return MEANT[op](*values)


def fail(condition):
    if condition:
        raise Failed
    return True


def like(value, pattern):
    if not pattern:
        return not value
    if pattern[0] == "%":
        return any(like(value[at:], pattern[1:]) for at in range(len(value) + 1))
    return bool(value) and pattern[0] in ("_", value[0]) and like(value[1:], pattern[1:])


def sized(number):
    fail(not -(2**63) <= number < 2**63)
    return number


MEANT = {
    "ADD": lambda a, b: sized(a + b), "SUB": lambda a, b: sized(a - b), "MULT": lambda a, b: sized(a * b),
    "MIN": lambda a, b: a if a <= b else b, "MAX": lambda a, b: b if a <= b else a,
    "MOD": lambda a, b: fail(b == 0) and (abs(a) % abs(b)) * (1 if a >= 0 else -1),
    "NEGATE": lambda a: sized(0 - a), "ABS": lambda a: sized(a if a >= 0 else -a), "FLOOR": lambda a: a,
    "STRING_LENGTH": lambda s: sum(1 for _ in s),
    "LOCATE": lambda a, b: next((at + 1 for at in range(len(b) - len(a) + 1) if b[at : at + len(a)] == a), 0),
    "LOWER": lambda s: "".join(letter.lower() for letter in s), "UPPER": lambda s: "".join(letter.upper() for letter in s),
    "TRIM": lambda s: s.strip(" "), "CONCAT": lambda a, b: f"{a}{b}", "STRING_CAST": lambda a: f"{a}",
    "SUBSTR_1ARG": lambda s, at: fail(at < 0) and "".join(letter for place, letter in enumerate(s) if place >= at),
    "EQ": lambda a, b: a == b, "NE": lambda a, b: a != b, "GT": lambda a, b: b < a, "GOE": lambda a, b: not a < b,
    "LT": lambda a, b: a < b, "LOE": lambda a, b: not b < a, "BETWEEN": lambda a, b, c: not a < b and not c < a,
    "IN": lambda a, *b: any(a == each for each in b), "NOT_IN": lambda a, *b: not any(a == each for each in b),
    "XOR": lambda a, b: (not a) != (not b), "XNOR": lambda a, b: (not a) == (not b), "NOT": lambda a: not a,
    "IS_NULL": lambda a: a is None, "IS_NOT_NULL": lambda a: a is not None, "STARTS_WITH": lambda a, b: a[: len(b)] == b,
    "STRING_CONTAINS": lambda a, b: any(a[at : at + len(b)] == b for at in range(len(a) + 1)), "LIKE": like,
    "ENDS_WITH_IC": lambda a, b: a.lower()[::-1].startswith(b.lower()[::-1]),
}  # fmt: skip
GIVEN = st.fixed_dictionaries(
    {}, optional={"n": whole, "m": st.sampled_from([0, 2**62, -(2**63)]), "s": texts, "t": texts, "b": st.booleans()}
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(*trees(3).values()), GIVEN)
def test_random_trees_are_what_another_interpreter_makes_of_them(expression, parameters):
    try:
        wanted = interpreted(expression, parameters)
    except Failed:
        wanted = "FAILED"

    assert evaluated(expression, **parameters) == wanted
    assert written(ParseDict(expression, pb.Expression()))


# What operators give, by example.

AT = constant(1_700_000_000, "date")  # 2023-11-14, 22:13:20, a Tuesday
EXAMPLES = [
    ("integer_operation", "YEAR", [AT], 2023),
    ("integer_operation", "YEAR_MONTH", [AT], 202311),
    ("integer_operation", "YEAR_WEEK", [AT], 202346),
    ("integer_operation", "WEEK", [AT], 46),
    ("integer_operation", "DAY_OF_YEAR", [AT], 318),
    ("integer_operation", "DAY_OF_MONTH", [AT], 14),
    ("integer_operation", "DAY_OF_WEEK", [AT], 3),
    ("integer_operation", "HOUR", [AT], 22),
    ("integer_operation", "MINUTE", [AT], 13),
    ("integer_operation", "SECOND", [AT], 20),
    ("integer_operation", "MILLISECOND", [AT], 0),
    ("integer_operation", "DIFF_DAYS", [AT, constant(1_700_000_000 + 90_000, "date")], 1),
    ("integer_operation", "DIFF_MONTHS", [constant(1_706_659_200, "date"), constant(1_709_251_200, "date")], 1),
    ("integer_operation", "DIFF_YEARS", [AT, constant(1_700_000_000 - 400 * 86_400, "date")], -1),
    ("integer_operation", "DIFF_HOURS", [AT, constant(1_700_007_199, "date")], 1),
    ("integer_operation", "DIFF_WEEKS", [AT, constant(1_700_000_000 + 8 * 86_400, "date")], 1),
    ("integer_operation", "CEIL", [constant(1.2, "number")], 2),
    ("integer_operation", "ROUND", [constant(2.5, "number")], 3),
    ("integer_operation", "NUMCAST", [constant("12", "string")], 12),
    ("integer_operation", "NUMCAST", [constant("twelve", "string")], "FAILED"),
    ("integer_operation", "MOD", [constant(-7, "integer"), constant(3, "integer")], -1),
    ("double_operation", "DIV", [constant(1, "integer"), constant(0, "integer")], "FAILED"),
    ("double_operation", "POWER", [constant(2, "integer"), constant(0.5, "number")], 2**0.5),
    ("double_operation", "POWER", [constant(10, "integer"), constant(400, "integer")], "FAILED"),
    ("string_operation", "CHAR_AT", [constant("abc", "string"), constant(1, "integer")], "b"),
    ("string_operation", "CHAR_AT", [constant("abc", "string"), constant(3, "integer")], "FAILED"),
    ("string_operation", "SUBSTR_2ARGS", [constant("abcd", "string"), constant(1, "integer"), constant(3, "integer")], "bc"),
    ("predicate", "MATCHES", [constant("abc", "string"), constant("a.c", "string")], True),
    ("predicate", "MATCHES", [constant("xabc", "string"), constant("a.c", "string")], False),
    ("predicate", "MATCHES_IC", [constant("ABC", "string"), constant("a.c", "string")], True),
    ("predicate", "MATCHES", [constant("a", "string"), constant("(", "string")], "FAILED"),
    ("predicate", "EQ_IGNORE_CASE", [constant("ÄB", "string"), constant("äb", "string")], True),
    ("predicate", "CONTAINS_KEY", [tree("map", map={"a": AT}), constant("a", "string")], True),
    ("predicate", "CONTAINS_VALUE", [tree("map", map={"a": AT}), constant(1, "integer")], False),
    ("predicate", "MAP_IS_EMPTY", [tree("map", map={})], True),
    ("integer_operation", "MAP_SIZE", [tree("map", map={"a": AT, "b": AT})], 2),
    ("date_operation", "CURRENT_TIME", [], NOW),
    ("integer_operation", "ADD", [constant(2**53, "integer"), constant(1, "integer")], 2**53 + 1),
]


@pytest.mark.parametrize("kind, op, args, wanted", EXAMPLES, ids=lambda part: part if isinstance(part, str) else "")
def test_an_operator_gives_what_it_says(kind, op, args, wanted):
    assert evaluated(applied(kind, op, *args)) == wanted


def test_chance_is_a_number_below_one_and_the_same_for_a_seed():
    drawn = {evaluated(applied("double_operation", "RANDOM")) for _ in range(20)}
    seeded = {evaluated(applied("double_operation", "RANDOM2", constant(7, "integer"))) for _ in range(5)}

    assert len(drawn) > 10
    assert len(seeded) == 1
    assert all(0 <= each < 1 for each in drawn | seeded)


def test_every_published_operator_is_there():
    published = """IS_NULL IS_NOT_NULL STRING_IS_EMPTY NOT MAP_IS_EMPTY EQ NE GT GOE LT LOE OR AND XNOR XOR CONTAINS_KEY CONTAINS_VALUE
        MATCHES MATCHES_IC STARTS_WITH STARTS_WITH_IC EQ_IGNORE_CASE ENDS_WITH ENDS_WITH_IC STRING_CONTAINS STRING_CONTAINS_IC LIKE BETWEEN
        IN NOT_IN NOT_INT RANDOM RANDOM2 NEGATE MAP_SIZE STRING_LENGTH CEIL ABS FLOOR ROUND NUMCAST HOUR MINUTE SECOND MILLISECOND YEAR
        WEEK YEAR_MONTH YEAR_WEEK DAY_OF_WEEK DAY_OF_MONTH DAY_OF_YEAR ADD DIV MULT SUB POWER MOD MIN MAX LOCATE DIFF_YEARS DIFF_MONTHS
        DIFF_WEEKS DIFF_DAYS DIFF_HOURS DIFF_MINUTES DIFF_SECONDS CURRENT_TIME LOWER UPPER TRIM STRING_CAST CHAR_AT SUBSTR_1ARG CONCAT
        SUBSTR_2ARGS"""

    assert OPERATORS.keys() == set(published.split())
    assert all(any(each.gives in gives for gives in KINDS.values()) for each in OPERATORS.values())


def test_patterns_and_texts_that_would_take_for_ever_do_not():
    """What makes other engines of patterns hang; doubling texts; numbers without end."""
    long = tree("parameter", of="s")
    assert evaluated(applied("predicate", "MATCHES", long, constant("a" * 10, "string")), s="a" * 60_000) == "FAILED"
    assert evaluated(applied("predicate", "MATCHES", long, constant("a*", "string")), s="a" * 60_000) is True
    hostile = applied("predicate", "MATCHES", constant("a" * 5_000 + "b", "string"), constant("(a+)+$", "string"))
    alike = applied("predicate", "LIKE", constant("a" * 5_000, "string"), constant("%a" * 400 + "b", "string"))
    doubled = tree("parameter", of="s")
    for _ in range(7):
        doubled = applied("string_operation", "CONCAT", doubled, doubled)
    large = constant(10**18, "integer")
    within = tree("parameter", of="s")
    for _ in range(10):
        within = applied("string_operation", "STRING_CAST", tree("map", map={"a": within}))
    began = time.monotonic()
    alike_all = applied("predicate", "LIKE", tree("parameter", of="s"), constant("%a" * 499 + "b", "string"))
    wide = applied("predicate", "LIKE", tree("parameter", of="s"), constant("%" * 999, "string"))

    assert (evaluated(alike_all, s="a" * 65_536), evaluated(wide, s="a" * 65_536)) == (False, True)
    assert time.monotonic() - began < 5
    assert evaluated(within, s="\\" * 60_000) == "FAILED"
    assert evaluated(applied("string_operation", "UPPER", tree("parameter", of="s")), s="ΐ" * 65_536) == "FAILED"
    assert evaluated(applied("integer_operation", "NUMCAST", tree("map", map={}))) == "FAILED"
    assert evaluated(hostile) is False
    assert evaluated(alike) is False
    assert evaluated(doubled, s="x" * 1_000) == "FAILED"
    assert evaluated(applied("integer_operation", "MULT", large, large)) == "FAILED"
    assert math.isfinite(evaluated(applied("double_operation", "MULT", large, large)))
