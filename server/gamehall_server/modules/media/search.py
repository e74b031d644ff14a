"""Which videos a caller sees, and which ones lists are about."""

from typing import Any

from gamehall.media.v1 import videos_pb2 as pb
from sqlalchemy import BigInteger, ColumnElement, String, and_, bindparam, cast, exists, not_, or_, select

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Forbidden, Invalid
from gamehall_server.kit.filters import Asked, Chosen, Filter, Parameters, compile_filter
from gamehall_server.kit.resource import Veil
from gamehall_server.modules.dispositions.tables import dispositions
from gamehall_server.modules.friendships.tables import friends
from gamehall_server.modules.media import tables
from gamehall_server.modules.media.moderation_tables import flags
from gamehall_server.modules.tags import tag_filters
from gamehall_server.modules.templates import by_property

KIND, ADMIN, ME = "video", "VIDEOS_ADMIN", "me"
NOBODY = -1
_v, _w, _c, _r = tables.videos.table, tables.viewers.table, tables.contributions.table, tables.related.table
_d, _f, _fr = dispositions.table, flags.table, friends.table
_me: Any = bindparam("me__", type_=BigInteger)


def _is_friend(user: Any) -> ColumnElement[bool]:
    return _v.c.uploader_id.in_(select(_fr.c.friend_id).where(_fr.c.user_id == user))


_active = and_(_v.c.published, not_(_v.c.banned))
_seen = or_(
    and_(_active, _v.c.privacy == pb.VIDEO_PRIVACY_PUBLIC),
    _v.c.uploader_id == _me,
    and_(_active, exists().where(_w.c.video_id == _v.c.id, _w.c.user_id == _me)),
    and_(_active, _v.c.privacy == pb.VIDEO_PRIVACY_FRIENDS, _is_friend(_me)),
)


def _caller(call: Call) -> Parameters:
    return {"me__": NOBODY if call.user_id is None else call.user_id}


VEIL = Veil(_seen, ADMIN, _caller)


def _number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Invalid("a number is wanted", field=field)
    return int(text)


def _related(text: str) -> Asked:
    number, colon, details = text.partition(":")
    asked = {"to__": _number(number, "filter_related_to"), **({"details__": details} if colon else {})}
    return bool(colon), asked


def _leads(details: bool) -> ColumnElement[bool]:
    found = select(_r.c.from_id).where(_r.c.to_id == bindparam("to__", type_=BigInteger))
    return _v.c.id.in_(found.where(_r.c.relationship_details == bindparam("details__")) if details else found)


def _disposed(text: str) -> Asked:
    number, _, name = text.partition(":")
    return None, {"disposed__": _number(number, "filter_disposition"), "disposition__": name}


_thing = cast(_v.c.id, String)
_disposition = exists().where(
    _d.c.context == KIND,
    _d.c.context_id == _thing,
    _d.c.user_id == bindparam("disposed__", type_=BigInteger),
    _d.c.name == bindparam("disposition__"),
)
_flagged = exists().where(_f.c.context == KIND, _f.c.context_id == _thing, _f.c.user_id == bindparam("flags_of__", type_=BigInteger))
_by_artist = _v.c.id.in_(select(_c.c.video_id).where(_c.c.artist_id == bindparam("artist__", type_=BigInteger)))
_WRITTEN = {
    "filter_videos_by_contributor": Filter(
        "filter_videos_by_contributor", lambda value: (None, {"artist__": value}), lambda shape: _by_artist
    ),
    "filter_related_to": Filter("filter_related_to", _related, _leads),
    "filter_friends": Filter(
        "filter_friends",
        lambda text: (None, {"friends_of__": _number(text, "filter_friends")}),
        lambda shape: _is_friend(bindparam("friends_of__", type_=BigInteger)),
    ),
    "filter_disposition": Filter("filter_disposition", _disposed, lambda shape: _disposition),
    **tag_filters(KIND, _v),
    "filter_property": by_property(KIND, _v),
}
_APART = ("size", "page", "order", "exclude_flagged")
_asked: Any = pb.ListVideosRequest.DESCRIPTOR.fields
FILTERS = [compile_filter(field, _v, _WRITTEN.get(field.name)) for field in _asked if field.name not in _APART]
OF_USER = (Filter("of__", lambda value: (None, {}), lambda shape: _v.c.uploader_id == bindparam("of__", type_=BigInteger)), None)
_not_flagged = Filter("exclude_flagged", lambda value: (None, {}), lambda shape: not_(_flagged))


def without_flagged(request: Any, call: Call) -> tuple[Chosen, Parameters]:
    """That lists leave out what the caller has flagged, unless asked otherwise."""
    wanted = request.exclude_flagged or not request.HasField("exclude_flagged")
    return (((_not_flagged, None),), {"flags_of__": call.user_id}) if wanted and call.user_id is not None else ((), {})


def name_caller(request: pb.ListVideosRequest, call: Call) -> None:
    """The words for the caller become their id. Raises Invalid where nobody is signed in, Forbidden for the friends of others."""
    friends_of = request.filter_friends.lower()
    if friends_of in ("true", "false"):
        request.filter_friends = _own(call, "filter_friends") if friends_of == "true" else ""
    elif friends_of and friends_of != str(call.user_id) and not call.may(ADMIN):
        raise Forbidden(f"The friends of others need the permission {ADMIN}.", field="filter_friends")
    who, colon, name = request.filter_disposition.partition(":")
    if request.filter_disposition and not (colon and name):
        raise Invalid("USER:NAME is wanted, such as me:like", field="filter_disposition")
    if who == ME:
        request.filter_disposition = f"{_own(call, 'filter_disposition')}:{name}"


def _own(call: Call, field: str) -> str:
    if call.user_id is None:
        raise Invalid("no user is signed in", field=field)
    return str(call.user_id)
