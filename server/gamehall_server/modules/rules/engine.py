"""What rules make of events. All of it is written in the transaction that ends the event's delivery: exactly once, whoever dies when."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import BigInteger, bindparam, select, update

from gamehall_server.kit import clock
from gamehall_server.kit.call import Arrival, Call, Scope
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.events import Entry
from gamehall_server.kit.outbox import BUDGET, Outbox
from gamehall_server.kit.storage import Handle, Query
from gamehall_server.kit.within import Happened
from gamehall_server.modules.events.tables import judged
from gamehall_server.modules.rules import tables
from gamehall_server.modules.rules.actions import ACTIONS, HAPPENED, Doing
from gamehall_server.modules.rules.expressions import Failed
from gamehall_server.modules.rules.expressions.compiling import run
from gamehall_server.modules.rules.expressions.values import whole
from gamehall_server.modules.rules.holding import Context, held
from gamehall_server.modules.rules.ruleset import DEFAULT_ROLE, Compiled, Ruleset, Step

CONSUMER, DOOR = "rules", "rules"
# So many events may lead to each other.
DEEPEST = 10
RAN, FAILED, PUT_OFF = "ran", "failed", "scheduled"
_j = judged.table
_told = Query(select(_j.c.told).where(_j.c.event_id == bindparam("event", type_=BigInteger)))
_rewrite = Query(update(_j).where(_j.c.event_id == bindparam("event", type_=BigInteger)).values(told=bindparam("log")))


class _Taken(NamedTuple):
    """An event whose rules are asked: the call that they work in, together, and the rows of what they put off."""

    event: Happened
    call: Call
    context: Context
    users: set[int]
    delayed: list[dict[str, Any]]


class Engine:
    """Asks the rules of events, and does what they say."""

    def __init__(self, ruleset: Ruleset, outbox: Outbox, now: Callable[[], Micros]) -> None:
        self._ruleset = ruleset
        self._outbox = outbox
        self._now = now

    async def take(self, db: Handle, events: list[Happened]) -> None:
        """Every rule of some events, in their order. What nobody reads meanwhile is written at the end, together."""
        asked: Counter[str] = Counter()
        ran: Counter[str] = Counter()
        globals = tables.Globals(db)
        asking = [(event.parameters, self._ruleset.by_event.get(event.name, ())) for event in events]
        users = await held(db, asking, globals, self._now())
        all_taken: list[_Taken] = []
        logs: list[tuple[Query[Any], dict[str, Any]]] = []
        for event in events:
            rules = self._ruleset.by_event.get(event.name, ())
            before = msgspec.json.decode(await db.value(_told, event=event.id) or b"[]") if event.name == AT_ONCE else []
            done = {each["rule_id"]: each for each in before}
            taken = self._taken(db, event, globals, users)
            log = [done.get(rule.id) or await self._judge(taken, rule) for rule in rules]
            all_taken.append(taken)
            asked.update([each["rule_id"] for each in log])
            ran.update([each["rule_id"] for each in log if each["ran"]])
            told = msgspec.json.encode(log).decode()
            if before:
                logs.append((_rewrite, {"event": event.id, "log": told}))
            elif log:
                logs.append((judged.insert, {"event_id": event.id, "told": told}))
        for taken in all_taken:
            await self._lead(taken)
        globals.settle()
        for query, values in logs:
            db.later(query, **values)
        tables.count(db, asked, ran)

    async def at_once(self, call: Call, entry: Entry, parameters: dict[str, Any]) -> None:
        """Writes an event, and does what the rule of the registration's own transaction says."""
        db, now = call.db, call.now
        await self._outbox.keep(db, now, [entry], call.arrival.request_id)
        rules = [rule for rule in self._ruleset.by_event.get(entry.type, ()) if rule.id == DEFAULT_ROLE]
        globals = tables.Globals(db)
        taken = self._taken(db, Happened(0, 0, entry.id, entry.type, entry.key, now, parameters, None, 0, BUDGET), globals, set())
        log = [await self._judge(taken, rule, at_once=True) for rule in rules]
        await self._lead(taken)
        globals.settle()
        if log:
            db.later(judged.insert, event_id=entry.id, told=msgspec.json.encode(log).decode())

    def _taken(self, db: Handle, event: Happened, globals: tables.Globals, users: set[int]) -> _Taken:
        now = self._now()
        call = Call(Arrival(event.request or "", "", DOOR), None, Scope.ALL, now, db)
        return _Taken(event, call, Context(event.parameters, db, now, globals), users, [])

    async def _judge(self, taken: _Taken, rule: Compiled, *, at_once: bool = False) -> dict[str, Any]:
        began_at = self._now() // SECOND
        log: dict[str, Any] = {"rule_id": rule.id, "rule_name": rule.name, "ran": False, "reason": "", "actions": []}
        log |= {"rule_start_date": began_at, "rule_end_date": began_at}
        log["reason"] = await reason_against(rule, taken.context, taken.event.at)
        if log["reason"]:
            return log
        log["ran"], log["reason"] = True, "the condition holds" if rule.condition else "there is no condition"
        doing = Doing(taken.call, taken.context.globals, rule.id, taken.users, at_once)
        for step in rule.steps:
            began = clock.ticks()
            status = await self._do(taken, rule, step, doing)
            log["actions"].append({"name": step.action.name, "status": status, "runtime": int((clock.ticks() - began) * 1000)})
        log["rule_end_date"] = self._now() // SECOND
        return log

    async def _do(self, taken: _Taken, rule: Compiled, step: Step, doing: Doing) -> str:
        event, context = taken.event, taken.context
        try:
            values = {name: await run(node, context) for name, node in step.values.items()}
            if step.action.whole:
                values[HAPPENED] = {"name": event.name, "key": event.key, "at": event.at, "parameters": event.parameters}
            if event.depth >= DEEPEST or len(taken.call.events) + len(taken.delayed) >= event.budget:
                raise Failed("too many events have led to each other")
            delay = None if step.delay is None else await run(step.delay, context)
            if delay is not None and delay > 0:
                row = {"rule_id": rule.id, "action": step.action.name, "told": msgspec.json.encode(values).decode(), "tries": 0}
                taken.delayed.append(row | {"due": whole(context.now + delay * SECOND), "request": event.request, "depth": event.depth})
                return PUT_OFF
            await step.action.do(doing, values)
        except (Failed, Invalid, NotFound) as problem:
            return f"{FAILED}: {problem}"[:500]
        return RAN

    async def _lead(self, taken: _Taken) -> None:
        """Writes what an event has led to."""
        event, call = taken.event, taken.call
        left = await self._keep(call, event.request, event.depth, event.budget, len(taken.delayed))
        for row in taken.delayed:
            call.db.later(tables.delayed.insert, id=await call.db.new_id(tables.delayed.name), budget=left, **row)

    async def _keep(self, call: Call, request: str | None, depth: int, budget: int, more: int = 0) -> int:
        """Writes events: each, and what is put off, may lead to its part of what is left, which is given."""
        number = sum(entry.listed for entry in call.events) + more
        left = max(0, budget - number) // number if number else 0
        if call.events:
            await self._outbox.keep(call.db, call.now, call.events, request, depth=depth + 1, budget=left)
        return left

    async def later(self, db: Handle, row: Any) -> str:
        """An action that was put off."""
        call = Call(Arrival(row.request or "", "", DOOR), None, Scope.ALL, self._now(), db)
        action = ACTIONS.get(row.action)
        if action is None:
            return f"{FAILED}: there is no action {row.action}"
        globals = tables.Globals(db)
        try:
            await action.do(Doing(call, globals, row.rule_id, set()), msgspec.json.decode(row.told))
        except (Failed, Invalid, NotFound) as problem:
            return f"{FAILED}: {problem}"[:500]
        globals.settle()
        await self._keep(call, row.request, row.depth, row.budget)
        return RAN


# The event whose rule has run when its consumer comes.
AT_ONCE = "user_registered"


async def reason_against(rule: Any, context: Context, at: Micros) -> str:
    """Why a rule does not run; nothing where it does."""
    if rule.start is not None and at < rule.start:
        return "it has not begun"
    if rule.end is not None and at >= rule.end:
        return "it is over"
    if rule.condition is None:
        return ""
    try:
        held = await run(rule.condition, context)
    except Failed as problem:
        return f"the condition failed: {problem}"[:500]
    return "" if held is True else "the condition does not hold"
