"""What rules are made of: the actions, and the kinds of expressions with their operators."""

from typing import Any

from gamehall.rules.v1 import actions_pb2, expressions_pb2
from google.protobuf.json_format import ParseDict

from gamehall_server.kit.call import Call
from gamehall_server.kit.comments import comment
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.filters import words
from gamehall_server.modules.rules.actions import ACTIONS, DELAY
from gamehall_server.modules.rules.expressions import Unreadable, parsed, written
from gamehall_server.modules.rules.expressions.lookups import CONFIG_LOOKUP, LOOKUPS, USERNAME_LOOKUP
from gamehall_server.modules.rules.expressions.operators import KINDS, of_kind

_OPERATIONS = frozenset(KINDS) - {"predicate"}
GROUPS = {
    "operation": _OPERATIONS,
    "predicate": frozenset({"predicate", "global_check_and_increment"}),
    "lookup": frozenset({"lookup", "config_lookup", "username_lookup"}),
}
_kinds = [field for field in expressions_pb2.Expression.DESCRIPTOR.fields if field.containing_oneof is not None and field.message_type]
GIVES = {"predicate": "boolean", "date_operation": "date", "double_operation": "number", "integer_operation": "integer"}
GIVES |= {"string_operation": "string", "default_operation": "numeric"}
# Those of users are the ones that are called by name.
_OF_KINDS = {"lookup": LOOKUPS["user.username"], "config_lookup": CONFIG_LOOKUP, "username_lookup": USERNAME_LOOKUP}
_USER: dict[str, Any] = {"parameter": {"of": "user"}}
_NAME: dict[str, Any] = {"constant": {"value": "app.name", "valueType": "config"}}
_VISITS: dict[str, Any] = {"global": {"globalDefId": "visits"}}
_ONE: dict[str, Any] = {"constant": {"value": 1, "valueType": "integer"}}
# What one of each kind may look like, where it is no operation.
_LIKE: dict[str, dict[str, Any]] = {
    "constant": _ONE["constant"],
    "parameter": _USER["parameter"],
    "global": _VISITS["global"],
    "global_check_and_increment": {"globalResource": _VISITS, "checkValueResource": _ONE},
    "lookup": {"lookupKey": _USER, "valueType": "user.username"},
    "config_lookup": {"lookupKey": _NAME},
    "username_lookup": {"lookupKey": {"parameter": {"of": "username"}}},
    "map": {"map": {"user": _USER}},
    "event_context": {"eventName": "boss_defeated", "parameters": {"player": _USER}},
}


def _shown(kind: str) -> expressions_pb2.Expression:
    """One of a kind, and what it can be."""
    operators = of_kind(kind) if kind in KINDS else []
    shown = ParseDict({kind: _LIKE.get(kind) or {"op": operators[0].word}}, expressions_pb2.Expression())
    told: Any = getattr(shown, kind)
    shown.definition = comment(told.DESCRIPTOR.full_name)
    if kind in _OF_KINDS:
        told.required_key_type = _OF_KINDS[kind].key
        if kind != "lookup":
            told.value_type = _OF_KINDS[kind].finds
    if kind in KINDS:
        told.return_type = GIVES.get(kind, "any")
    for each in operators:
        operator = told.supported_operators.add(
            operator=each.word, description=each.says, return_type=each.gives.lower(), template=each.template
        )
        for at, type in enumerate(each.takes):
            operator.arguments.add(name=f"{{{at}}}", type=type.lower())
    return shown


class Expressions:
    """gamehall.rules.v1.ExpressionService."""

    service = expressions_pb2.DESCRIPTOR.services_by_name["ExpressionService"]

    async def ListExpressions(self, request: expressions_pb2.ListExpressionsRequest, call: Call) -> expressions_pb2.ListExpressionsResponse:
        group = request.filter_type_group
        if group and group not in GROUPS:
            raise Invalid(f"must be one of: {', '.join(GROUPS)}", field="filter_type_group")
        shown = [_shown(field.name) for field in _kinds if not group or field.name in GROUPS[group]]
        return expressions_pb2.ListExpressionsResponse(expressions=shown)

    async def GetExpression(self, request: expressions_pb2.GetExpressionRequest, call: Call) -> expressions_pb2.GetExpressionResponse:
        if request.type not in {field.name for field in _kinds}:
            raise NotFound("No kind of expression with this type.", field="type")
        return expressions_pb2.GetExpressionResponse(expression=_shown(request.type))

    async def WriteExpression(self, request: expressions_pb2.WriteExpressionRequest, call: Call) -> expressions_pb2.WriteExpressionResponse:
        return expressions_pb2.WriteExpressionResponse(value=written(request.expression))

    async def ParseExpression(self, request: expressions_pb2.ParseExpressionRequest, call: Call) -> expressions_pb2.ParseExpressionResponse:
        try:
            return expressions_pb2.ParseExpressionResponse(expression=parsed(request.value))
        except Unreadable as problem:
            raise Invalid(str(problem), field="value") from None

    async def ListLookups(self, request: expressions_pb2.ListLookupsRequest, call: Call) -> expressions_pb2.ListLookupsResponse:
        answer = expressions_pb2.ListLookupsResponse()
        for name, each in LOOKUPS.items():
            answer.lookups.add(name=name, description=each.says, key_type=each.key, value_type=each.finds)
        return answer


class Actions:
    """gamehall.rules.v1.ActionService."""

    service = actions_pb2.DESCRIPTOR.services_by_name["ActionService"]

    async def ListActions(self, request: actions_pb2.ListActionsRequest, call: Call) -> actions_pb2.ListActionsResponse:
        answer = actions_pb2.ListActionsResponse()
        wanted = set(words(request.filter_tags, "filter_tags")) if request.filter_tags else set()
        for name, each in sorted(ACTIONS.items()):
            told = f"{name} {each.says}".lower()
            if request.filter_category not in ("", each.category) or request.filter_name.lower() not in name:
                continue
            if request.filter_search.lower() not in told or wanted - {each.category}:
                continue
            shown = answer.actions.add(name=name, description=each.says, category=each.category, tags=[each.category])
            for variable in (*each.variables, DELAY):
                shown.variables.add(name=variable.name, type=variable.type, optional=variable.optional)
        return answer
