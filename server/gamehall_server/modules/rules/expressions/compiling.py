"""From a tree to a function: every type is checked and every name looked up once, when a rule is saved or read. Nothing of a tree is ever
run as code, and what one can cost is bounded by its size: there are no loops, texts and patterns have limits, and patterns are RE2's."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gamehall.rules.v1 import expressions_pb2 as pb

from gamehall_server.kit.errors import Violation
from gamehall_server.modules.events.variables import VARIABLES, value_of
from gamehall_server.modules.rules.expressions.lookups import CONFIG_LOOKUP, LOOKUPS, USERNAME_LOOKUP, lookup_named
from gamehall_server.modules.rules.expressions.operators import (
    ANYTHING,
    CURRENT_TIME,
    KINDS,
    NUMERIC,
    OPERATORS,
    ORDERED,
    SAME,
    Operator,
    seconds,
)
from gamehall_server.modules.rules.expressions.values import (
    ANY,
    BOOLEAN,
    DATE,
    EVENT,
    INTEGER,
    MAP,
    NUMBER,
    OF_BASE,
    fits,
    held,
    plain,
)

MOST_NODES, DEEPEST = 500, 30
Run = Callable[[Any], Any]


class Node(NamedTuple):
    """A compiled expression: what it gives, and the function from the context of a rule to its value. `waits`: to be awaited."""

    type: str
    run: Run
    waits: bool = False


class Wrong(Exception):
    """What is wrong with a tree: all of it, each with its path."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__(str(violations))
        self.violations = violations


class Global(NamedTuple):
    """A global as expressions know it: the type of its values, and the types of its scopes."""

    type: str
    scopes: Mapping[str, str]


class Scope(NamedTuple):
    """What names stand for: parameters of the trigger, globals by id, and the parameters of other triggers: (type, optional) by name."""

    parameters: Mapping[str, str]
    globals: Mapping[str, Global]
    triggers: Mapping[str, Mapping[str, tuple[str, bool]]]


class Compiler:
    """Compiles the expressions of one rule. `record(path, expression, value)` is told every value, for those who try a rule; `needs`
    gathers the permissions that its lookups ask of whoever makes it, `globals` and `events` what it names."""

    def __init__(self, scope: Scope, record: Callable[[str, Any, Any], None] | None = None) -> None:
        self._scope = scope
        self._record = record
        self._nodes = 0
        self.wrong: list[Violation] = []
        self.needs: set[str] = set()
        self.globals: set[str] = set()
        self.events: set[str] = set()

    def compile(self, expression: pb.Expression, path: str, wanted: str = ANY, depth: int = 0) -> Node:
        """The node of an expression that stands at a path. What is wrong is added to `wrong`."""
        self._nodes += 1
        kind = expression.WhichOneof("kind")
        if self._nodes > MOST_NODES or depth > DEEPEST:
            if self._nodes <= MOST_NODES + 1 or depth == DEEPEST + 1:
                self._tell(path, f"at most {MOST_NODES} expressions, {DEEPEST} deep")
            return _nothing(wanted)
        if kind is None:
            self._tell(path, "a type is wanted")
            return _nothing(wanted)
        told = getattr(expression, kind)
        make = getattr(self, f"_{kind}", None)
        node: Node = make(told, path, depth) if make is not None else self._applied(kind, told, path, depth)
        if not fits(node.type, wanted):
            self._tell(path, f"gives {node.type}, and {wanted} is wanted")
        return self._recorded(held_to(node, wanted), path, expression)

    def _tell(self, path: str, problem: str) -> None:
        self.wrong.append(Violation(path, problem))

    def _recorded(self, node: Node, path: str, expression: pb.Expression) -> Node:
        record = self._record
        if record is None:
            return node
        if node.waits:

            async def waiting(context: Any) -> Any:
                value = await node.run(context)
                record(path, expression, value)
                return value

            return Node(node.type, waiting, True)

        def running(context: Any) -> Any:
            value = node.run(context)
            record(path, expression, value)
            return value

        return Node(node.type, running)

    # One function for each kind.

    def _constant(self, told: pb.Constant, path: str, depth: int) -> Node:
        variable = VARIABLES.get(told.value_type)
        if variable is None:
            self._tell(f"{path}.value_type", f"no variable type; there are: {', '.join(VARIABLES)}")
            return _nothing(ANY)
        value = plain(told.value)
        if value is not None:
            try:
                value = value_of(told.value_type, value)
            except ValueError as wanted:
                self._tell(f"{path}.value", f"must be {wanted}")
        return Node(OF_BASE[variable.base], lambda context: value)

    def _parameter(self, told: pb.Parameter, path: str, depth: int) -> Node:
        name = told.of
        type = self._scope.parameters.get(name)
        if type is None:
            self._tell(f"{path}.of", f"the trigger tells: {', '.join(self._scope.parameters) or 'nothing'}")
            return _nothing(ANY)
        return Node(type, lambda context: context.parameters.get(name))

    def _map(self, told: pb.Map, path: str, depth: int) -> Node:
        nodes = {name: self.compile(told.map[name], f"{path}.map.{name}", ANY, depth + 1) for name in sorted(told.map)}
        return _of_all(MAP, list(nodes.values()), lambda *values: dict(zip(nodes, values, strict=True)))

    def _event_context(self, told: pb.EventContext, path: str, depth: int) -> Node:
        name, known = told.event_name, self._scope.triggers.get(told.event_name)
        self.events.add(name)
        if known is None:
            self._tell(f"{path}.event_name", "there is no such trigger of the application's own")
            return _nothing(EVENT)
        for given in sorted(told.parameters.keys() - known.keys()):
            self._tell(f"{path}.parameters.{given}", "the trigger has no such parameter")
        for missing in sorted(each for each, (_, optional) in known.items() if not optional and each not in told.parameters):
            self._tell(f"{path}.parameters.{missing}", "required")
        names = sorted(told.parameters.keys() & known.keys())
        nodes = [self.compile(told.parameters[each], f"{path}.parameters.{each}", known[each][0], depth + 1) for each in names]
        return _of_all(EVENT, nodes, lambda *values: (name, dict(zip(names, values, strict=True))))

    def _global(self, told: pb.Global, path: str, depth: int) -> Node:
        found = self._found(told, path)
        scopes = self._scopes(told, found, path, depth)

        async def read(context: Any) -> Any:
            return await context.globals.read(told.global_def_id, await run(scopes, context))

        return Node(found.type if found else ANY, read, True)

    def _global_check_and_increment(self, told: pb.GlobalCheckAndIncrement, path: str, depth: int) -> Node:
        if told.global_resource.WhichOneof("kind") != "global":
            self._tell(f"{path}.global_resource", "a global is wanted")
            return _nothing(BOOLEAN)
        which = getattr(told.global_resource, "global")
        found = self._found(which, f"{path}.global_resource")
        if found is not None and found.type != INTEGER:
            self._tell(f"{path}.global_resource", f"of {found.type}, and one of whole numbers is wanted")
        scopes = self._scopes(which, found, f"{path}.global_resource", depth + 1)
        most = self.compile(told.check_value_resource, f"{path}.check_value_resource", NUMBER, depth + 1)

        async def count(context: Any) -> Any:
            limit = await run(most, context)
            if limit is None:
                return False
            return await context.globals.count(which.global_def_id, await run(scopes, context), limit)

        return Node(BOOLEAN, count, True)

    def _found(self, told: Any, path: str) -> Global | None:
        self.globals.add(told.global_def_id)
        found = self._scope.globals.get(told.global_def_id)
        if found is None:
            self._tell(f"{path}.global_def_id", "there is no such global")
        return found

    def _scopes(self, told: Any, found: Global | None, path: str, depth: int) -> Node:
        wanted = found.scopes if found else {}
        for name in sorted(told.scopes.keys() ^ wanted.keys()):
            self._tell(f"{path}.scopes.{name}", "required" if name in wanted else "the global has no such scope")
        names = sorted(told.scopes.keys() & wanted.keys())
        nodes = [self.compile(told.scopes[name], f"{path}.scopes.{name}", wanted[name], depth + 1) for name in names]
        return _of_all(MAP, nodes, lambda *values: dict(zip(names, values, strict=True)))

    def _lookup(self, told: pb.Lookup, path: str, depth: int) -> Node:
        found = lookup_named(told.value_type)
        if found is None:
            self._tell(f"{path}.value_type", f"no lookup; there are: {', '.join(LOOKUPS)}")
            return _nothing(ANY)
        return self._looked_up(found[0], found[1], told.lookup_key, path, depth)

    def _config_lookup(self, told: pb.ConfigLookup, path: str, depth: int) -> Node:
        return self._looked_up(CONFIG_LOOKUP, "", told.lookup_key, path, depth)

    def _username_lookup(self, told: pb.UsernameLookup, path: str, depth: int) -> Node:
        return self._looked_up(USERNAME_LOOKUP, "", told.lookup_key, path, depth)

    def _looked_up(self, lookup: Any, rest: str, key: pb.Expression, path: str, depth: int) -> Node:
        if lookup.needs:
            self.needs.add(lookup.needs)
        node = self.compile(key, f"{path}.lookup_key", lookup.takes, depth + 1)

        async def look(context: Any) -> Any:
            value = await run(node, context)
            return None if value is None else await lookup.read(context.db, value, rest)

        return Node(lookup.gives, look, True)

    # Operators.

    def _applied(self, kind: str, told: Any, path: str, depth: int) -> Node:
        operator = OPERATORS.get(told.op)
        if operator is None or operator.gives not in KINDS[kind]:
            known = ", ".join(word for word, each in OPERATORS.items() if each.gives in KINDS[kind])
            self._tell(f"{path}.op", f"no operator of this kind; there are: {known}")
            return _nothing(ANY)
        wanted = len(operator.takes)
        if len(told.args) < wanted or (len(told.args) > wanted and not operator.more):
            self._tell(f"{path}.args", f"{operator.word} takes {wanted}{' or more' if operator.more else ''}")
            return _nothing(ANY)
        takes = (*operator.takes, *operator.takes[-1:] * (len(told.args) - wanted))
        plain_types = {SAME: ANY, ORDERED: ANY, ANYTHING: ANY, NUMERIC: NUMBER}
        nodes = [
            self.compile(each, f"{path}.args[{at}]", plain_types.get(takes[at], takes[at]), depth + 1) for at, each in enumerate(told.args)
        ]
        self._agree(operator, nodes, path)
        gives = operator.gives
        if gives == NUMERIC:
            gives = INTEGER if all(node.type == INTEGER for node in nodes) else NUMBER
            if kind == "integer_operation" and gives != INTEGER:
                self._tell(f"{path}.args", "whole numbers are wanted")
            gives = NUMBER if kind == "double_operation" else gives
        if gives == NUMBER and operator.gives == NUMERIC:
            return _of_all(gives, nodes, lambda *values: operator.apply(*map(float, values)), strict=True)
        if operator is CURRENT_TIME:
            return Node(DATE, lambda context: seconds(context.now))
        if operator.word in ("AND", "OR"):
            return _lazy(nodes, until=operator.word == "OR")
        return _of_all(gives, nodes, operator.apply, strict=operator.strict)

    def _agree(self, operator: Operator, nodes: list[Node], path: str) -> None:
        """Arguments that must be of one type are."""
        if not {SAME, ORDERED} & set(operator.takes):
            return
        types = {NUMBER if node.type == INTEGER else node.type for node in nodes} - {ANY}
        if len(types) > 1:
            self._tell(f"{path}.args", f"of one type are wanted, not {' and '.join(sorted(types))}")
        if ORDERED in operator.takes and types & {BOOLEAN, MAP, EVENT}:
            self._tell(f"{path}.args", f"{types.pop()} has no order")


def _nothing(type: str) -> Node:
    return Node(type, lambda context: None)


def held_to(node: Node, wanted: str) -> Node:
    """A node of which only the moment tells what it gives, which fails where that is not what is wanted."""
    if node.type != ANY or wanted == ANY:
        return node
    if node.waits:

        async def waiting(context: Any) -> Any:
            return held(await node.run(context), wanted)

        return Node(ANY, waiting, True)
    return Node(ANY, lambda context: held(node.run(context), wanted))


async def run(node: Node, context: Any) -> Any:
    """The value of a node."""
    value = node.run(context)
    return await value if node.waits else value


def _of_all(type: str, nodes: list[Node], apply: Callable[..., Any], *, strict: bool = False) -> Node:
    """A node that applies a function to the values of others; `strict`: nothing comes of nothing."""
    if any(node.waits for node in nodes):

        async def waiting(context: Any) -> Any:
            values = [await run(node, context) for node in nodes]
            return None if strict and None in values else apply(*values)

        return Node(type, waiting, True)
    runs = [node.run for node in nodes]
    if strict and len(runs) == 2:
        first, second = runs

        def of_two(context: Any) -> Any:
            a, b = first(context), second(context)
            return None if a is None or b is None else apply(a, b)

        return Node(type, of_two)

    def running(context: Any) -> Any:
        values = [each(context) for each in runs]
        return None if strict and None in values else apply(*values)

    return Node(type, running)


def _lazy(nodes: list[Node], *, until: bool) -> Node:
    """Or (`until` true), and: no further than the answer is known."""
    if any(node.waits for node in nodes):

        async def waiting(context: Any) -> bool:
            for node in nodes:
                if bool(await run(node, context)) is until:
                    return until
            return not until

        return Node(BOOLEAN, waiting, True)
    runs = [node.run for node in nodes]

    def running(context: Any) -> bool:
        for each in runs:
            if bool(each(context)) is until:
                return until
        return not until

    return Node(BOOLEAN, running)
