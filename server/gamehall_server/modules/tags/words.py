"""The words of all tags: of users and devices, which have tables of their own, and of everything else."""

from typing import Any

from sqlalchemy import BigInteger, asc, bindparam, desc, func, select, union

from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.modules.devices.tables import DeviceTagRow
from gamehall_server.modules.tags.tables import tagged
from gamehall_server.modules.users.tables import user_tags

_tables = (tagged.table, user_tags.table, table_of(DeviceTagRow).table)
_all = union(*(select(table.c.tag) for table in _tables)).subquery("words")
_total = Query(select(func.count()).select_from(_all))


def _page(way: Any) -> Query[Any]:
    words = select(_all.c.tag).order_by(way(_all.c.tag))
    return Query(words.limit(bindparam("limit__", type_=BigInteger)).offset(bindparam("offset__", type_=BigInteger)))


_pages = {True: _page(asc), False: _page(desc)}


async def some_words(db: Handle, limit: int, offset: int, *, rises: bool) -> tuple[list[str], int]:
    """So many words from a place on, by their letters, and how many there are. Read where a long read holds nobody up."""
    rows = await db.scan(_pages[rises], limit__=limit, offset__=offset)
    return [row[0] for row in rows], (await db.scan(_total))[0][0]
