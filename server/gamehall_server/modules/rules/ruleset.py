"""Every rule of a deployment, compiled, in memory: what a process asks of each event. It is read again when its version in the database
says so, and at once by whoever changes a rule."""

import logging
from typing import Any, NamedTuple

from gamehall.events.v1 import triggers_pb2
from gamehall.rules.v1 import globals_pb2, rules_pb2

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.errors import Violation
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.events.variables import VARIABLES
from gamehall_server.modules.rules import tables
from gamehall_server.modules.rules.actions import ACTIONS, DELAY, Action
from gamehall_server.modules.rules.expressions import Compiler, Node, Scope
from gamehall_server.modules.rules.expressions.compiling import Global, held_to
from gamehall_server.modules.rules.expressions.values import BOOLEAN, OF_BASE, fits

log = logging.getLogger("gamehall.rules")
# Gives every new user the role of users, in the transaction of the registration.
DEFAULT_ROLE = "default_role"


class Step(NamedTuple):
    """An action of a rule, with a node for each of its variables."""

    action: Action
    values: dict[str, Node]
    delay: Node | None


class Holds(NamedTuple):
    """What the actions of a rule change at once: nodes of users, and globals with the nodes of their scopes."""

    users: tuple[Node, ...]
    globals: tuple[tuple[str, Node | None], ...]


class Compiled(NamedTuple):
    """A rule that is ready to be asked. `holds` is None where there is nothing to hold."""

    id: str
    name: str
    start: Micros | None
    end: Micros | None
    condition: Node | None
    steps: tuple[Step, ...]
    holds: Holds | None


class Known(NamedTuple):
    """What names in rules stand for: what each trigger tells, and the globals."""

    triggers: dict[str, dict[str, tuple[str, bool]]]
    custom: frozenset[str]
    globals: dict[str, Global]

    def scope(self, event: str) -> Scope:
        """What the rules of an event may name."""
        own = {name: told for name, told in self.triggers.items() if name in self.custom}
        return Scope({name: type for name, (type, _) in self.triggers[event].items()}, self.globals, own)


async def known(db: Handle) -> Known:
    """As the database has it."""
    triggers: dict[str, dict[str, tuple[str, bool]]] = {}
    custom: set[str] = set()
    row: Any
    for row in await db.all(tables.every_trigger):
        told = triggers_pb2.Trigger.FromString(row.parameters or b"").parameters
        triggers[row.event_name] = {each.name: (OF_BASE[VARIABLES[each.type].base], each.optional) for each in told}
        if not row.system_trigger:
            custom.add(row.event_name)
    found = {}
    for row in await db.all(tables.every_global):
        scopes = globals_pb2.GlobalDefinition.FromString(row.scopes or b"").scopes
        found[row.id] = Global(OF_BASE[VARIABLES[row.type].base], {each.name: OF_BASE[VARIABLES[each.type].base] for each in scopes})
    return Known(triggers, frozenset(custom), found)


class Made(NamedTuple):
    """What came of compiling a rule: its parts, what is wrong, which permissions it takes, which roles it deals in, and what it names."""

    condition: Node | None
    steps: tuple[Step, ...]
    wrong: list[Violation]
    needs: set[str]
    roles: set[str]
    names: set[tuple[str, str]]


def compiled(rule: rules_pb2.Rule, there: Known, path: str = "rule", record: Any = None) -> Made:
    """Checks and compiles a rule that stands at a path of a request."""
    at = f"{path}." if path else ""
    if rule.event_name not in there.triggers:
        return Made(None, (), [Violation(f"{at}event_name", "there is no such trigger")], set(), set(), set())
    compiler = Compiler(there.scope(rule.event_name), record)
    condition = compiler.compile(rule.condition, f"{at}condition", BOOLEAN) if rule.HasField("condition") else None
    steps: list[Step] = []
    needs: set[str] = set()
    roles: set[str] = set()
    names: set[tuple[str, str]] = set()
    for number, each in enumerate(rule.actions):
        here, action = f"{at}actions[{number}]", ACTIONS.get(each.type)
        if action is None:
            compiler.wrong.append(Violation(f"{here}.type", f"no action; there are: {', '.join(sorted(ACTIONS))}"))
            continue
        names.add(("action", action.name))
        needs |= {action.needs} - {""}
        step = _step(compiler, action, each, f"{here}.mapping", there)
        roles |= {_constant(each, "role")} if "role" in each.mapping else set()
        steps.append(step)
    names |= {("global", name) for name in compiler.globals} | {("trigger", name) for name in compiler.events}
    names |= {("global", _constant(each, "global")) for each in rule.actions if "global" in each.mapping}
    return Made(condition, tuple(steps), compiler.wrong, needs | compiler.needs, roles - {""}, names)


def _constant(told: rules_pb2.ActionContext, name: str) -> str:
    value = told.mapping[name]
    return value.constant.value.string_value if value.WhichOneof("kind") == "constant" else ""


def _step(compiler: Compiler, action: Action, told: rules_pb2.ActionContext, path: str, there: Known) -> Step:
    wrong = compiler.wrong
    taken = {each.name: each for each in (*action.variables, DELAY)}
    wrong += [Violation(f"{path}.{name}", "the action takes no such variable") for name in sorted(told.mapping.keys() - taken.keys())]
    nodes: dict[str, Node] = {}
    for name, variable in taken.items():
        if name not in told.mapping:
            if not variable.optional:
                wrong.append(Violation(f"{path}.{name}", "required"))
            continue
        if variable.fixed and told.mapping[name].WhichOneof("kind") != "constant":
            wrong.append(Violation(f"{path}.{name}", "a constant is wanted"))
        nodes[name] = compiler.compile(told.mapping[name], f"{path}.{name}", variable.base)
    if "global" in nodes:
        _hold_to_global(compiler, action, told, nodes, path, there)
    return Step(action, nodes, nodes.pop(DELAY.name, None))


def _hold_to_global(compiler: Compiler, action: Action, told: Any, nodes: dict[str, Node], path: str, there: Known) -> None:
    found = there.globals.get(_constant(told, "global"))
    if found is None:
        compiler.wrong.append(Violation(f"{path}.global", "there is no such global"))
        return
    if "value" in nodes and not fits(nodes["value"].type, found.type):
        compiler.wrong.append(Violation(f"{path}.value", f"gives {nodes['value'].type}, and {found.type} is wanted"))
    elif "value" in nodes:
        nodes["value"] = held_to(nodes["value"], found.type)
    if action.name == "increment_global" and found.type != "INTEGER":
        compiler.wrong.append(Violation(f"{path}.global", f"of {found.type}, and one of whole numbers is wanted"))
    given = set(told.mapping["scopes"].map.map) if "scopes" in told.mapping else set()
    for name in sorted(given ^ found.scopes.keys()):
        compiler.wrong.append(Violation(f"{path}.scopes.{name}", "required" if name in found.scopes else "the global has no such scope"))


def rule_of(row: Any) -> rules_pb2.Rule:
    """A row as a message, as far as compiling goes."""
    rule = rules_pb2.Rule.FromString((row.condition or b"") + (row.actions or b""))
    rule.event_name, rule.id = row.event_name, row.id
    return rule


class Ruleset:
    """What a process knows of rules."""

    def __init__(self) -> None:
        self._version: int | None = None
        self.by_event: dict[str, tuple[Compiled, ...]] = {}

    def wants(self, event: str) -> bool:
        """Whether a rule is to be asked about events of this name."""
        return event in self.by_event

    async def renew(self, db: Handle) -> None:
        """Reads the rules where they are others than before."""
        version = await db.value(tables.version)
        if version != self._version:
            self.by_event, self._version = await _read(db), version

    async def changed(self, db: Handle) -> None:
        """Tells every process, in the transaction that changed a rule; this one knows with its commit."""
        await tables.next_version(db)
        by_event, version = await _read(db), await db.value(tables.version)

        def put() -> None:
            self.by_event, self._version = by_event, version

        db.after(put)


def _holds(steps: tuple[Step, ...]) -> Holds | None:
    now = [step.values for step in steps if step.delay is None]
    users = tuple(values["user"] for values in now if "user" in values)
    # The name of a global is a constant, which needs nothing to be known.
    globals = tuple((values["global"].run(None), values.get("scopes")) for values in now if "global" in values)
    return Holds(users, globals) if users or globals else None


async def _read(db: Handle) -> dict[str, tuple[Compiled, ...]]:
    there = await known(db)
    found: dict[str, list[Compiled]] = {}
    row: Any
    for row in await db.all(tables.every_rule):
        if not row.enabled:
            continue
        made = compiled(rule_of(row), there)
        if made.wrong:
            # Kept by a version that knew more, or about what another version's trigger told.
            log.warning("the rule %s cannot be asked: %s: %s", row.id, *made.wrong[0])
            continue
        found.setdefault(row.event_name, []).append(
            Compiled(row.id, row.name, row.start_date, row.end_date, made.condition, made.steps, _holds(made.steps))
        )
    return {event: tuple(each) for event, each in found.items()}
