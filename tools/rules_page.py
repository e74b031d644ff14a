"""Prints docs/rules.md: how rules are made, the guide's examples worked out, and every event, action and operator there is."""

import json
from typing import Any

from gamehall_bridge.encode import encoder
from gamehall_server.kit.comments import comment
from gamehall_server.kit.events import declared
from gamehall_server.modules.rules.actions import ACTIONS, DELAY
from gamehall_server.modules.rules.expressions import parsed, written
from gamehall_server.modules.rules.expressions.compiling import DEEPEST as DEEPEST_TREE
from gamehall_server.modules.rules.expressions.compiling import MOST_NODES
from gamehall_server.modules.rules.expressions.grammar import WORDS_OF_KINDS
from gamehall_server.modules.rules.expressions.lookups import LOOKUPS
from gamehall_server.modules.rules.expressions.operators import LONGEST_PATTERN, MOST_MATCHED, of_kind
from gamehall_server.modules.rules.expressions.values import LONGEST_TEXT

LIMITS = {"nodes": MOST_NODES, "deep": DEEPEST_TREE, "text": LONGEST_TEXT, "pattern": LONGEST_PATTERN, "matched": MOST_MATCHED}
HEAD = """# Events and rules

What happens in the product is an event: it has a name, parameters and a place in the log (`GET /bre/logs/event-log`). Game servers
follow events with `gamehall.events.v1.EventService/WatchEvents`, browsers with `GET /bre/events/watch` (server-sent events): each
message has a token, and whoever comes back with `after` and the last token misses nothing and hears nothing twice, as long as events
are kept (`GAMEHALL_EVENTS_KEPT_DAYS`).

A rule says what is done when something happens: the event, a condition, actions. Rules are asked in the order of their `sort`, the
highest first, in the transaction that ends the event's delivery, so what they write is written once, whoever dies when. The log tells
of each event which rules were asked, whether each ran and why. A rule that fails is told there, and stands in nobody's way. A rule
takes effect with the answer of the call that made it; where several processes serve one PostgreSQL, in the others within a second.
Rules that set off each other end: one event may lead to {budget} others, {deepest} deep.

What a rule may cost is bounded: it has at most {nodes} expressions, {deep} deep; texts end at {text:,} letters, patterns at {pattern:,}
and the letters of a text times those of its pattern at {matched:,}; whole numbers have 64 bits. Beyond these an expression fails, and the
log says why.

Whoever makes a rule must be allowed to do what it does and to see what it looks at: actions on users and lookups of private fields need
`USERS_ADMIN`, configs `CONFIGS_ADMIN`, and a role that a rule gives must hold nothing that its maker does not hold. `POST
/bre/rules/try` shows what a rule, saved or not, would make of an event of the log, of the last so many of them, or of one that is made
up: the value of every expression, and nothing is done.

The log keeps parameters as they were told: do not put secrets into events of your own.

## The guide's examples

"""
GIVEN = """**The role of new users.** The rule `default_role` gives `ROLE_USER` to everybody who registers, in the registration's own
transaction, so that the first token carries it. Another role, or a condition, may stand in it (`PUT /bre/rules/default_role`), and it can
be switched off (`PUT /bre/rules/default_role/enabled`); it cannot be deleted.

"""
KEY = {"type": "lookup", "value_type": "user.additional_properties.secret_key", "lookup_key": {"type": "parameter", "of": "user"}}
PROMOTION = {
    "name": "Staff know the word",
    "event_name": "user_updated",
    "condition": {"type": "predicate", "op": "EQ", "args": [KEY, {"type": "constant", "value": "open sesame", "value_type": "string"}]},
    "actions": [
        {
            "type": "assign_role",
            "mapping": {
                "user": {"type": "parameter", "of": "user"},
                "role": {"type": "constant", "value": "ROLE_STAFF", "value_type": "role"},
            },
        }
    ],
}


# A text whose tree is shown.
TEXT = "(event.level >= 10) and user.has_role:ROLE_USER(event.user)"
# How what is no operation is written.
SAMPLES = (
    *('"open sesame"', "5", "0.5", "true", '"ROLE_STAFF" as role', "1700000000 as date", "null as string"),
    *("event.level", 'event."secret word"', "global best", "global visits(user: event.user)", "count up global visits while below 5"),
    *("user.username(event.user)", "user.has_role:ROLE_STAFF(event.user)", 'config("app.name" as config)', "user named(event.username)"),
    *("{user: event.user, level: 5}", "event boss_defeated(player: event.user)"),
)


EVENTS = """## Events

A parameter with a question mark may be missing. Those of the application's own are made with `POST /bre/triggers`, and fired with
`POST /bre/events` or by rules.
"""
TEXTS = """## Expressions as text

`POST /bre/expressions` and `POST /bre/rules/expression-as-string` write an expression as people read it, `POST /bre/expressions/parse`
makes the same tree of the text again, or tells where it cannot and what is wanted there. Whether there is what a text names is found out
when a rule is saved.

An operation that stands within another one is in brackets, unless it ends with a bracket of its own: there is no order in which operators
go first. A value is of the type integer, number (with a point), string or boolean, or of the one that `as` names. An operation is of the
kind below that has its operator ({numeric}: of `default_operation`),
or of the one that `as` names, as in `(event.level + 1) as integer`: {kinds}.
"""
LOOKED_UP = """## Lookups

What `lookup` finds by the id of a user (`value_type`); `config_lookup` finds the value of a config that is no secret, `username_lookup` a
user's id.
"""
OPERATORS = """## Operators

What is not there is null: of it an operator makes null, but for those that ask for it. A condition that is null does not hold. Weeks are
those of ISO 8601, days of the week begin with Sunday as 1, dates are read in UTC, texts from 0, patterns are RE2's.
"""


def told(event: Any) -> str:
    """What an event tells."""
    return ", ".join(f"{each.name}: {each.variable}{'?' if each.optional else ''}" for each in event.parameters.values())


def table(head: str, rows: list[str]) -> str:
    """A table of a page."""
    columns = head.count("|") + 1
    return "\n".join([f"| {head} |", "|" + "---|" * columns, *(f"| {row} |" for row in rows)]) + "\n"


def shown(template: str) -> str:
    """A template with letters for its arguments."""
    for at, letter in enumerate("abc"):
        template = template.replace(f"{{{at}}}", letter)
    return template.replace("|", "\\|")


def variables(each: Any) -> str:
    """What an action is given."""
    return ", ".join(f"{one.name}: {one.type}{' (optional)' if one.optional else ''}{' (a constant)' if one.fixed else ''}" for one in each)


def as_published(expression: Any) -> Any:
    """An expression as its JSON."""
    return encoder(expression.DESCRIPTOR)(expression)


def main() -> None:
    """Prints the page."""
    from gamehall_server.kit.outbox import BUDGET
    from gamehall_server.modules.rules.engine import DEEPEST

    print(HEAD.format(budget=BUDGET, deepest=DEEPEST, **LIMITS) + GIVEN, end="")
    print("**A secret key promotes.** A rule that looks for a word in one of the user's additional properties, `POST /bre/rules`:\n")
    print("```json\n" + json.dumps(PROMOTION, indent=2) + "\n```\n")
    print(EVENTS)
    events = [f"`{name}` | {each.category} | {told(each)} | {comment(each.full_name)}" for name, each in sorted(declared().items())]
    print(table("event | category | parameters | when", events))
    print(f"## Actions\n\nEach takes `{DELAY.name}` as well: it is done so many seconds later, by the deployment's clock.\n")
    print(table("action | given | what it does", [f"`{n}` | {variables(a.variables)} | {a.says}" for n, a in sorted(ACTIONS.items())]))
    numeric = ", ".join(f"`{each.word}`" for each in of_kind("default_operation"))
    print(TEXTS.format(kinds=", ".join(WORDS_OF_KINDS.values()), numeric=numeric))
    print("```json\n" + json.dumps({"value": TEXT}) + "\n```\n\nis read as\n")
    print("```json\n" + json.dumps(as_published(parsed(TEXT)), indent=2) + "\n```\n")
    samples = [parsed(text) for text in SAMPLES]
    print(table("text | kind", [f"`{written(each)}` | `{each.WhichOneof('kind')}`" for each in samples]))
    print(LOOKED_UP)
    looked = [(n, a) for n, a in LOOKUPS.items() if n.startswith("user.")]
    print(table("value_type | gives | needs", [f"`{n}{'…' if n[-1] in ':.' else ''}` | {a.gives} | {a.needs}" for n, a in looked]))
    print(OPERATORS)
    for kind in ("predicate", "integer_operation", "double_operation", "string_operation", "date_operation"):
        print(f"### {kind}\n")
        print(
            table("operator | as people read it | what it gives", [f"`{o.word}` | {shown(o.template)} | {o.says}" for o in of_kind(kind)])
        )
    print("`default_operation` and `operation` take these too: the first those that give the type of their arguments, the second all.")


if __name__ == "__main__":
    main()
