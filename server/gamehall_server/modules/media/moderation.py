"""Moderation: users flag things, and somebody decides about each."""

from typing import Any

from gamehall.media.v1 import moderation_pb2 as pb

from gamehall_server.kit.call import Call, Scope
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.filters import Filter
from gamehall_server.kit.mapping import Embed
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.verbs import Get, List
from gamehall_server.modules import users
from gamehall_server.modules.media import moderation_tables, tables
from gamehall_server.modules.media.moderation_tables import FlagReportRow, FlagRow

ADMIN, VIDEO = "MODERATION_ADMIN", "video"
flags = Resource(FlagRow, pb.Flag, owner="user_id", embeds={"user": Embed("user_id", users.summary)})
reports = Resource(FlagReportRow, pb.Report)
_resolved = moderation_tables.reports.table.c.resolved
_open = Filter("exclude_resolved", lambda value: (None, {}), lambda shape: _resolved.is_(None))


class Moderation:
    """gamehall.media.v1.ModerationService."""

    service = pb.DESCRIPTOR.services_by_name["ModerationService"]

    ListFlags = List(flags)
    GetReport = Get(reports)

    def __init__(self) -> None:
        self._reports: Any = List(reports, {"exclude_resolved": _open}).bound_to(self.service.methods_by_name["ListReports"])

    async def CreateFlag(self, request: pb.CreateFlagRequest, call: Call) -> pb.CreateFlagResponse:
        answer, told = pb.CreateFlagResponse(), request.flag
        owner = await users.named_or_caller(call, told, ADMIN, "flag")
        await flag(call, told.context, told.context_id, told.reason if told.HasField("reason") else None, owner, answer.flag)
        return answer

    async def DeleteFlag(self, request: pb.DeleteFlagRequest, call: Call) -> pb.DeleteFlagResponse:
        user = request.user_id or call.user_id
        if call.scope is Scope.OWN and user != call.user_id:
            raise NotFound("No flag of yours on this.", field="user_id")
        if user is not None:
            await unflag(call, request.context_name, request.context_id, user)
        return pb.DeleteFlagResponse()

    async def ListReports(self, request: pb.ListReportsRequest, call: Call) -> Any:
        if not request.HasField("exclude_resolved"):
            request.exclude_resolved = True
        return await self._reports(request, call)

    async def UpdateReport(self, request: pb.UpdateReportRequest, call: Call) -> pb.UpdateReportResponse:
        row, told = await reports.load(call, request.id, lock=True), request.report
        banned = told.resolution == pb.RESOLUTION_BANNED
        if banned and not told.reason.strip():
            raise Invalid("a ban needs a reason", field="report.reason")
        reason = told.reason if told.HasField("reason") else None
        await reports.change(call, row, resolution=told.resolution, reason=reason, resolved=call.now)
        if row.context == VIDEO and row.context_id.isascii() and row.context_id.isdecimal() and len(row.context_id) < 19:
            tables.ban(call.db, int(row.context_id), banned)
        word = pb.Resolution.Name(told.resolution).removeprefix("RESOLUTION_").lower()
        call.emit("report_decided", report=row.id, context=row.context, context_id=row.context_id, resolution=word)
        return pb.UpdateReportResponse()


async def flag(call: Call, context: str, context_id: str, reason: str | None, user: int | None, answer: Any) -> None:
    """Flags something for a user, and sees to it that somebody decides about it."""
    row = await flags.add(call, {"context": context, "context_id": context_id, "reason": reason, "user_id": user})
    if not await moderation_tables.has_open_report(call.db, context, context_id):
        await reports.add(call, {"context": context, "context_id": context_id})
    call.emit("flag_created", flag=row[0], user=user)
    await flags.show(call, row, answer)


async def unflag(call: Call, context: str, context_id: str, user: int) -> None:
    """Takes a user's flag back, where there is one."""
    id = await moderation_tables.flag_of(call.db, context, context_id, user)
    if id is not None:
        await flags.remove(call, await flags.load(call, id, lock=True))
        call.emit("flag_deleted", flag=id, user=user)
