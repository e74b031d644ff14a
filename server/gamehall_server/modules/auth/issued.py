"""Tokens that were given: the sessions behind them, and the log of where they were asked for."""

from gamehall.auth.v1 import issued_tokens_pb2 as pb
from gamehall.auth.v1 import location_log_pb2 as log_pb
from gamehall.options.v1.errors_pb2 import ErrorReason
from sqlalchemy import BigInteger, bindparam, delete, insert, select, update

from gamehall_server.kit import clock
from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.filters import Filter, Written, choose, compile_filter, equals
from gamehall_server.kit.listing import Listing
from gamehall_server.kit.page import page_of
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.storage import Handle, Query, renamed, table_of
from gamehall_server.kit.verbs import List
from gamehall_server.modules import users
from gamehall_server.modules.access import end_sessions_of_client, end_sessions_of_user
from gamehall_server.modules.auth.tables import LocationLogRow, SessionRow
from gamehall_server.modules.locations import country_at

# What stands for a token. It is not kept, so it cannot be shown.
MASK = "********"
LOG_KEPT_FOR: Micros = 90 * 24 * 3600 * SECOND
MINUTE = 60 * SECOND

_user = users.summary[0].table
# Sessions as the list tells of them: the published name of a client's key is client_id.
_session = renamed(SessionRow, id="id", client_id="client_key", user_id="user_id", expires_at="expires_at", ended_at="ended_at")
_rows = select(*_session.columns, _user.c.username).select_from(_session.outerjoin(_user, _user.c.id == _session.c.user_id))
_good = _session.c.ended_at.is_(None) & (_session.c.expires_at > bindparam("now", type_=BigInteger))
_of_user = _session.c.user_id == select(_user.c.id).where(_user.c.username_key == bindparam("filter_username")).scalar_subquery()
_live = (Filter("now", lambda value: (None, {"now": value}), lambda shape: _good), None)
_asked = pb.ListIssuedTokensRequest.DESCRIPTOR.fields_by_name
_filters = [
    equals("filter_client_id", _session.c.client_id),
    compile_filter(_asked["filter_username"], _session, Written(_of_user, users.folded)),
]
_listing = Listing(_session, lambda: _rows, frozenset({"client_id"}), "client_id:ASC")
_id_of = Query(select(_user.c.id).where(_user.c.username_key == bindparam("name")))
_one = Query(_rows.where(_good, _user.c.username_key == bindparam("name"), _session.c.client_id == bindparam("client")).limit(1))

_log = Resource(LocationLogRow, log_pb.LocationLogEntry, order="time:ASC")
_note = Query(insert(_log.table))
_used = table_of(SessionRow).table
_use = Query(
    update(_used)
    .where(_used.c.id == bindparam("session", type_=BigInteger))
    .values(used_at=bindparam("now", type_=BigInteger), address=bindparam("address"), country=bindparam("country"))
)
_sweep = Query(delete(_log.table).where(_log.table.c.time < bindparam("before", type_=BigInteger)))


class IssuedTokens:
    """gamehall.auth.v1.IssuedTokenService."""

    service = pb.DESCRIPTOR.services_by_name["IssuedTokenService"]

    async def ListIssuedTokens(self, request: pb.ListIssuedTokensRequest, call: Call) -> pb.ListIssuedTokensResponse:
        chosen, parameters = choose(_filters, request)
        # By the minute, so that walking from page to page is walking through one list.
        parameters["now"] = _now() // MINUTE * MINUTE
        rows, info = await _listing.page(call, (*chosen, _live), parameters, page_of(request), request.order)
        return pb.ListIssuedTokensResponse(content=[pb.IssuedToken(username=row[-2], client_id=row[1]) for row in rows], page_info=info)

    async def GetIssuedToken(self, request: pb.GetIssuedTokenRequest, call: Call) -> pb.GetIssuedTokenResponse:
        row = await call.db.one(_one, name=users.folded(request.username), client=request.client_id, now=_now())
        if row is None:
            raise NotFound("This user has no token of this client.", field="username")
        return pb.GetIssuedTokenResponse(token=pb.IssuedToken(username=row[-1], client_id=row[1], token=MASK))

    async def DeleteIssuedTokens(self, request: pb.DeleteIssuedTokensRequest, call: Call) -> pb.DeleteIssuedTokensResponse:
        client, now = request.client_id or None, _now()
        if request.username:
            user = await call.db.value(_id_of, name=users.folded(request.username))
            if user is None:
                raise NotFound("No user with this name.", field="username")
            end_sessions_of_user(call.db, user, now, client_key=client)
            call.changed(f"user:{user}", {"sessions": "live"}, {"sessions": "ended", "client": client})
        elif client is not None:
            end_sessions_of_client(call.db, client, now)
            call.changed(f"client:{client}", {"sessions": "live"}, {"sessions": "ended"})
        else:
            raise Invalid("a user or a client: username, client_id", field="username", reason=ErrorReason.ERROR_REASON_REQUIRED)
        return pb.DeleteIssuedTokensResponse()


class LocationLog:
    """gamehall.auth.v1.LocationLogService."""

    service = log_pb.DESCRIPTOR.services_by_name["LocationLogService"]

    ListLocations = List(_log)


async def note_use(call: Call, session: SessionRow) -> None:
    """Writes where a user has just asked for a token of a session."""
    address = call.arrival.address
    country = country_at(address)
    number = await call.db.new_id("location_log")
    call.db.later(_note, id=number, user_id=session.user_id, time=call.now, ip=address, country=country)
    call.db.later(_use, session=session.id, now=_now(), address=address, country=country)


async def sweep_locations(db: Handle) -> None:
    """Removes entries that are no longer kept."""
    await db.run(_sweep, before=_now() - LOG_KEPT_FOR)


def _now() -> Micros:
    # Sessions keep real time, also where a sandbox has another.
    return clock.real_seconds() * SECOND
