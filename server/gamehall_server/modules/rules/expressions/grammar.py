"""The language that people read expressions in. Every form of it is a template, `{0} begins with {1}`: `writing` fills them, and `reading`
follows a tree of states that is made from all of them, so what is written can be read, and there is one list of what there is."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from gamehall_server.modules.rules.expressions.lookups import LOOKUPS
from gamehall_server.modules.rules.expressions.operators import KINDS, NUMERIC, OPERATORS
from gamehall_server.modules.rules.expressions.values import BOOLEAN, DATE, INTEGER, NUMBER, STRING

# An expression as the JSON of the contract has it: its kind, and what that says.
Tree = dict[str, dict[str, Any]]
TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\\x00-\x1f]|\\.)*")|(?P<number>(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)"""
    r"""|(?P<word>[A-Za-z_]\w*(?:\.\w+)*)|(?P<sign>!=|<=|>=|[-+*/^&=<>(){},:.]))""",
    re.ASCII,
)
WORD, AFTER_POINT = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*", re.ASCII), re.compile(r"\w+(?:\.\w+)*", re.ASCII)
# Operators that are written by their words, as in ADD(1, 2).
CAPITALS = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
# What an operator is an operation of where nothing is said; otherwise `as` says it, with these words.
_NATURAL = {BOOLEAN: "predicate", INTEGER: "integer_operation", NUMBER: "double_operation", STRING: "string_operation"}
_NATURAL |= {DATE: "date_operation", NUMERIC: "default_operation"}
WORDS_OF_KINDS = {kind: kind.removesuffix("_operation") for kind in KINDS}


def natural_kind(operator: str) -> str:
    """The kind of operation that an operator makes by itself."""
    return _NATURAL[OPERATORS[operator].gives] if operator in OPERATORS else "predicate"


def operation(operator: str) -> Callable[[list[Tree]], Tree]:
    """A function from arguments to what an operator makes of them."""
    return lambda args: {natural_kind(operator): {"op": operator, "args": args}}


class Written(NamedTuple):
    """A text, and whether it may stand within another one without brackets."""

    text: str
    closed: bool = True


class _Hole(NamedTuple):
    """Where an argument stands: after which text, which one, and whether an operation may stand there without brackets."""

    before: str
    number: int
    whole: bool


class Form:
    """A way to write an expression: its template, what it makes of its arguments, and what stands between further ones of the last kind."""

    def __init__(self, template: str, make: Callable[[list[Tree]], Tree], more: str = "") -> None:
        self.make, self.more = make, more
        *pieces, self.after = re.split(r"\{(\d)\}", template)
        texts, numbers = [*pieces[::2], self.after], pieces[1::2]
        self.holes = [
            _Hole(before, int(number), before.endswith(("(", ", ")) and then.startswith((")", ",")))
            for before, number, then in zip(texts, numbers, texts[1:], strict=False)
        ]
        # What ends with a bracket of its own, or is one word, needs none around it.
        self.closed = bool(texts[0]) and (not self.holes or self.after == ")")

    def write(self, args: list[Written]) -> Written:
        """The form with these arguments."""
        parts = []
        for hole in self.holes:
            given = args[hole.number :] if self.more and hole is self.holes[-1] else [args[hole.number]]
            parts += [hole.before, self.more.join(each.text if hole.whole or each.closed else f"({each.text})" for each in given)]
        return Written("".join([*parts, self.after]), self.closed)

    def ordered(self, given: list[Any]) -> list[Any]:
        """Arguments in their order, told in that of the text."""
        numbers = [hole.number for hole in self.holes]
        return [given[numbers.index(at)] if at in numbers else given[at] for at in range(len(given))]


class State:
    """A place within forms: the tokens that may come next, the argument that may, and the form that may end here."""

    def __init__(self) -> None:
        self.words: dict[str, State] = {}
        # Whether an operation may stand there without brackets, and what comes after it.
        self.argument: tuple[bool, State] | None = None
        self.ends: Form | None = None

    def through(self, text: str) -> "State":
        """The place after these tokens."""
        state = self
        for token in tokens(text):
            state = state.words.setdefault(token, State())
        return state

    def filled(self, whole: bool, then: "State | None" = None) -> "State":
        """The place after an argument. Raises ValueError where forms differ in it, and nobody could tell which is meant."""
        if self.argument is None:
            self.argument = (whole, then or State())
        if self.argument[0] is not whole or then not in (None, self.argument[1]):
            raise ValueError("forms of expressions that cannot be told apart")
        return self.argument[1]


def tokens(text: str) -> Iterator[str]:
    """The tokens of a template's text."""
    return (found[0].strip() for found in TOKEN.finditer(text))


def _add(form: Form) -> None:
    state = START
    for hole in form.holes:
        state = state.through(hole.before).filled(hole.whole)
        if form.more and hole is form.holes[-1]:
            state.through(form.more).filled(hole.whole, state)
    state = state.through(form.after)
    if state.ends is not None:
        raise ValueError("two forms of expressions are written alike")
    state.ends = form


START = State()
# By operator.
OF_OPERATORS = {word: Form(each.template, operation(word), each.more) for word, each in OPERATORS.items() if word == each.word}
COUNT_UP = Form(
    "count up {0} while below {1}",
    lambda args: {"global_check_and_increment": {"global_resource": args[0], "check_value_resource": args[1]}},
)
CONFIG = Form("config({0})", lambda args: {"config_lookup": {"lookup_key": args[0]}})
USER_NAMED = Form("user named({0})", lambda args: {"username_lookup": {"lookup_key": args[0]}})


def looked_up(name: str) -> Callable[[list[Tree]], Tree]:
    """A function from the key to the lookup of this name."""
    return lambda args: {"lookup": {"value_type": name, "lookup_key": args[0]}}


# Those that no word of a rule's follows.
OF_LOOKUPS = {name: Form(f"{name}({{0}})", looked_up(name)) for name in LOOKUPS if name[-1] not in ":."}
for _form in (*OF_OPERATORS.values(), COUNT_UP, CONFIG, USER_NAMED, *OF_LOOKUPS.values()):
    _add(_form)
# After the first argument of what begins with one.
INFIX = START.filled(False)
