"""The audit log: reading it, and writing entries of one's own (docs/decisions/0031)."""

from typing import Any

import msgspec
from gamehall.logs.v1 import user_logs_pb2 as pb

from gamehall_server.kit.audit import by_server
from gamehall_server.kit.call import Call, Noted, Scope
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.errors import Forbidden, Invalid, NotFound, Violation
from gamehall_server.kit.filters import Chosen, Parameters, choose, compile_filter
from gamehall_server.kit.page import page_of
from gamehall_server.modules import users
from gamehall_server.modules.logs.tables import listing, log, one, own

SEES_ALL = "LOGS_ADMIN"
LONGEST_NAME, LONGEST_VALUE = 255, 1_000
LARGEST_ID = 2**63 - 1
# Who wrote an entry.
POSTED_BY = "posted_by"

_asked = pb.ListUserLogsRequest.DESCRIPTOR.fields_by_name
_filters = [compile_filter(_asked[name], log) for name in ("filter_user", "filter_action_name")]


class UserLogs:
    """gamehall.logs.v1.UserLogService."""

    service = pb.DESCRIPTOR.services_by_name["UserLogService"]

    async def ListUserLogs(self, request: pb.ListUserLogsRequest, call: Call) -> pb.ListUserLogsResponse:
        chosen, parameters = choose(_filters, request)
        reach: tuple[Chosen, Parameters] = ((own,), {"own__": call.user_id}) if call.scope is Scope.OWN else ((), {})
        rows, info = await listing.page(call, (*chosen, *reach[0]), {**parameters, **reach[1]}, page_of(request), request.order)
        return pb.ListUserLogsResponse(content=[_shown(row) for row in rows], page_info=info)

    async def GetUserLog(self, request: pb.GetUserLogRequest, call: Call) -> pb.GetUserLogResponse:
        number = int(request.id) if request.id.isascii() and request.id.isdecimal() and len(request.id) < 20 else -1
        row = await call.db.one(one, id=number if number <= LARGEST_ID else -1)
        if row is None or (call.scope is Scope.OWN and row[3] != call.user_id):
            raise NotFound("No log with this id.", field="id")
        return pb.GetUserLogResponse(log=_shown(row))

    async def CreateUserLog(self, request: pb.CreateUserLogRequest, call: Call) -> pb.CreateUserLogResponse:
        entry, user_id, scope = request.log, call.user_id, call.scope
        wrong = tuple(_wrong_with(entry))
        if wrong:
            raise Invalid(violations=wrong)
        if entry.HasField("user_id") and entry.user_id != call.user_id:
            if scope is Scope.OWN:
                raise Forbidden(f"user_id: an entry about another user needs the permission {SEES_ALL}.", field="log.user_id")
            if await users.summary_of(call.db, entry.user_id) is None:
                raise Invalid("no user has this id", field="log.user_id")
            user_id = entry.user_id
        told = {"description": entry.action_description, "details": dict(entry.details)}
        call.entry = Noted(entry.action_name, user_id, msgspec.json.encode(told, order="deterministic").decode())
        return pb.CreateUserLogResponse()


def _wrong_with(entry: pb.UserLog) -> list[Violation]:
    wrong = [Violation("log.action_name", "must begin with a letter or a digit")] if not entry.action_name[0].isalnum() else []
    for name, value in entry.details.items():
        if name == POSTED_BY:
            wrong.append(Violation(f"log.details.{name}", "told by the server"))
        elif not name.strip() or len(name) > LONGEST_NAME:
            wrong.append(Violation("log.details", f"each name has 1 to {LONGEST_NAME} characters"))
        elif len(value) > LONGEST_VALUE:
            wrong.append(Violation(f"log.details.{name}", f"at most {LONGEST_VALUE} characters"))
    return wrong


def _shown(row: Any) -> pb.UserLog:
    id, at, action, user_id, principal, request_id, address, client, target, changes = row[:10]
    entry = pb.UserLog(id=str(id), action_name=action, created_date=at // SECOND, request_id=request_id, user_id=user_id)
    if by_server(action):
        did = action.rpartition("/")[2]
        entry.action_description = f"{did} {target}" if target else did
        details = {"by": principal, "client": client, "address": address, "target": target, "changes": changes}
        entry.details.update({name: value for name, value in details.items() if value})
    else:
        told = msgspec.json.decode(changes)
        entry.action_description = told["description"]
        entry.details.update({**told["details"], POSTED_BY: principal})
    return entry
