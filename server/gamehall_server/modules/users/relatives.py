"""Who stands above and below a user, as everybody sees it."""

from typing import Any

from gamehall.users.v1 import users_pb2 as pb
from sqlalchemy import BigInteger, Index, bindparam, select
from sqlmodel import Field

from gamehall_server.kit.columns import NumberedRow
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.modules.users.tables import summary, users

# Of each side so many are shown with a user; the list of relationships has all.
MOST_SHOWN = 100


class RelationshipRow(NumberedRow, table=True):
    """One user stands above another in some way."""

    __tablename__ = "relationship"
    __table_args__ = (
        Index("ix_relationship_pair", "parent_id", "child_id", "context", unique=True),
        Index("ix_relationship_child", "child_id", "id"),
    )

    parent_id: int = Field(foreign_key="user.id", sa_type=BigInteger, nullable=False)
    child_id: int = Field(foreign_key="user.id", sa_type=BigInteger, nullable=False)
    context: str = Field(nullable=False)


_r = table_of(RelationshipRow).table
_user = bindparam("user", type_=BigInteger)


def _side(here: Any, there: Any) -> Query[Any]:
    joined = _r.join(users.table, users.table.c.id == there)
    return Query(select(*summary, _r.c.id, _r.c.context).select_from(joined).where(here == _user).order_by(_r.c.id).limit(MOST_SHOWN))


_parents, _children = _side(_r.c.child_id, _r.c.parent_id), _side(_r.c.parent_id, _r.c.child_id)


async def show_relatives(db: Handle, user: pb.User) -> None:
    """Adds to a user who stands above and below."""
    for query, into in ((_parents, user.parents), (_children, user.children)):
        for id, username, name, avatar_url, relationship_id, context in await db.all(query, user=user.id):
            shown = into.add(id=id, username=username, display_name=name, relationship_id=relationship_id, context=context)
            if avatar_url is not None:
                shown.avatar_url = avatar_url
