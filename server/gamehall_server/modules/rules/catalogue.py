"""What rules are made of: the actions, and the kinds of expressions with their operators."""

from gamehall.rules.v1 import actions_pb2, expressions_pb2

from gamehall_server.kit.call import Call
from gamehall_server.kit.comments import comment
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.filters import words
from gamehall_server.modules.rules.actions import ACTIONS, DELAY
from gamehall_server.modules.rules.expressions import written
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
_KEYS = {"lookup": "user", "config_lookup": "config", "username_lookup": "string"}


def _shown(kind: str) -> expressions_pb2.Expression:
    """One of a kind, empty but for what it can be."""
    shown = expressions_pb2.Expression()
    told = getattr(shown, kind)
    told.SetInParent()
    shown.definition = comment(told.DESCRIPTOR.full_name)
    if kind in _KEYS:
        told.required_key_type = _KEYS[kind]
        if kind != "lookup":
            told.value_type = {"config_lookup": "string", "username_lookup": "user"}[kind]
    if kind in KINDS:
        told.return_type = GIVES.get(kind, "any")
    for each in of_kind(kind) if kind in KINDS else ():
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
