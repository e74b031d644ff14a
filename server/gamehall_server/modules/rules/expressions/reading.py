"""Expressions from the text that `writing` makes of them. It goes through the text once, without ever going back, and nothing of it is ever
run as code."""

import json
import math
from typing import Any, NamedTuple

from gamehall.rules.v1 import expressions_pb2 as pb
from google.protobuf.json_format import Error as NotJson
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Value

from gamehall_server.modules.rules.expressions.compiling import DEEPEST, MOST_NODES
from gamehall_server.modules.rules.expressions.grammar import (
    CAPITALS,
    INFIX,
    START,
    TOKEN,
    WORDS_OF_KINDS,
    Form,
    State,
    Tree,
    looked_up,
    operation,
)
from gamehall_server.modules.rules.expressions.lookups import LOOKUPS, lookup_named

END = "end"
# Each expression, and a pair of brackets around it.
MOST_LEVELS = 2 * DEEPEST + 2
_PLAIN = {"true": True, "false": False, "null": None}
_KINDS = {word: kind for kind, word in WORDS_OF_KINDS.items()}


class Unreadable(Exception):
    """A text that is no expression: where, and what is wanted there."""


class Token(NamedTuple):
    """A piece of the text: string, number, word, sign or end, and where it begins, from 1."""

    kind: str
    text: str
    at: int

    @property
    def word(self) -> str | None:
        """What forms know it by."""
        return self.text if self.kind in ("word", "sign") else None


class Made(NamedTuple):
    """A tree, and how many expressions stand within each other in it."""

    tree: Tree
    height: int


def parsed(text: str) -> pb.Expression:
    """The expression of a text. Raises Unreadable."""
    tree = _Reader(text).whole()
    try:
        return ParseDict(tree, pb.Expression())
    except NotJson:
        # Lists and objects within each other, for expressions have their limit.
        raise Unreadable("at character 1: too many values within each other") from None


def _tokens(text: str) -> list[Token]:
    found, at = [], 0
    end = len(text.rstrip(" \t\n\r\f\v"))
    while at < end:
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            at += len(text[at:]) - len(text[at:].lstrip(" \t\n\r\f\v"))
            problem = "a text that ends is wanted" if text[at] == '"' else f"{text[at]!r} is no part of an expression"
            raise Unreadable(f"at character {at + 1}: {problem}")
        found.append(Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup) + 1))
        at = match.end()
    return [*found, Token(END, "", end + 1)]


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0
        self._nodes = 0

    def whole(self) -> Tree:
        """The tree of the whole text."""
        made = self._expression(0)
        if self._token.kind != END:
            raise self._wanted("an operator or the end")
        return made.tree

    # Tokens.

    @property
    def _token(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._token
        self._place += 1
        return token

    def _follows(self, word: str) -> bool:
        """Whether this comes next, which is taken then."""
        found = self._token.word == word
        self._place += found
        return found

    def _expect(self, word: str) -> None:
        if not self._follows(word):
            raise self._wanted(f'"{word}"')

    def _wanted(self, wanted: str, token: Token | None = None) -> Unreadable:
        """What is wrong here, or at another token."""
        token = token or self._token
        there = f"{token.text[:50]!r}" if token.text else "the end"
        return Unreadable(f"at character {token.at}: {wanted} is wanted, and there is {there}")

    def _limited(self, fits: bool, limit: str) -> None:
        if not fits:
            raise Unreadable(f"at character {self._token.at}: at most {limit}")

    def _text(self) -> str:
        """A text in quotes."""
        token = self._token
        if token.kind != "string":
            raise self._wanted("a text in quotes")
        try:
            text: str = json.loads(token.text)
            text.encode()
        except ValueError:
            raise self._wanted("a text as JSON has it") from None
        self._take()
        return text

    def _name(self) -> str:
        if self._token.kind == "string":
            return self._text()
        if self._token.kind != "word":
            raise self._wanted("a name")
        return self._take().text

    # Expressions.

    def _node(self, tree: Tree, *inner: Made) -> Made:
        self._nodes += 1
        height = 1 + max((each.height for each in inner), default=-1)
        self._limited(self._nodes <= MOST_NODES and height <= DEEPEST, f"{MOST_NODES} expressions, {DEEPEST} deep")
        return Made(tree, height)

    def _expression(self, level: int) -> Made:
        """An operation, or what may stand within one."""
        made, closed = self._begun(level)
        if closed and self._token.word in INFIX.words:
            made, closed = self._formed(INFIX, [made], level)[0], False
        if not closed and self._token.word in INFIX.words:
            raise self._wanted("a pair of brackets around what stands before")
        return made

    def _operand(self, level: int) -> Made:
        """What may stand within an operation without brackets."""
        begin = self._token
        made, closed = self._begun(level)
        if not closed:
            raise self._wanted("a pair of brackets around what begins here", begin)
        return made

    def _begun(self, level: int) -> tuple[Made, bool]:
        """What begins here, as far as it goes without a first argument, and whether it may stand within an operation."""
        self._limited(level <= MOST_LEVELS, f"{MOST_LEVELS} expressions within each other")
        token = self._token
        if token.kind in ("string", "number") or token.text in _PLAIN or token.text == "json" or self._is_below_zero():
            return self._constant(), True
        if self._follows("("):
            made = self._expression(level + 1)
            self._expect(")")
            return self._of_kind(made), True
        if self._follows("{"):
            pairs = self._pairs("}", level)
            return self._node({"map": {"map": _trees(pairs)}}, *pairs.values()), True
        if token.word in START.words:
            made, form = self._formed(START, [], level)
            return (self._of_kind(made), True) if form.closed else (made, False)
        if token.kind != "word":
            raise self._wanted("an expression")
        return self._named(level), True

    def _formed(self, state: State, given: list[Made], level: int) -> tuple[Made, Form]:
        """What the templates say: on from a state, after the arguments that were given."""
        while True:
            step = state.words.get(self._token.word or "")
            if step is not None:
                self._take()
                state = step
            elif state.argument is not None:
                whole, state = state.argument
                given.append(self._expression(level + 1) if whole else self._operand(level + 1))
            elif state.ends is not None:
                given = state.ends.ordered(given)
                return self._node(state.ends.make([each.tree for each in given]), *given), state.ends
            else:
                raise self._wanted(" or ".join(f'"{word}"' for word in state.words))

    def _of_kind(self, made: Made) -> Made:
        """What stands before `as`, as an operation of that kind."""
        ((kind, told),) = made.tree.items()
        if kind not in WORDS_OF_KINDS or not self._follows("as"):
            return made
        token = self._token
        word = self._name()
        if word not in _KINDS:
            raise self._wanted(f"one of {', '.join(_KINDS)}", token)
        return Made({_KINDS[word]: told}, made.height)

    def _is_below_zero(self) -> bool:
        return self._token.word == "-" and self._tokens[self._place + 1].kind == "number"

    def _constant(self) -> Made:
        token = self._token
        value: Any
        if token.kind == "string":
            value, type = self._text(), "string"
        elif self._follows("json"):
            value, type = self._json(), ""
        elif token.text in _PLAIN:
            value = _PLAIN[self._take().text]
            type = "" if value is None else "boolean"
        else:
            sign = -1 if self._follows("-") else 1
            text = self._take().text
            value, type = sign * float(text), "integer" if text.isdigit() else "number"
            if not math.isfinite(value):
                raise self._wanted("a smaller number", token)
        if self._follows("as"):
            type = self._name()
        elif not type:
            raise self._wanted('"as" and a type')
        return self._node({"constant": {"value": value, "value_type": type}})

    def _json(self) -> Any:
        """A list or an object, which no rule can have but which can be written."""
        token = self._token
        text = self._text()
        try:
            value = json.loads(text, parse_int=float)
            json.dumps(value, allow_nan=False)
            ParseDict(value, Value())
        except (ValueError, RecursionError, NotJson):
            raise self._wanted("a text that is JSON", token) from None
        return value

    def _named(self, level: int) -> Made:
        """What a word that no template begins with says."""
        token = self._take()
        word = token.text
        if word.startswith("event."):
            return self._node({"parameter": {"of": word.removeprefix("event.")}})
        if word == "event" and self._follows("."):
            return self._node({"parameter": {"of": self._text()}})
        if word == "event":
            name = self._name()
            self._expect("(")
            pairs = self._pairs(")", level)
            return self._node({"event_context": {"event_name": name, "parameters": _trees(pairs)}}, *pairs.values())
        if word == "global":
            name = self._name()
            pairs = self._pairs(")", level) if self._follows("(") else {}
            return self._node({"global": {"global_def_id": name, "scopes": _trees(pairs)}}, *pairs.values())
        if word == "operator" or CAPITALS.fullmatch(word):
            return self._of_kind(self._applied(self._text() if word == "operator" else word, level))
        if word == "lookup":
            return self._looked_up(self._text(), level)
        for sign in ":.":
            if word + sign in LOOKUPS and self._follows(sign):
                return self._looked_up(word + sign + self._name(), level)
        if lookup_named(word):
            return self._looked_up(word, level)
        raise self._wanted("an expression", token)

    def _applied(self, operator: str, level: int) -> Made:
        """An operator by its word."""
        self._expect("(")
        given: list[Made] = []
        while not self._follows(")"):
            if given:
                self._expect(",")
            given.append(self._expression(level + 1))
        return self._node(operation(operator)([each.tree for each in given]), *given)

    def _looked_up(self, name: str, level: int) -> Made:
        self._expect("(")
        key = self._expression(level + 1)
        self._expect(")")
        return self._node(looked_up(name)([key.tree]), key)

    def _pairs(self, close: str, level: int) -> dict[str, Made]:
        """Expressions by names, up to a bracket."""
        pairs: dict[str, Made] = {}
        while not self._follows(close):
            if pairs:
                self._expect(",")
            token = self._token
            name = self._name()
            if name in pairs:
                raise self._wanted("a name that is not there yet", token)
            self._expect(":")
            pairs[name] = self._expression(level + 1)
        return pairs


def _trees(pairs: dict[str, Made]) -> dict[str, Tree]:
    return {name: each.tree for name, each in pairs.items()}
