"""Texts and trees that try to be more than texts and trees."""

import json
import random
from typing import Any

from gamehall_server.modules.rules.expressions.operators import ANYTHING, KINDS, NUMERIC, OPERATORS, ORDERED, SAME
from gamehall_server.modules.rules.expressions.values import BOOLEAN, DATE, INTEGER, MAP, NUMBER, STRING

Tree = dict[str, Any]
# No statement, answer or letter of the product holds this by itself; each payload does.
MARK = "zqx"
# What stands in an answer only if something was run, formatted or looked up as Python's: 7 * 7191, and how objects are written.
LEAKS = (b"50337", b"<class ", b"<module ", b"<function ", b"<built-in", b"<bound method", b" object at 0x", b"Traceback (", b"root:x:0")
PIECES = (
    "{0.__class__.__mro__[1].__subclasses__()}", "{event.user.__class__.__init__.__globals__}", "%(password)s", "%s%s%n", "{0!r:{1}}",
    "{{7*7191}}", "${7*7191}", "#{7*7191}", "<%= 7*7191 %>", "{% import os %}", "$subject $body ${subject}", "`7*7191`", "$(7*7191)",
    "__import__('os').system('id')", "().__class__.__bases__[0]", "event.user.__class__", "event.__dict__", "lambda: 7*7191",
    "f\"{7*7191}\"", "eval('7*7191')", "globals()", "operator \"__getattr__\"(event.text)", "__class__(event.text)",
    "' OR '1'='1", "'; DROP TABLE \"user\"; --", "1) UNION SELECT password_hash FROM \"user\"--", "\"; SELECT pg_sleep(9); --", "\\'; --",
    "$1 $2 $$", ":id :this", "?", "1; ATTACH DATABASE 'a' AS b", "/*", "*/", "--", "CHR(39)||CHR(39)", "E'\\x27'", "%", "_", "\\%", "%%%_%",
    "(a+)+$", "(a|aa)+b", "(.*){1,1000}", "a{1000}{1000}", "[[:alpha:", "(?P<n>a)(?P=n)", "\\C", "(?i)(?s).*", "(" * 50, "\\p{Greek}",
    "\u202e\u0301\u200b", "\ufeff", "İıſß", "\U0001f3ae", "ａ＇＂；", "\u2028", "ﷺ", "\ud7ff\ue000",
    "\x1f\x7f", "\r\nBcc: eve@example.com\r\n\r\n",
    "\"", "'", "\\", ",", ":", ";", "(", ")", "{", "}", " and ", " or ", " = ", " as string", "null",
    "1e999", "-0", "event.text",
    "lookup \"user.email\"(event.user)", "user.additional_properties.__class__(event.user)", "config(\"a\" as config)",
    "<script>", "../../etc/passwd",
)  # fmt: skip
# Expressions as text, with a payload in quotes where {} stands.
FORMS = ("event.text = {}", "event.text matches the pattern (RE2) {}", "event.{}", "lookup {}(event.user)", "operator {}(event.text)",
         "global {}({}: event.user)", "{{{}: event.text}}", "event {}({}: {})", "{} as {}", "user.additional_properties.{}(event.user)",
         "config({} as config)", "json {}", "({} & {}) is like (SQL) {}", "count up global {} while below 5")  # fmt: skip
PATTERNS = (
    "(a+)+$",
    "(a|a?)+b",
    "(.*a){300}",
    "(x+x+)+y",
    "%a%a%a%a%_%b",
    "%" * 900,
    "%a" * 450 + "b",
    "((a{0,9}){0,9}){0,9}",
    "(?i)(İ|ſ)*",
)
_CONSTANTS = {STRING: "string", INTEGER: "integer", NUMBER: "number", BOOLEAN: "boolean", DATE: "date"}
_KIND_OF = {
    BOOLEAN: "predicate",
    INTEGER: "integer_operation",
    NUMBER: "double_operation",
    STRING: "string_operation",
    DATE: "date_operation",
}
_ANY = (STRING, INTEGER, NUMBER, BOOLEAN, DATE, MAP)
_LOOKUPS = ("user.username", "user.email", "user.has_tag:", "user.additional_properties.")


class Maker:
    """Makes payloads by chance; with `harmless` the same shapes with a plain word in the place of each."""

    def __init__(self, seed: int, *, harmless: bool = False) -> None:
        self.chance = random.Random(seed)
        self._harmless = harmless
        self._number = 0

    def text(self, longest: int = 400) -> str:
        """A payload, marked; now and then a long one."""
        chance, self._number = self.chance, self._number + 1
        made = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 5)))
        if chance.random() < 0.02:
            made *= chance.randint(2, 200)
        at, mark = chance.randint(0, len(made)), f"{MARK}{self._number}"
        return "plain" if self._harmless else f"{made[:at]}{mark}{made[at:]}"[:longest]

    def written(self) -> str:
        """A text that is an expression, or nearly one: payloads in quotes within it, or a payload as it is."""
        if self.chance.random() < 0.4:
            return self.text(9_000)
        form = self.chance.choice(FORMS)
        return form.format(*(json.dumps(self.text(60), ensure_ascii=False) for _ in range(form.count("{}"))))

    def tree(self, type: str = BOOLEAN, depth: int = 0) -> Tree:
        """An expression that gives a type, as far as chance lets it."""
        chance = self.chance
        if chance.random() < 0.03:
            return self._wrong(depth)
        if type == MAP:
            return {"type": "map", "map": {self.text(60): self.tree(chance.choice(_ANY), depth + 1) for _ in range(chance.randint(0, 3))}}
        if depth > 6 or chance.random() < 0.15 + depth / 10:
            return self._leaf(type)
        word, operator = chance.choice(
            [(word, each) for word, each in OPERATORS.items() if each.gives in (type, NUMERIC) and self._fits(each.gives, type)]
        )
        same = chance.choice((STRING, INTEGER, DATE))
        plain = {SAME: same, ORDERED: same, NUMERIC: type if type in (INTEGER, NUMBER) else INTEGER}
        takes = [plain.get(each, each) for each in operator.takes]
        takes += takes[-1:] * (chance.randint(0, 3) if operator.more else 0)
        args = [self.tree(chance.choice(_ANY) if each == ANYTHING else each, depth + 1) for each in takes]
        if word in ("MATCHES", "MATCHES_IC", "LIKE") and chance.random() < 0.5:
            args = [_constant("a" * chance.choice((10, 5_000)), "string"), _constant(chance.choice(PATTERNS), "string")]
        return {"type": _KIND_OF[type], "op": word, "args": args}

    def _fits(self, gives: str, type: str) -> bool:
        return gives in KINDS[_KIND_OF[type]]

    def _leaf(self, type: str) -> Tree:
        chance = self.chance
        if chance.random() < 0.3:
            user: Tree = {"type": "parameter", "of": "user"}
            if type == STRING:
                return chance.choice(
                    [{"type": "parameter", "of": "text"}, {"type": "lookup", "value_type": "user.username", "lookup_key": user}, {
                        "type": "lookup", "value_type": f"user.additional_properties.{self.text(60)}", "lookup_key": user}]
                )  # fmt: skip
            if type == BOOLEAN:
                return {"type": "lookup", "value_type": f"user.has_tag:{self.text(60)}", "lookup_key": user}
        if type == STRING:
            return _constant(self.text(), "string")
        numbers = (0, 1, -1, 7, 2**31, 2**53, -(2**53), 1_700_000_000, chance.randint(-(10**6), 10**6))
        value = chance.random() < 0.5 if type == BOOLEAN else chance.choice(numbers)
        return _constant(value, _CONSTANTS.get(type, "string"))

    def _wrong(self, depth: int) -> Tree:
        """What is no expression, or not here."""
        chance = self.chance
        inner = self.tree(chance.choice(_ANY), depth + 1) if depth < 6 else _constant(1, "integer")
        return chance.choice(
            [{"type": self.text(40), "op": "EQ", "args": [inner]}, {"type": "predicate", "op": self.text(30), "args": [inner, inner]},
             {"type": "predicate", "op": "__init__", "args": [inner]}, {"type": "parameter", "of": "__class__"},
             {"type": "parameter", "of": self.text(60)}, {"type": "global", "global_def_id": self.text(60)},
             {"type": "lookup", "value_type": self.text(90), "lookup_key": inner}, {"type": "config_lookup", "lookup_key": inner},
             {"type": "username_lookup", "lookup_key": _constant(self.text(), "string")},
             {"type": "constant", "value": [self.text()], "value_type": "string"},
             {"type": "constant", "value": {"__class__": self.text()}, "value_type": self.text(30)}, _constant(self.text(), "__class__"),
             {"type": "event_context", "event_name": "proof.told", "parameters": {"text": inner}},
             {"type": "map", "map": {"__class__": inner}}]
        )  # fmt: skip

    def large(self) -> Tree:
        """A tree that is deep, or wide, or grows with each step."""
        chance, turn = self.chance, self.chance.randrange(5)
        if turn == 0:
            made = _constant(True, "boolean")
            for _ in range(chance.choice((28, 31, 99, 200))):
                made = {"type": "predicate", "op": "NOT", "args": [made]}
            return made
        if turn == 1:
            return {"type": "predicate", "op": "OR", "args": [self.tree(BOOLEAN, 6) for _ in range(chance.choice((99, 400)))]}
        text: Tree = {"type": "parameter", "of": "text"}
        for at in range(14):
            if turn == 2:
                text = {"type": "string_operation", "op": "CONCAT", "args": [text, text]} if at < 8 else text
            elif turn == 3:
                text = {"type": "string_operation", "op": "STRING_CAST", "args": [{"type": "map", "map": {"a\\'\"": text}}]}
            else:
                text = {"type": "string_operation", "op": "UPPER", "args": [text]}
        return {"type": "predicate", "op": "LIKE", "args": [text, _constant("%_a" * 300, "string")]}


def _constant(value: Any, type: str) -> Tree:
    return {"type": "constant", "value": value, "value_type": type}
