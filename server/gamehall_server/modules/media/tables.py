"""What is kept of artists, videos, and who did what for which."""

from typing import Any

from gamehall.common.v1.references_pb2 import LongReference
from gamehall.media.v1 import contributions_pb2 as pb
from sqlalchemy import BigInteger, Index, SmallInteger, bindparam, desc, func, insert, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import Moment, NumberedRow, Wire
from gamehall_server.kit.storage import Handle, Query, table_of


class ArtistRow(NumberedRow, table=True):
    """An artist. How many contributions there are is counted as they come and go."""

    __tablename__ = "artist"

    name: str = Field(nullable=False)
    short_description: str | None = Field(default=None)
    long_description: str | None = Field(default=None)
    born: str | None = Field(default=None)
    died: str | None = Field(default=None)
    priority: int = Field(nullable=False)
    contribution_count: int = Field(sa_type=BigInteger, nullable=False)
    template: str | None = Field(default=None, foreign_key="template.id", index=True)
    additional_properties: bytes | None = Field(default=None, sa_type=Wire)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


class VideoRow(NumberedRow, table=True):
    """A video. `privacy` is the number of VideoPrivacy."""

    __tablename__ = "video"
    # What everybody sees is found without reading the rest.
    __table_args__ = (
        Index("ix_video_shown", "published", "banned", "privacy", "id"),
        Index("ix_video_uploader", "uploader_id", "id"),
        Index("ix_video_author", "author_id", "id"),
        Index("ix_video_category", "category_id", "id"),
    )

    name: str = Field(nullable=False)
    short_description: str | None = Field(default=None)
    long_description: str | None = Field(default=None)
    location: str = Field(nullable=False)
    extension: str = Field(nullable=False)
    mime_type: str | None = Field(default=None)
    height: int = Field(nullable=False)
    width: int = Field(nullable=False)
    length: int = Field(nullable=False)
    size: int | None = Field(default=None, sa_type=BigInteger)
    embed: str | None = Field(default=None)
    thumbnail: str | None = Field(default=None)
    category_id: str = Field(foreign_key="category.id", nullable=False)
    author_id: int | None = Field(default=None, foreign_key="artist.id", sa_type=BigInteger)
    authored: int | None = Field(default=None, sa_type=Moment)
    uploader_id: int | None = Field(default=None, foreign_key="user.id", sa_type=BigInteger)
    privacy: int = Field(sa_type=SmallInteger, nullable=False)
    published: bool = Field(nullable=False)
    banned: bool = Field(nullable=False)
    priority: int = Field(nullable=False)
    views: int = Field(sa_type=BigInteger, nullable=False)
    tags: bytes | None = Field(default=None, sa_type=Wire)
    template: str | None = Field(default=None, foreign_key="template.id", index=True)
    additional_properties: bytes | None = Field(default=None, sa_type=Wire)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


class ContributionRow(SQLModel, table=True):
    """What an artist did for a video."""

    __tablename__ = "contribution"
    __table_args__ = (Index("ix_contribution_artist", "artist_id", "added"),)

    video_id: int = Field(primary_key=True, foreign_key="video.id", sa_type=BigInteger)
    artist_id: int = Field(primary_key=True, foreign_key="artist.id", sa_type=BigInteger)
    role: str = Field(primary_key=True)
    added: int = Field(sa_type=Moment, nullable=False)


class VideoViewerRow(SQLModel, table=True):
    """A user who sees a video whatever its privacy."""

    __tablename__ = "video_viewer"

    video_id: int = Field(primary_key=True, foreign_key="video.id", sa_type=BigInteger, ondelete="CASCADE")
    user_id: int = Field(primary_key=True, foreign_key="user.id", sa_type=BigInteger, index=True)


class RelatedVideoRow(NumberedRow, table=True):
    """That a video leads to another one."""

    __tablename__ = "related_video"
    __table_args__ = (Index("ix_related_video_one", "from_id", "to_id", "relationship_details", unique=True),)

    from_id: int = Field(foreign_key="video.id", sa_type=BigInteger, nullable=False)
    to_id: int = Field(foreign_key="video.id", sa_type=BigInteger, nullable=False, index=True)
    relationship_details: str = Field(nullable=False)


artists, videos, contributions, viewers, related = (
    table_of(row) for row in (ArtistRow, VideoRow, ContributionRow, VideoViewerRow, RelatedVideoRow)
)
_a, _v, _c, _w = artists.table, videos.table, contributions.table, viewers.table
_artist, _video, _user = (bindparam(name, type_=BigInteger) for name in ("artist", "video", "user"))
_by: Any = bindparam("by", type_=BigInteger)
_shown = select(_a.c.id, _a.c.name, _v.c.id, _v.c.name, _c.c.role).select_from(
    _c.join(_a, _a.c.id == _c.c.artist_id).join(_v, _v.c.id == _c.c.video_id)
)
_newest = desc(_c.c.added), desc(_c.c.video_id), _c.c.role
_of_artist = Query(_shown.where(_c.c.artist_id == _artist).order_by(*_newest).limit(bindparam("most", type_=BigInteger)))
_of_video = Query(_shown.where(_c.c.video_id == _video).order_by(_c.c.artist_id, _c.c.role))
_one = Query(select(_c.c.role).where(_c.c.video_id == _video, _c.c.artist_id == _artist, _c.c.role == bindparam("role")))
_roles = Query(select(func.count()).select_from(_c).where(_c.c.video_id == _video, _c.c.artist_id == _artist))
_forget = Query(_c.delete().where(_c.c.video_id == _video, _c.c.artist_id == _artist))
_count = Query(update(_a).where(_a.c.id == _artist).values(contribution_count=_a.c.contribution_count + _by))
_view = Query(update(_v).where(_v.c.id == _video).values(views=_v.c.views + 1))
_ban = Query(update(_v).where(_v.c.id == _video).values(banned=bindparam("banned")))
_is_viewer = Query(select(_w.c.user_id).where(_w.c.video_id == _video, _w.c.user_id == _user))
_add_viewer = Query(insert(_w))
_drop_viewer = Query(_w.delete().where(_w.c.video_id == _video, _w.c.user_id == _user))


def _told(rows: list[Any]) -> list[pb.Contribution]:
    return [
        pb.Contribution(artist=LongReference(id=artist, name=name), media=LongReference(id=video, name=title), role=role)
        for artist, name, video, title, role in rows
    ]


async def contributions_of_artist(db: Handle, artist: int, most: int) -> list[pb.Contribution]:
    """So many contributions of an artist, the newest first."""
    return _told(await db.all(_of_artist, artist=artist, most=most))


async def contributions_to_video(db: Handle, video: int) -> list[pb.Contribution]:
    """Who did what for a video."""
    return _told(await db.all(_of_video, video=video))


async def contribute(db: Handle, video: int, artist: int, role: str, now: int) -> None:
    """Keeps what an artist did for a video that is locked; once is enough."""
    if await db.one(_one, video=video, artist=artist, role=role) is None:
        db.later(contributions.insert, video_id=video, artist_id=artist, role=role, added=now)
        db.later(_count, artist=artist, by=1)


async def uncontribute(db: Handle, video: int, artist: int) -> int:
    """An artist did nothing for a video that is locked; gives how much it was."""
    number: int = await db.value(_roles, video=video, artist=artist)
    if number:
        db.later(_forget, video=video, artist=artist)
        db.later(_count, artist=artist, by=-number)
    return number


def view(db: Handle, video: int) -> None:
    """Counts a view."""
    db.later(_view, video=video)


def ban(db: Handle, video: int, banned: bool) -> None:
    """Takes a video away, or gives it back."""
    db.later(_ban, video=video, banned=banned)


async def invite(db: Handle, video: int, user: int) -> None:
    """Puts a user on the whitelist of a video that is locked."""
    if await db.one(_is_viewer, video=video, user=user) is None:
        db.later(_add_viewer, video_id=video, user_id=user)


async def uninvite(db: Handle, video: int, user: int) -> bool:
    """Takes a user from the whitelist; whether there was one."""
    return await db.run(_drop_viewer, video=video, user=user) > 0
