"""Which dispositions lists and counts are about."""

from typing import Any

from gamehall.dispositions.v1 import dispositions_pb2 as pb
from sqlalchemy import BigInteger, and_, bindparam

from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.filters import Asked, Filter, compile_filter
from gamehall_server.modules.dispositions.tables import dispositions

_t = dispositions.table


def _thing(text: str) -> Asked:
    kind, colon, id = text.partition(":")
    return bool(colon), {"context__": kind, **({"context_id__": id} if colon else {})}


def _of_thing(one: bool) -> Any:
    kind = _t.c.context == bindparam("context__")
    return and_(kind, _t.c.context_id == bindparam("context_id__")) if one else kind


def _owner(text: str) -> Asked:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Invalid("a user's id, or me", field="filter_owner")
    return None, {"owner__": int(text)}


WRITTEN = {
    "filter_context": Filter("filter_context", _thing, _of_thing),
    "filter_owner": Filter("filter_owner", _owner, lambda shape: _t.c.user_id == bindparam("owner__", type_=BigInteger)),
}
_asked: Any = pb.CountDispositionsRequest.DESCRIPTOR.fields
COUNTED = [compile_filter(field, _t, WRITTEN.get(field.name)) for field in _asked]
