"""Sessions as their users see them: where they are signed in, and how they end that."""

from typing import Any

from gamehall.auth.v1 import sessions_pb2 as pb
from sqlalchemy import BigInteger, bindparam, select

from gamehall_server.kit.call import Call, Scope
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.errors import NotFound
from gamehall_server.kit.filters import Filter, choose, equals
from gamehall_server.kit.listing import Listing
from gamehall_server.kit.page import page_of
from gamehall_server.kit.storage import Query, renamed, table_of
from gamehall_server.modules.access import end_sessions_of_user
from gamehall_server.modules.access.tables import ClientRow
from gamehall_server.modules.auth.grants.base import real_now
from gamehall_server.modules.auth.issued import MINUTE
from gamehall_server.modules.auth.sessions import end_session
from gamehall_server.modules.auth.tables import SessionRow

# Sessions under the names that the list tells.
_session = renamed(
    SessionRow,
    id="id",
    user_id="user_id",
    client_id="client_key",
    grant="grant",
    scope="scope",
    created_date="created_at",
    last_used_date="used_at",
    expires_date="expires_at",
    address="address",
    country="country",
    ended_at="ended_at",
)
_client = table_of(ClientRow).table
_rows = select(*_session.columns, _client.c.name).select_from(_session.join(_client, _client.c.client_key == _session.c.client_id))
_good = _session.c.ended_at.is_(None) & (_session.c.expires_date > bindparam("now", type_=BigInteger))
_live = (Filter("now", lambda value: (None, {"now": value}), lambda shape: _good), None)
_own = (equals("own__", _session.c.user_id), None)
_filters = [equals("filter_client_id", _session.c.client_id)]
_listing = Listing(
    _session, lambda: _rows, frozenset({"client_id", "created_date", "last_used_date", "expires_date"}), "last_used_date:DESC"
)
_one = Query(
    _rows.where(_good, _session.c.id == bindparam("id", type_=BigInteger), _session.c.user_id == bindparam("user", type_=BigInteger))
)


class Sessions:
    """gamehall.auth.v1.SessionService."""

    service = pb.DESCRIPTOR.services_by_name["SessionService"]

    async def ListSessions(self, request: pb.ListSessionsRequest, call: Call) -> pb.ListSessionsResponse:
        user = _reached(request.user_id, call)
        chosen, parameters = choose(_filters, request)
        # By the minute, so that walking from page to page is walking through one list.
        parameters = {**parameters, "own__": user, "now": real_now() // MINUTE * MINUTE}
        rows, info = await _listing.page(call, (*chosen, _own, _live), parameters, page_of(request), request.order)
        return pb.ListSessionsResponse(content=[_shown(row, call) for row in rows], page_info=info)

    async def GetSession(self, request: pb.GetSessionRequest, call: Call) -> pb.GetSessionResponse:
        return pb.GetSessionResponse(session=_shown(await self._found(request, call), call))

    async def EndSession(self, request: pb.EndSessionRequest, call: Call) -> pb.EndSessionResponse:
        row = await self._found(request, call)
        end_session(call.db, row[0], real_now())
        call.changed(f"session:{row[0]}", {"session": "live"}, {"session": "ended", "client": row[2]})
        return pb.EndSessionResponse()

    async def EndSessions(self, request: pb.EndSessionsRequest, call: Call) -> pb.EndSessionsResponse:
        user = _reached(request.user_id, call)
        assert call.caller is not None
        end_sessions_of_user(call.db, user, real_now(), but=call.caller.session_id if request.others else None)
        call.changed(f"user:{user}", {"sessions": "live"}, {"sessions": "others ended" if request.others else "ended"})
        return pb.EndSessionsResponse()

    async def _found(self, request: Any, call: Call) -> Any:
        row = await call.db.one(_one, id=request.id, user=_reached(request.user_id, call), now=real_now())
        if row is None:
            raise NotFound("No session with this id.", field="id")
        return row


def _reached(user_id: str, call: Call) -> int:
    """The caller's id. Raises NotFound where another user is asked about."""
    assert call.scope is Scope.OWN
    if int(user_id) != call.user_id:
        raise NotFound("No user with this id.", field="user_id")
    return call.user_id


def _shown(row: Any, call: Call) -> pb.Session:
    id, user_id, client, grant, scope, created, used, expires, address, country, _, client_name = row[:12]
    return pb.Session(
        id=id,
        user_id=user_id,
        client_id=client,
        client_name=client_name,
        grant=grant,
        scope=scope,
        created_date=created // SECOND,
        last_used_date=(used or created) // SECOND,
        expires_date=expires // SECOND,
        address=address,
        country=country,
        current=call.caller is not None and call.caller.session_id == id,
    )
