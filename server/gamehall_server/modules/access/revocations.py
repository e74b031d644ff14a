"""Revocations: what makes tokens that were good a moment ago worth another look, on every node.

Whoever ends a session, or changes what a user, a client or a role may do, says so with `revoke` in the same transaction. After the commit
this process forgets whom it concerns at once. Other processes read the table every quarter of a second, and trust what they remember no
longer than that keeps working (docs/decisions/0021).
"""

import logging
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, insert, literal, select, update

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.errors import Fault
from gamehall_server.kit.storage import Handle, Query, oldest_under_way, table_of, this_transaction
from gamehall_server.modules.access.tables import RevocationRow, SessionRow

log = logging.getLogger("gamehall.revocations")
Kind = Literal["session", "user", "client", "role"]
# In seconds. What was read is trusted for less than the second that is promised; who did not read for long starts over.
POLL, TRUSTED, LONGEST_GAP = 0.2, 0.8, 60.0
KEPT_FOR: Micros = 600 * SECOND

_r, _s = table_of(RevocationRow).table, table_of(SessionRow).table
_add = Query(
    insert(_r).values(
        id=bindparam("id"), transaction=this_transaction(), kind=bindparam("kind"), subject=bindparam("subject"), at=bindparam("at")
    )
)
_one = select(literal(1).label("one")).subquery()
_news = Query(
    select(oldest_under_way(), _r.c.id, _r.c.kind, _r.c.subject).select_from(
        _one.outerjoin(_r, _r.c.transaction >= bindparam("since", type_=BigInteger))
    )
)
_sweep = Query(delete(_r).where(_r.c.at < bindparam("before", type_=BigInteger)))
_end = update(_s).where(_s.c.ended_at.is_(None)).values(ended_at=bindparam("now", type_=BigInteger))
_end_of_user = Query(_end.where(_s.c.user_id == bindparam("user", type_=BigInteger)))
_end_others = Query(_end.where(_s.c.user_id == bindparam("user", type_=BigInteger), _s.c.id != bindparam("but", type_=BigInteger)))
_end_of_client = Query(_end.where(_s.c.client_key == bindparam("client")))
_end_of_user_and_client = Query(_end.where(_s.c.user_id == bindparam("user", type_=BigInteger), _s.c.client_key == bindparam("client")))


class Revoked(NamedTuple):
    """Whose tokens are worth another look: a session's, a user's, a client's, those of everybody with a role."""

    kind: Kind
    subject: str


def revoke(db: Handle, kind: Kind, subject: object) -> None:
    """Has every node look again at the tokens concerned, once the transaction of `db` is committed."""
    db.later(_add, id=clock.token(12), kind=kind, subject=str(subject), at=clock.real_seconds() * SECOND)
    db.tell(Revoked(kind, str(subject)))


def end_sessions_of_user(db: Handle, user_id: int, now: Micros, *, but: int | None = None, client_key: str | None = None) -> None:
    """Ends every session of a user: none of its tokens, refresh tokens included, is good for anything afterwards. `but`: one that goes on,
    such as the one in which a password is changed. `client_key`: only those with this client."""
    if client_key is not None:
        db.later(_end_of_user_and_client, user=user_id, client=client_key, now=now)
    elif but is not None:
        db.later(_end_others, user=user_id, but=but, now=now)
    else:
        db.later(_end_of_user, user=user_id, now=now)
    revoke(db, "user", user_id)


def end_sessions_of_client(db: Handle, client_key: str, now: Micros) -> None:
    """Ends every session that a client holds, its own and those of its users."""
    db.later(_end_of_client, client=client_key, now=now)
    revoke(db, "client", client_key)


class Revocations:
    """What other processes revoked. `hear` is told of each, `forget` when it cannot be known what was missed."""

    def __init__(self, hear: Callable[[Revoked], None], forget: Callable[[], None]) -> None:
        self._hear = hear
        self._forget = forget
        self._since = 0
        self._heard: set[str] = set()
        self._last = clock.ticks()
        self._failing = False

    async def renew(self, db: Handle) -> float | None:
        """Reads what is new; gives until when, on `clock.ticks`, memory may be trusted, or None where the database does not answer."""
        began = clock.ticks()
        try:
            rows: list[Any] = await db.all(_news, since=self._since)
        except Fault as fault:
            if not self._failing:
                log.warning("revocations were not read, so every token is looked up until they are: %s", fault.message)
            self._failing = True
            return None
        self._failing = False
        if began - self._last > LONGEST_GAP:
            # Some may have been swept away unread.
            self._forget()
        for _, id, kind, subject in rows:
            if id is not None and id not in self._heard:
                self._hear(Revoked(kind, subject))
        self._heard = {row[1] for row in rows}
        self._since, self._last = rows[0][0], began
        return began + TRUSTED


async def sweep_revocations(db: Handle) -> None:
    """Removes what every node has long read."""
    await db.run(_sweep, before=clock.real_seconds() * SECOND - KEPT_FOR)
