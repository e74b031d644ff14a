"""What is kept of posts: the queue and the log are one table, so that a replay sends the very bytes again."""

from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Identity, Index, bindparam, delete, func, insert, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.columns import JSONText, Moment
from gamehall_server.kit.listing import Listing
from gamehall_server.kit.storage import IN_ORDER, Handle, Query, any_of, partial, renamed, table_of

KEPT: Micros = 30 * 24 * 3600 * SECOND


class ForwardRow(SQLModel, table=True):
    """One post. The database numbers them as they are written, so writers that wait for each other's locks stand in the order of their
    commits.

    lane:    its kind and where it goes, "webhook/5": what is paused, slowed and counted together.
    key:     of those with the same key in a lane one is sent after the other.
    due:     from when on it may be sent; while it is, when the lease ends. Null: it has ended.
    fence:   how often it was claimed. Who ends a try says which; another one's end counts for nothing.
    tries:   how many have ended since it was last to be sent.
    attempts: the last tries as JSON: [began, ended, status, error] each.
    """

    __tablename__ = "forward"
    __table_args__ = ({"info": IN_ORDER},)

    id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_args=(Identity(),))
    lane: str = Field(nullable=False)
    key: str = Field(nullable=False)
    message_id: str | None = Field(default=None)
    event_id: str | None = Field(default=None)
    rule_id: str | None = Field(default=None)
    payload: str = Field(nullable=False, sa_type=JSONText)
    url: str = Field(nullable=False)
    start_date: int = Field(sa_type=Moment, nullable=False, index=True)
    end_date: int | None = Field(default=None, sa_type=Moment)
    due: int | None = Field(default=None, sa_type=Moment)
    fence: int = Field(nullable=False)
    tries: int = Field(nullable=False)
    http_status_code: int | None = Field(default=None)
    response: str | None = Field(default=None)
    error_msg: str | None = Field(default=None)
    success: bool | None = Field(default=None)
    attempts: str = Field(nullable=False, sa_type=JSONText)


forwards = table_of(ForwardRow)
_f = forwards.table
_waits = _f.c.due.is_not(None)
# What has ended stays for the log, and is in nobody's way.
partial("ix_forward_due", _f.c.lane, _f.c.due, _f.c.id, where=_waits)
partial("ix_forward_key", _f.c.lane, _f.c.key, _f.c.id, where=_waits)
Index("ix_forward_lane", _f.c.lane, _f.c.start_date)
Index("ix_forward_message", _f.c.message_id, _f.c.lane, unique=True)

_big = BigInteger
_now, _until = bindparam("now", type_=_big), bindparam("until", type_=_big)
_lane: Any = bindparam("lane")
_names = ("lane", "key", "message_id", "event_id", "rule_id", "payload", "url", "start_date", "due")
_insert = Query(insert(_f).values(**{name: bindparam(name, type_=_f.c[name].type) for name in _names}, fence=0, tries=0, attempts="[]"))


class Forward(NamedTuple):
    """A post that is to be sent: its kind, its lane within the kind, what keeps its order there, and a JSON object without any secret,
    which the log shows. `url` may be left to the kind. `message_id`: one that its lane has already is not sent twice."""

    kind: str
    lane: str
    key: str
    payload: str
    at: Micros
    url: str = ""
    message_id: str | None = None
    # The call that it is from, and the rule.
    request: str | None = None
    rule_id: str | None = None


def lane_of(kind: str, name: object) -> str:
    """The whole name of a lane."""
    return f"{kind}/{name}"


async def forward(db: Handle, told: Forward) -> None:
    """Keeps a post in the transaction of `db`. Whoever sends it is awake after the commit."""
    add(db, told)
    db.tell(WOKEN)


# What the listeners of a database hear when there is something to send.
WOKEN = "forwards"


def add(db: Handle, told: Forward) -> None:
    """As `forward`, and nobody is woken."""
    db.later(
        _insert,
        lane=lane_of(told.kind, told.lane), key=told.key, message_id=told.message_id, event_id=told.request, rule_id=told.rule_id,
        payload=told.payload, url=told.url, start_date=told.at, due=clock.real_micros(),
    )  # fmt: skip


# Sending.

# Each lane with something to send, by one seek in the index for each; and when the first of it is due.
_least = select(func.min(_f.c.lane).label("lane")).where(_waits).cte("lanes", recursive=True)
_next = select(func.min(_f.c.lane)).where(_waits, _f.c.lane > _least.c.lane).scalar_subquery()
_lanes_of = _least.union_all(select(_next).where(_least.c.lane.is_not(None)))
_soonest = select(func.min(_f.c.due)).where(_waits, _f.c.lane == _lanes_of.c.lane).scalar_subquery()
_lanes = Query(select(_lanes_of.c.lane).where(_lanes_of.c.lane.is_not(None), _soonest <= _now))


def _ready_among(*keys: Any) -> Query[Any]:
    """The first of each key of a lane, where it may be sent now, by a few seeks in the index for each key, however much waits behind it;
    no further than to the last that is wanted."""
    waits = (_f.c.lane == _lane, _waits)
    least = select(func.min(_f.c.key).label("key")).where(*waits, *keys).cte("keys", recursive=True)
    further = select(func.min(_f.c.key)).where(*waits, _f.c.key > least.c.key).scalar_subquery()
    each = least.union_all(select(further).where(least.c.key.is_not(None)))
    first = select(func.min(_f.c.id)).where(*waits, _f.c.key == each.c.key).scalar_subquery()
    due = select(_f.c.due).where(*waits, _f.c.key == each.c.key).order_by(_f.c.id).limit(1).scalar_subquery()
    return Query(select(first, each.c.key).where(each.c.key.is_not(None), due <= _now).limit(bindparam("most", type_=_big)))


_ready, _ready_after = _ready_among(), _ready_among(_f.c.key > bindparam("after"))
_columns = (_f.c.id, _f.c.fence, _f.c.lane, _f.c.key, _f.c.message_id, _f.c.payload, _f.c.url, _f.c.start_date, _f.c.tries, _f.c.attempts)
# What another process has just locked or claimed is passed over.
_free = select(_f.c.id).where(any_of(_f.c.id, "ids"), _f.c.due <= _now).with_for_update(skip_locked=True)
_claim = Query(update(_f).where(_f.c.id.in_(_free)).values(fence=_f.c.fence + 1, due=_until).returning(*_columns))
_mine = (_f.c.id == bindparam("this", type_=_big), _f.c.fence == bindparam("my_fence", type_=_big), _f.c.due.is_not(None))
_ending = ("end_date", "tries", "http_status_code", "response", "error_msg", "success", "attempts")
_end = Query(
    update(_f)
    .where(*_mine)
    .values(due=_until, url=bindparam("sent_to"), **{name: bindparam(f"its_{name}", type_=_f.c[name].type) for name in _ending})
)
_put_back = Query(update(_f).where(*_mine).values(due=_until))


async def lanes(db: Handle, now: Micros) -> list[str]:
    """Each lane with something that is due, though perhaps behind what is not."""
    return [row[0] for row in await db.all(_lanes, now=now)]


async def ready(db: Handle, lane: str, after: str | None, now: Micros, most: int) -> dict[int, str]:
    """Posts that a lane may send now, each with its key: so many of the keys that follow this one, and then of the others."""
    found = {} if after is None else dict(await db.all(_ready_after, lane=lane, after=after, now=now, most=most))
    if len(found) < most:
        found |= dict(await db.all(_ready, lane=lane, now=now, most=most))
    return dict(islice(found.items(), most))


async def claim(db: Handle, ids: list[int], now: Micros, until: Micros) -> list[Any]:
    """Of these, those that are still to be sent, the first of all first; nobody else claims them until then."""
    return sorted(await db.all(_claim, ids=ids, now=now, until=until))


def end(db: Handle, id: int, fence: int, due: Micros | None, url: str, values: dict[str, Any]) -> None:
    """Ends a try of whoever holds this fence still."""
    db.later(_end, this=id, my_fence=fence, until=due, sent_to=url, **{f"its_{name}": values[name] for name in _ending})


def put_back(db: Handle, id: int, fence: int, now: Micros) -> None:
    """Lets anybody send it at once."""
    db.later(_put_back, this=id, my_fence=fence, until=now)


# Replays.

_again = {"due": _now, "tries": 0, "success": None}
_ended = _f.c.due.is_(None)
_one_again = Query(update(_f).where(_f.c.id == bindparam("this", type_=_big), _ended).values(**_again))
_failed_again = Query(update(_f).where(_f.c.lane == _lane, _ended, _f.c.success.is_(False)).values(**_again))
_since, _before = bindparam("since", type_=_big), bindparam("before", type_=_big)
_range_again = Query(update(_f).where(_f.c.lane == _lane, _ended, _f.c.start_date >= _since, _f.c.start_date < _before).values(**_again))
_known = Query(select(_f.c.message_id).where(_f.c.lane == _lane, _f.c.start_date >= _since, _f.c.start_date < _before))
_messages = Query(select(_f.c.lane, _f.c.message_id).where(any_of(_f.c.message_id, "ids")))
_end_lane = Query(update(_f).where(_f.c.lane == _lane, _waits).values(due=None, success=False, error_msg=bindparam("told")))
_drop = Query(delete(_f).where(_f.c.lane == _lane))
_old = select(_f.c.id).where(_f.c.start_date < _before, _ended).order_by(_f.c.start_date).limit(1_000)
_sweep = Query(delete(_f).where(_f.c.id.in_(_old)))


async def send_again(db: Handle, lane: str, *, since: Micros | None = None, before: Micros | None = None) -> int:
    """Sends what a lane has ended again, as it was: what was first to be sent in a range of time, or all that failed. How many."""
    now = clock.real_micros()
    if since is None or before is None:
        number = await db.run(_failed_again, lane=lane, now=now)
    else:
        number = await db.run(_range_again, lane=lane, now=now, since=since, before=before)
    db.tell(WOKEN)
    return number


async def send_one_again(db: Handle, id: int) -> bool:
    """Sends one again; whether it had ended."""
    db.tell(WOKEN)
    return bool(await db.run(_one_again, this=id, now=clock.real_micros()))


async def messages(db: Handle, ids: list[str]) -> set[tuple[str, str]]:
    """The lanes that have messages of these ids already, with each id."""
    return {(row[0], row[1]) for row in await db.all(_messages, ids=ids)}


def end_lane(db: Handle, lane: str, error: str) -> None:
    """Ends whatever a lane has not sent, as failed."""
    db.later(_end_lane, lane=lane, told=error)


async def messages_of(db: Handle, lane: str, since: Micros, before: Micros) -> set[str]:
    """The ids of the messages of a lane that were first to be sent in a range of time."""
    return {row[0] for row in await db.scan(_known, lane=lane, since=since, before=before)}


def drop_lane(db: Handle, lane: str) -> None:
    """Removes a lane with its log."""
    db.later(_drop, lane=lane)


async def sweep_forwards(db: Handle) -> None:
    """Removes from the log what ended long ago, some at a time."""
    await db.run(_sweep, before=clock.real_micros() - KEPT)


# The log.

log = renamed(
    ForwardRow,
    id="id", start_date="start_date", end_date="end_date", http_status_code="http_status_code", url="url", lane="lane",
    event_id="event_id", rule_id="rule_id", payload="payload", response="response", error_msg="error_msg", success="success",
    tries="tries", due="due", attempts="attempts",
)  # fmt: skip
rows = select(log)
one = Query(rows.where(log.c.id == bindparam("id", type_=BigInteger)))
listing = Listing(log, lambda: rows, frozenset({"id", "start_date", "end_date", "http_status_code", "url"}), "id:DESC")
