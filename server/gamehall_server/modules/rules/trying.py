"""What a rule would make of events, before anybody relies on it: nothing is written."""

from typing import Any, NamedTuple

import msgspec
from gamehall.rules.v1 import rules_pb2 as pb
from google.protobuf.json_format import MessageToDict
from sqlalchemy import BigInteger, bindparam, desc

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.errors import Invalid, NotFound, Violation
from gamehall_server.kit.storage import Query
from gamehall_server.modules.events import tables as events
from gamehall_server.modules.events.reading import number_of, shown
from gamehall_server.modules.rules import tables
from gamehall_server.modules.rules.engine import reason_against
from gamehall_server.modules.rules.expressions import Failed, Node, value_in, written
from gamehall_server.modules.rules.expressions.compiling import run
from gamehall_server.modules.rules.holding import Context
from gamehall_server.modules.rules.ruleset import Made, compiled, known

_last = Query(
    events.rows.where(events.log.c.listed, events.log.c.event_name == bindparam("name"))
    .order_by(desc(events.log.c.id))
    .limit(bindparam("most", type_=BigInteger))
)


class _Tried(NamedTuple):
    """As much of a rule as its judge asks for."""

    start: Micros | None
    end: Micros | None
    condition: Node | None


class Trying:
    """Tries rules."""

    async def tried(self, request: pb.TryRuleRequest, call: Call, made: Made) -> pb.TryRuleResponse:
        """The trials that were asked for, of a rule that was found to be right."""
        rows = await self._rows(request, call)
        told: list[pb.TrialValue] = []

        def record(path: str, expression: Any, value: Any) -> None:
            value = {"event_name": value[0], "params": value[1]} if isinstance(value, tuple) else value
            told.append(pb.TrialValue(path=path, definition=written(expression), value=value_in(value)))

        # Compiled anew, so that it tells what it sees.
        watched = compiled(request.rule, await known(call.db), "", record)
        rule = request.rule
        tried = _Tried(
            rule.start_date * SECOND if rule.HasField("start_date") else None,
            rule.end_date * SECOND if rule.HasField("end_date") else None,
            watched.condition,
        )
        answer = pb.TryRuleResponse()
        for row in rows:
            told.clear()
            parameters = MessageToDict(request.params) if row is None else msgspec.json.decode(row[4])
            at = call.now if row is None else row[1]
            context = Context(_whole(parameters), call.db, call.now, tables.Globals(call.db, dry=True))
            reason = await reason_against(tried, context, at)
            trial = answer.trials.add(would_run=not reason, reason=reason or "it would run")
            if row is not None:
                trial.event.CopyFrom(shown(row))
            if not reason:
                await self._values(watched, context, trial)
            trial.values.extend(told)
        return answer

    async def _values(self, watched: Made, context: Context, trial: pb.RuleTrial) -> None:
        """What its actions would be given."""
        for step in watched.steps:
            for node in (*step.values.values(), *([step.delay] if step.delay else [])):
                try:
                    await run(node, context)
                except Failed as problem:
                    trial.reason = f"{step.action.name} would fail: {problem}"

    async def _rows(self, request: pb.TryRuleRequest, call: Call) -> list[Any]:
        name = request.rule.event_name
        if sum((request.HasField("params"), bool(request.log_id), bool(request.last))) != 1:
            raise Invalid("one of params, log_id and last is wanted", field="params")
        if request.last:
            return await call.db.scan(_last, name=name, most=request.last)
        if not request.log_id:
            await _hold_to(request, call)
            return [None]
        row = await call.db.one(events.one, id=number_of(request.log_id))
        if row is None:
            raise NotFound("No event with this id.", field="log_id")
        if row[2] != name:
            raise Invalid(f"an event of {row[2]}, and the rule is about {name}", field="log_id")
        return [row]


async def _hold_to(request: pb.TryRuleRequest, call: Call) -> None:
    """Raises Invalid for parameters that the trigger does not have, or lacks."""
    told = (await known(call.db)).triggers[request.rule.event_name]
    given = set(request.params.fields)
    wrong = [Violation(f"params.{name}", "the trigger has no such parameter") for name in sorted(given - told.keys())]
    wrong += [Violation(f"params.{name}", "required") for name, (_, optional) in told.items() if not optional and name not in given]
    if wrong:
        raise Invalid(violations=tuple(wrong))


def _whole(parameters: dict[str, Any]) -> dict[str, Any]:
    """JSON's numbers without a fraction are whole ones."""
    return {name: int(told) if isinstance(told, float) and told == int(told) else told for name, told in parameters.items()}
