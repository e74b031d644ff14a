"""Rules: kept, checked when they are saved, and tried before they are."""

from typing import Any

from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall.rules.v1 import rules_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Forbidden, Invalid
from gamehall_server.kit.filters import Written
from gamehall_server.kit.mapping import compile_values
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.validation import output_only
from gamehall_server.kit.verbs import Get, List
from gamehall_server.modules.access import refuse_beyond, refuse_roles
from gamehall_server.modules.rules import tables
from gamehall_server.modules.rules.expressions import written
from gamehall_server.modules.rules.ruleset import DEFAULT_ROLE, Made, Ruleset, compiled, known, rule_of
from gamehall_server.modules.rules.search import does
from gamehall_server.modules.rules.trying import Trying

DEFAULTS = {"enabled": True, "sort": 500, "system_rule": False, "evaluation_count": 0, "run_count": 0}
rules = Resource(tables.RuleRow, pb.Rule, order="sort:DESC", defaults=DEFAULTS)
_writable = [field for field in pb.Rule.DESCRIPTOR.fields if not output_only(field) and field.name != "id"]
_values = compile_values(pb.Rule, tables.rules.table, _writable)


class Rules:
    """gamehall.rules.v1.RuleService."""

    service = pb.DESCRIPTOR.services_by_name["RuleService"]

    ListRules = List(rules, {"filter_action": Written(does)})
    GetRule = Get(rules)

    def __init__(self, ruleset: Ruleset, trying: Trying) -> None:
        self._ruleset = ruleset
        self._trying = trying

    async def CreateRule(self, request: pb.CreateRuleRequest, call: Call) -> pb.CreateRuleResponse:
        rule = request.rule
        made = await self._checked(call, rule)
        row = await rules.add(call, {**_values(rule), "id": rule.id or None, "condition_text": _text(rule)})
        tables.keep_names(call.db, row[0], made.names, new=True)
        call.emit("bre_rule_created", bre_rule=row[0])
        await self._ruleset.changed(call.db)
        answer = pb.CreateRuleResponse()
        await rules.find(call, row[0], answer.rule)
        return answer

    async def UpdateRule(self, request: pb.UpdateRuleRequest, call: Call) -> pb.UpdateRuleResponse:
        rule = request.rule
        row = await rules.load(call, request.id, lock=True)
        if rule.id not in ("", row.id):
            raise Invalid("must be the id in the path: a rule keeps its id", field="rule.id")
        _refuse_system(row, rule)
        made = await self._checked(call, rule)
        await rules.change(call, row, **_values(rule), condition_text=_text(rule))
        tables.keep_names(call.db, row.id, made.names, new=False)
        call.emit("bre_rule_updated", bre_rule=row.id)
        await self._ruleset.changed(call.db)
        answer = pb.UpdateRuleResponse()
        await rules.find(call, row.id, answer.rule)
        return answer

    async def DeleteRule(self, request: pb.DeleteRuleRequest, call: Call) -> pb.DeleteRuleResponse:
        row = await rules.load(call, request.id, lock=True)
        if row.system_rule:
            raise Forbidden(f"The rule {row.id} is the product's own: it can be switched off.", reason=ErrorReason.ERROR_REASON_LOCKED)
        await rules.remove(call, row)
        call.emit("bre_rule_deleted", bre_rule=row.id)
        await self._ruleset.changed(call.db)
        return pb.DeleteRuleResponse()

    async def SetRuleEnabled(self, request: pb.SetRuleEnabledRequest, call: Call) -> pb.SetRuleEnabledResponse:
        row = await rules.load(call, request.id, lock=True)
        if request.enabled and not row.enabled:
            await self._refuse_power(call, compiled(rule_of(row), await known(call.db)))
        await rules.change(call, row, enabled=request.enabled)
        call.emit("bre_rule_updated", bre_rule=row.id)
        await self._ruleset.changed(call.db)
        return pb.SetRuleEnabledResponse()

    async def WriteExpressionOfRule(self, request: pb.WriteExpressionOfRuleRequest, call: Call) -> pb.WriteExpressionOfRuleResponse:
        return pb.WriteExpressionOfRuleResponse(text=written(request.expression))

    async def TryRule(self, request: pb.TryRuleRequest, call: Call) -> pb.TryRuleResponse:
        return await self._trying.tried(request, call, await self._checked(call, request.rule))

    async def _checked(self, call: Call, rule: pb.Rule) -> Made:
        """Raises Invalid with all that is wrong with a rule, Forbidden for one that can do more than its maker."""
        if rule.HasField("start_date") and rule.HasField("end_date") and rule.end_date <= rule.start_date:
            raise Invalid("must be after start_date", field="rule.end_date")
        made = compiled(rule, await known(call.db))
        if made.wrong:
            raise Invalid(violations=tuple(made.wrong))
        await self._refuse_power(call, made)
        return made

    async def _refuse_power(self, call: Call, made: Made) -> None:
        refuse_beyond(call, made.needs, "What the rule does or looks at")
        await refuse_roles(call, made.roles, "A role of the rule")


def _text(rule: pb.Rule) -> str | None:
    return written(rule.condition) if rule.HasField("condition") else None


def _refuse_system(row: Any, rule: pb.Rule) -> None:
    """Raises Forbidden for more than may be changed of a rule of the product: of the one that gives users their role, what it does and for
    whom; of the others nothing."""
    if not row.system_rule:
        return
    same = (rule.name, rule.event_name, rule.sort if rule.HasField("sort") else row.sort) == (row.name, row.event_name, row.sort)
    if row.id != DEFAULT_ROLE or not same or rule.HasField("start_date") or rule.HasField("end_date"):
        what = "but for its condition and its actions" if row.id == DEFAULT_ROLE else "and can only be switched off"
        raise Forbidden(f"The rule {row.id} is the product's own, {what}.", reason=ErrorReason.ERROR_REASON_LOCKED)
