"""The log of posts, and single ones sent again."""

from collections.abc import Iterable
from typing import Any

import msgspec
from gamehall.webhooks.v1 import forwards_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.filters import choose, compile_filter, equals
from gamehall_server.kit.page import page_of
from gamehall_server.modules.forwards import tables
from gamehall_server.modules.forwards.kinds import WEBHOOK, Kind
from gamehall_server.modules.forwards.tables import lane_of

_asked = pb.ListForwardLogsRequest.DESCRIPTOR.fields_by_name
_filters = [
    compile_filter(_asked[name], tables.log) for name in ("filter_start_date", "filter_end_date", "filter_status_code", "filter_url")
]
_of_lane = equals("lane__", tables.log.c.lane)


class ForwardLogs:
    """gamehall.webhooks.v1.ForwardLogService."""

    service = pb.DESCRIPTOR.services_by_name["ForwardLogService"]

    def __init__(self, kinds: Iterable[type[Kind]]) -> None:
        self._headers = {kind.name: f"content-type: {kind.content_type}" for kind in kinds}

    async def ListForwardLogs(self, request: pb.ListForwardLogsRequest, call: Call) -> pb.ListForwardLogsResponse:
        chosen, parameters = choose(_filters, request)
        if request.HasField("filter_webhook"):
            chosen, parameters = (*chosen, (_of_lane, None)), {**parameters, "lane__": lane_of(WEBHOOK, request.filter_webhook)}
        rows, info = await tables.listing.page(call, chosen, parameters, page_of(request), request.order)
        return pb.ListForwardLogsResponse(content=[self._shown(row) for row in rows], page_info=info)

    async def GetForwardLog(self, request: pb.GetForwardLogRequest, call: Call) -> pb.GetForwardLogResponse:
        return pb.GetForwardLogResponse(log=self._shown(await _load(request.id, call)))

    async def ListForwardAttempts(self, request: pb.ListForwardAttemptsRequest, call: Call) -> pb.ListForwardAttemptsResponse:
        row = await _load(request.id, call)
        answer = pb.ListForwardAttemptsResponse()
        for began, ended, status, error in msgspec.json.decode(row[14]):
            answer.attempts.add(start_date=began // SECOND, runtime=(ended - began) // 1000, http_status_code=status, error_msg=error)
        return answer

    async def ReplayForward(self, request: pb.ReplayForwardRequest, call: Call) -> pb.ReplayForwardResponse:
        row = await _load(request.id, call)
        if not await tables.send_one_again(call.db, row[0]):
            raise Invalid("it has not ended: it will be sent anyway", field="id")
        return pb.ReplayForwardResponse()

    def _shown(self, row: Any) -> pb.ForwardLog:
        id, start, end, status, url, lane, event, rule, payload, response, error, success, tries, due = row[:14]
        headers = self._headers.get(lane.partition("/")[0], "")
        shown = pb.ForwardLog(
            id=str(id), event_id=event or "", rule_id=rule, url=url, method="POST", headers=headers, start_date=start // SECOND,
            end_date=None if end is None else end // SECOND, http_status_code=status or 0, response=response or "",
            error_msg=error or None, retry_count=max(0, tries - 1), retryable=due is not None, success=bool(success),
        )  # fmt: skip
        shown.payload.update(msgspec.json.decode(payload))
        return shown


async def _load(id: str, call: Call) -> Any:
    number = int(id) if id.isascii() and id.isdecimal() and len(id) < 19 else -1
    row = await call.db.one(tables.one, id=number)
    if row is None:
        raise NotFound("No post with this id.", field="id")
    return row
