"""Events: custom ones, the log, and everything as it happens."""

from collections.abc import AsyncGenerator
from typing import Any

from gamehall.events.v1 import events_pb2 as pb
from gamehall.events.v1 import triggers_pb2
from google.protobuf.json_format import MessageToDict

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid, NotFound, Violation
from gamehall_server.kit.events import custom
from gamehall_server.kit.filters import choose, compile_filter
from gamehall_server.kit.page import page_of
from gamehall_server.modules.events import tables
from gamehall_server.modules.events.reading import number_of, shown
from gamehall_server.modules.events.variables import value_of
from gamehall_server.modules.events.watching import Watching

_asked = pb.ListEventLogsRequest.DESCRIPTOR.fields_by_name
_by = ("filter_start_date", "filter_event_name", "filter_event_id")
_filters = [*(compile_filter(_asked[name], tables.log) for name in _by), tables.of_rule]


class Events:
    """gamehall.events.v1.EventService."""

    service = pb.DESCRIPTOR.services_by_name["EventService"]

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    async def SendEvent(self, request: pb.SendEventRequest, call: Call) -> pb.SendEventResponse:
        event = request.event
        row = await tables.trigger_named(call.db, event.event_name)
        if row is None:
            raise Invalid("there is no such trigger", field="event.event_name")
        if row.system_trigger:
            raise Invalid("the product fires it, and nobody else", field="event.event_name")
        told = _checked(triggers_pb2.Trigger.FromString(row.parameters or b""), MessageToDict(event.params))
        call.events.append(custom(row.event_name, told))
        return pb.SendEventResponse(event_id=call.arrival.request_id)

    async def ListEventLogs(self, request: pb.ListEventLogsRequest, call: Call) -> pb.ListEventLogsResponse:
        chosen, parameters = choose(_filters, request)
        rows, info = await tables.listing.page(call, (*chosen, tables.is_event), parameters, page_of(request), request.order)
        return pb.ListEventLogsResponse(content=[shown(row) for row in rows], page_info=info)

    async def GetEventLog(self, request: pb.GetEventLogRequest, call: Call) -> pb.GetEventLogResponse:
        row = await call.db.one(tables.one, id=number_of(request.id))
        if row is None:
            raise NotFound("No event with this id.", field="id")
        return pb.GetEventLogResponse(log=shown(row))

    async def WatchEvents(self, request: pb.WatchEventsRequest, call: Call) -> AsyncGenerator[pb.WatchEventsResponse, None]:
        names = {name.strip() for name in request.event_names.split(",") if name.strip()}
        async for place, row in self._watching.follow(request.after):
            if row is None:
                yield pb.WatchEventsResponse(token=str(place))
            elif not names or row[2] in names:
                yield pb.WatchEventsResponse(token=str(place), log=shown(row))


def _checked(trigger: triggers_pb2.Trigger, params: dict[str, Any]) -> dict[str, Any]:
    """What an event tells, as its trigger says. Raises Invalid, naming every parameter that is wrong."""
    known = {each.name: each for each in trigger.parameters}
    wrong = [Violation(f"event.params.{name}", "the trigger has no such parameter") for name in params if name not in known]
    told = {}
    for name, each in known.items():
        value = params.get(name)
        if value is None:
            if not each.optional:
                wrong.append(Violation(f"event.params.{name}", "required"))
            continue
        try:
            told[name] = value_of(each.type, value)
        except ValueError as wanted:
            wrong.append(Violation(f"event.params.{name}", f"must be {wanted}"))
    if wrong:
        raise Invalid(violations=tuple(wrong))
    return told
