"""The audit log: one row per successful call whose contract asks for it, in the call's transaction; and the chain that shows whether any
row was changed since.

A row is written without a place in the chain, so that no writer waits for another. One process at a time takes the rows that are new, in
the order of their ids, and seals them: each gets the next number and a hash of its content, its number and the hash before, made with the
deployment's root key, so that the database alone is not enough to make another chain. The head tells the last number, and is marked
as well. What is in no order of commits needs none: a row that becomes visible late is sealed late (docs/decisions/0022).
"""

import asyncio
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import BigInteger, Index, bindparam, func, insert, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.call import Call, Change
from gamehall_server.kit.columns import JSONText, Moment, NumberedRow
from gamehall_server.kit.secrets import Secrets
from gamehall_server.kit.storage import Database, Handle, Query, table_of

# Rows sealed in one transaction: some milliseconds of the one writer of SQLite.
MOST_TOGETHER = 200
LONGEST_TEXT = 1_000
PURPOSE = "audit"


class AuditRow(NumberedRow, table=True):
    """Who did what to what, when, and from where. `seq` and the hashes are empty until it is sealed.

    What a caller wrote (docs/decisions/0031) is its `operation`, which begins with no slash, and its `changes`, and is about its `target`.
    `user_id` follows from the rest and serves readers: `_whose`.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_at", "at", "id"),
        Index("ix_audit_user_id_at", "user_id", "at", "id"),
        Index("ix_audit_operation_at", "operation", "at", "id"),
    )

    at: int = Field(sa_type=Moment, nullable=False)
    operation: str = Field(nullable=False)
    principal: str = Field(nullable=False)
    request_id: str = Field(nullable=False)
    address: str = Field(nullable=False)
    client: str | None = Field(default=None)
    target: str | None = Field(default=None)
    changes: str | None = Field(default=None, sa_type=JSONText)
    user_id: int | None = Field(default=None, sa_type=BigInteger)
    seq: int | None = Field(default=None, sa_type=BigInteger, unique=True, index=True)
    prev_hash: str | None = Field(default=None)
    hash: str | None = Field(default=None)


class AuditHeadRow(SQLModel, table=True):
    """The end of the chain. The migration makes its one row."""

    __tablename__ = "audit_head"

    name: str = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger, nullable=False)
    hash: str = Field(nullable=False)
    mark: str = Field(nullable=False)


audit, heads = table_of(AuditRow), table_of(AuditHeadRow)
_t, _h = audit.table, heads.table
_insert = Query(insert(_t))
_lock_head = Query(select(_h).with_for_update(skip_locked=True), heads.Row)
_head = Query(select(_h), heads.Row)
_move_head = Query(update(_h).values(seq=bindparam("last", type_=BigInteger), hash=bindparam("its"), mark=bindparam("proof")))
_is_new = Query(select(_t.c.id).where(_t.c.seq.is_(None)).limit(1))
_new = Query(select(_t).where(_t.c.seq.is_(None)).order_by(_t.c.id).limit(MOST_TOGETHER), audit.Row)
_count_new = Query(select(func.count()).select_from(_t).where(_t.c.seq.is_(None)))
_seal = Query(
    update(_t)
    .where(_t.c.id == bindparam("row", type_=BigInteger))
    .values(
        seq=bindparam("number", type_=BigInteger),
        prev_hash=bindparam("before"),
        hash=bindparam("its"),
        user_id=bindparam("whose", type_=BigInteger),
    )
)
_chain = Query(select(_t).where(_t.c.seq > bindparam("after", type_=BigInteger)).order_by(_t.c.seq).limit(MOST_TOGETHER), audit.Row)


async def note(call: Call, operation: str) -> None:
    """Writes that the caller of `call` did `operation`, the RPC's name, and what it changed; or what the caller wants written instead."""
    entry, target, told = call.entry, call.changes[0].target if call.changes else None, _told(call.changes)
    if entry is not None:
        assert not by_server(entry.action)
        operation, target, told = entry.action, None if entry.user_id is None else f"user:{entry.user_id}", entry.told
    principal = "anonymous" if call.caller is None else call.caller.principal
    call.db.later(
        _insert,
        id=await call.db.new_id("audit"),
        at=call.now,
        operation=operation,
        principal=principal,
        request_id=call.arrival.request_id,
        address=call.arrival.address,
        client=None if call.caller is None else call.caller.client_key,
        target=target,
        changes=told,
        user_id=_whose(operation, principal, target),
        seq=None,
        prev_hash=None,
        hash=None,
    )


def by_server(operation: str) -> bool:
    """Whether the server wrote a row: the names of RPCs begin with a slash."""
    return operation.startswith("/")


def _whose(operation: str, principal: str, target: str | None) -> int | None:
    """The user whose row it is: who called, or whom the caller wrote about."""
    kind, _, number = (principal if by_server(operation) else target or "").partition(":")
    return int(number) if kind == "user" else None


def _told(changes: list[Change]) -> str | None:
    """What changed as JSON: target -> field -> [before, after], without what stayed as it was."""
    told: dict[str, dict[str, list[Any]]] = {}
    for target, before, after in changes:
        fields = dict.fromkeys([*(before or ()), *(after or ())])
        pairs = {name: [(before or {}).get(name), (after or {}).get(name)] for name in fields}
        differing = {name: [_brief(value) for value in pair] for name, pair in pairs.items() if pair[0] != pair[1]}
        told.setdefault(target, {}).update(differing)
    return msgspec.json.encode(told).decode() if told else None


def _brief(value: Any) -> Any:
    return f"{value[:LONGEST_TEXT]}…" if isinstance(value, str) and len(value) > LONGEST_TEXT else value


# The chain.


async def seal(database: Database, secrets: Secrets) -> int:
    """Seals rows that are new; gives how many. Of several processes one does it, and the others have nothing to do."""
    if await database.reader().value(_is_new) is None:
        return 0

    async def work(db: Handle) -> int:
        head = await db.one(_lock_head)
        if head is None:
            return 0
        number, its = head.seq, head.hash
        rows = await db.all(_new)
        for row in rows:
            number, before = number + 1, its
            its = secrets.mark(PURPOSE, _content(row, number, before))
            db.later(_seal, row=row.id, number=number, before=before, its=its, whose=_whose(row.operation, row.principal, row.target))
        if rows:
            db.later(_move_head, last=number, its=its, proof=secrets.mark(PURPOSE, _end(number, its)))
        return len(rows)

    return await database.write(work)


def _content(row: Any, number: int, before: str) -> bytes:
    told = [row.id, row.at, row.operation, row.principal, row.request_id, row.address, row.client, row.target, row.changes]
    return msgspec.json.encode(["row", number, before, *told])


def _end(number: int, its: str) -> bytes:
    return msgspec.json.encode(["head", number, its])


class Verdict(NamedTuple):
    """What the chain tells: how many rows are sealed and how many wait for it, its end, and what is wrong."""

    sealed: int
    waiting: int
    head: str
    problems: list[str]


MOST_PROBLEMS = 20


async def verify(database: Database, secrets: Secrets, known: str = "") -> Verdict:
    """Looks at every row. `known` is an end, as it was told before: the chain must still go through it, or its last rows were cut off."""
    db = database.reader()
    problems: list[str] = []
    last, its, found = 0, "", not known
    while len(problems) < MOST_PROBLEMS and (rows := await _rows_after(db, last)):
        for row in rows:
            if row.seq != last + 1:
                problems.append(f"{last + 1} to {row.seq - 1}: missing" if row.seq - last > 2 else f"{last + 1}: missing")
            elif row.prev_hash != its:
                problems.append(f"{row.seq}: does not follow the row before it")
            marked = secrets.marks(PURPOSE, _content(row, row.seq, row.prev_hash or ""), row.hash or "")
            # None: a node of the version before wrote it, and sealed it.
            if not marked or row.user_id not in (
                _whose(row.operation, row.principal, row.target),
                *((None,) if by_server(row.operation) else ()),
            ):
                problems.append(f"{row.seq}: changed")
            last, its = row.seq, row.hash or ""
            found = found or known == f"{last}:{its}"
        # On SQLite a read never waits: others get their turn.
        await asyncio.sleep(0)
    head = await db.one(_head)
    if len(problems) < MOST_PROBLEMS:
        if head is None:
            problems.append("the head: missing")
        elif head.seq > last or (head.seq, head.hash) != (last, its):
            # Somebody may have sealed more since the last page was read.
            again = await _rows_after(db, last)
            if not (again and head.seq > last and again[0].prev_hash == its):
                problems.append(f"the head: tells of {head.seq} rows, and the chain ends with {last}")
        if head is not None and (head.seq or head.hash or head.mark) and not secrets.marks(PURPOSE, _end(head.seq, head.hash), head.mark):
            problems.append("the head: changed")
        if not found:
            problems.append("the end that was told before is not in the chain")
    return Verdict(last, await db.value(_count_new), f"{last}:{its}", problems)


async def _rows_after(db: Handle, last: int) -> list[Any]:
    return list(await db.all(_chain, after=last))
