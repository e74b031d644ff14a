"""What is kept of rules, of globals and their values, and of what rules have put off."""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Index, bindparam, delete, or_, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.columns import JSONText, Moment, NumberedRow, Wire
from gamehall_server.kit.storage import Handle, Query, any_of, lock, table_of
from gamehall_server.modules.events.tables import EventHeadRow, triggers
from gamehall_server.modules.rules.expressions.values import whole

MOST_DELAYED = 50
VERSION = "rules"


class RuleRow(SQLModel, table=True):
    """A rule. Its trigger cannot go while it is there."""

    __tablename__ = "bre_rule"
    __table_args__ = (Index("ix_bre_rule_sort", "sort", "id"),)

    id: str = Field(primary_key=True)
    name: str = Field(nullable=False)
    description: str | None = Field(default=None)
    event_name: str = Field(foreign_key="bre_trigger.event_name", nullable=False, index=True)
    enabled: bool = Field(nullable=False)
    sort: int = Field(nullable=False)
    start_date: int | None = Field(default=None, sa_type=Moment)
    end_date: int | None = Field(default=None, sa_type=Moment)
    condition: bytes | None = Field(default=None, sa_type=Wire)
    condition_text: str | None = Field(default=None)
    actions: bytes | None = Field(default=None, sa_type=Wire)
    system_rule: bool = Field(nullable=False)
    evaluation_count: int = Field(sa_type=BigInteger, nullable=False)
    run_count: int = Field(sa_type=BigInteger, nullable=False)


class RuleNameRow(SQLModel, table=True):
    """What a rule names: an action, a global or a trigger that it fires. Lists find rules by it, and what is named cannot go."""

    __tablename__ = "bre_rule_name"
    __table_args__ = (Index("ix_bre_rule_name_word", "kind", "word"),)

    rule_id: str = Field(primary_key=True, foreign_key="bre_rule.id", ondelete="CASCADE")
    kind: str = Field(primary_key=True)
    word: str = Field(primary_key=True)


class GlobalRow(SQLModel, table=True):
    """A global. `signature` is its key with the names of its scopes."""

    __tablename__ = "bre_global"

    id: str = Field(primary_key=True)
    key: str = Field(nullable=False)
    name: str | None = Field(default=None)
    description: str | None = Field(default=None)
    type: str = Field(nullable=False)
    scopes: bytes | None = Field(default=None, sa_type=Wire)
    system_global: bool = Field(nullable=False)
    signature: str = Field(nullable=False, unique=True)


class GlobalValueRow(SQLModel, table=True):
    """The value of a global for some values of its scopes."""

    __tablename__ = "bre_global_value"

    global_id: str = Field(primary_key=True, foreign_key="bre_global.id", ondelete="CASCADE")
    scope: str = Field(primary_key=True)
    value: str = Field(nullable=False, sa_type=JSONText)


class DelayedRow(NumberedRow, table=True):
    """An action that is to be done later: what it is given, and what led to it."""

    __tablename__ = "bre_delayed"

    due: int = Field(sa_type=Moment, nullable=False, index=True)
    rule_id: str = Field(nullable=False)
    action: str = Field(nullable=False)
    told: str = Field(nullable=False, sa_type=JSONText)
    request: str | None = Field(default=None)
    depth: int = Field(nullable=False)
    budget: int = Field(nullable=False)
    tries: int = Field(nullable=False)


rules, names, globals_, values, delayed = (table_of(row) for row in (RuleRow, RuleNameRow, GlobalRow, GlobalValueRow, DelayedRow))
_r, _n, _v, _d, _h = rules.table, names.table, values.table, delayed.table, table_of(EventHeadRow).table
_big = BigInteger
every_rule = Query(select(_r).order_by(_r.c.sort.desc(), _r.c.id), rules.Row)
using = Query(
    select(_r).where(
        or_(
            _r.c.event_name == bindparam("event"),
            _r.c.id.in_(select(_n.c.rule_id).where(_n.c.kind == "trigger", _n.c.word == bindparam("event"))),
        )
    ),
    rules.Row,
)
every_global = Query(select(globals_.table), globals_.Row)
every_trigger = Query(select(triggers.table), triggers.Row)
version = Query(select(_h.c.position).where(_h.c.name == VERSION))
_next_version = Query(update(_h).where(_h.c.name == VERSION).values(position=_h.c.position + 1))
_count = Query(
    update(_r)
    .where(any_of(_r.c.id, "rules"))
    .values(
        evaluation_count=_r.c.evaluation_count + bindparam("asked", type_=_big), run_count=_r.c.run_count + bindparam("ran", type_=_big)
    )
)
_forget = Query(delete(_n).where(_n.c.rule_id == bindparam("rule")))
_named = Query(select(_n.c.rule_id).where(_n.c.kind == bindparam("kind"), _n.c.word == bindparam("word")).limit(1))
_value_of = select(_v.c.value).where(_v.c.global_id == bindparam("which"), _v.c.scope == bindparam("where"))
_value, _value_held = Query(_value_of), Query(_value_of.with_for_update())
_values_held = Query(
    select(_v.c.scope, _v.c.value)
    .where(_v.c.global_id == bindparam("which"), any_of(_v.c.scope, "wheres"))
    .order_by(_v.c.scope)
    .with_for_update()
)
_clear = Query(delete(_v).where(_v.c.global_id == bindparam("which"), any_of(_v.c.scope, "wheres")))
_due = Query(select(_d).where(_d.c.due <= bindparam("now", type_=_big)).order_by(_d.c.due, _d.c.id).limit(MOST_DELAYED), delayed.Row)
_put_off = Query(
    update(_d).where(_d.c.id == bindparam("this", type_=_big)).values(due=bindparam("until", type_=_big), tries=_d.c.tries + 1)
)


async def next_version(db: Handle) -> None:
    """Tells every process that rules have changed."""
    await db.run(_next_version)


def count(db: Handle, asked: Mapping[str, int], ran: Mapping[str, int]) -> None:
    """Counts how often rules were asked, and how often they ran. Those of an event mostly were as often as each other."""
    alike: dict[tuple[int, int], list[str]] = {}
    for rule, number in asked.items():
        alike.setdefault((number, ran.get(rule, 0)), []).append(rule)
    for (number, times), those in alike.items():
        db.later(_count, rules=those, asked=number, ran=times)


def keep_names(db: Handle, rule: str, named: set[tuple[str, str]], *, new: bool) -> None:
    """Writes what a rule names: (kind, word) pairs."""
    if not new:
        db.later(_forget, rule=rule)
    for kind, word in sorted(named):
        db.later(names.insert, rule_id=rule, kind=kind, word=word)


async def named_by(db: Handle, kind: str, word: str) -> str | None:
    """A rule that names this, or None."""
    found = await db.value(_named, kind=kind, word=word)
    return None if found is None else str(found)


class Globals:
    """The values of globals in a transaction. `settle` writes them: what was changed many times once. `dry`: nothing is written."""

    def __init__(self, db: Handle, *, dry: bool = False) -> None:
        self._db = db
        self._dry = dry
        # Those that nobody else changes until the transaction ends, by global and place; None where there is none.
        self._held: dict[tuple[str, str], Any] = {}
        self._changed: set[tuple[str, str]] = set()

    async def read(self, which: str, scopes: dict[str, Any]) -> Any:
        """The value for these values of the scopes; None where there is none."""
        where = place_of(scopes)
        if (which, where) in self._held:
            return self._held[which, where]
        told = await self._db.value(_value, which=which, where=where)
        return None if told is None else msgspec.json.decode(told)

    async def write(self, which: str, scopes: dict[str, Any], value: Any) -> None:
        """Makes this the value, while nobody else changes it."""
        place = await self._hold(which, scopes)
        self._held[place] = value
        self._changed.add(place)

    async def add(self, which: str, scopes: dict[str, Any], amount: int) -> int:
        """Counts up, or down, and gives what is there then. Raises Failed beyond 64 bits."""
        place = await self._hold(which, scopes)
        made = self._held[place] = whole(int(self._held[place] or 0) + amount)
        self._changed.add(place)
        return made

    async def count(self, which: str, scopes: dict[str, Any], most: Any) -> bool:
        """Whether the value is below this; where it is, it is one more."""
        if not self._dry:
            await self._hold(which, scopes)
        below: bool = int(await self.read(which, scopes) or 0) < most
        if below and not self._dry:
            await self.add(which, scopes, 1)
        return below

    def settle(self) -> None:
        """Writes what has changed."""
        for which, places in groupby(sorted(self._changed), key=itemgetter(0)):
            wheres = [where for _, where in places]
            self._db.later(_clear, which=which, wheres=wheres)
            for where in wheres:
                told = msgspec.json.encode(self._held[which, where]).decode()
                self._db.later(values.insert, global_id=which, scope=where, value=told)
        self._changed.clear()

    async def hold_all(self, places: set[tuple[str, str]]) -> None:
        """Holds those of some places that have a value."""
        for which, those in groupby(sorted(places - self._held.keys()), key=itemgetter(0)):
            for where, told in await self._db.all(_values_held, which=which, wheres=[where for _, where in those]):
                self._held[which, where] = msgspec.json.decode(told)

    async def _hold(self, which: str, scopes: dict[str, Any]) -> tuple[str, str]:
        place = which, where = which, place_of(scopes)
        if place not in self._held:
            told = await self._db.peek(_value_held, which=which, where=where)
            if told is None:
                # There is no row to lock: who makes it first is waited for.
                await lock(self._db, f"global:{which}:{where}")
                told = await self._db.peek(_value_held, which=which, where=where)
            self._held[place] = None if told is None else msgspec.json.decode(told)
        return place


def place_of(scopes: dict[str, Any]) -> str:
    """Values of scopes as one text, whatever their order."""
    return msgspec.json.encode(scopes, order="sorted").decode()


async def due(db: Handle, now: Micros) -> list[Any]:
    """What is to be done now of what was put off, some at a time."""
    return await db.all(_due, now=now)


def put_off(db: Handle, this: int, until: Micros) -> None:
    """Tries it again later."""
    db.later(_put_off, this=this, until=until)
