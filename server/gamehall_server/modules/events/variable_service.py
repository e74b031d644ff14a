"""Variable types, and the values of those that have a list of them."""

from functools import lru_cache
from typing import Any

from gamehall.events.v1 import variables_pb2 as pb
from sqlalchemy import select
from sqlmodel import SQLModel

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import NotFound
from gamehall_server.kit.filters import Filter
from gamehall_server.kit.listing import Listing
from gamehall_server.kit.page import page_of
from gamehall_server.kit.storage import like, renamed_table, starting
from gamehall_server.modules.events.variables import VARIABLES, Values

NAME, ID, SHOWN = "name", "id", "shown"


class Variables:
    """gamehall.events.v1.VariableService."""

    service = pb.DESCRIPTOR.services_by_name["VariableService"]

    async def ListVariableTypes(self, request: pb.ListVariableTypesRequest, call: Call) -> pb.ListVariableTypesResponse:
        told = (VARIABLES[name] for name in sorted(VARIABLES))
        return pb.ListVariableTypesResponse(
            types=[pb.VariableType(name=each.name, base=each.base, enumerable=each.values is not None) for each in told]
        )

    async def ListVariableValues(self, request: pb.ListVariableValuesRequest, call: Call) -> pb.ListVariableValuesResponse:
        variable = VARIABLES.get(request.name)
        if variable is None or variable.values is None:
            raise NotFound("No variable type with this name has a list of its values.", field="name")
        listing, shown, named = _list_of(variable.values)
        chosen = (*shown, (named, None)) if request.filter_name else shown
        parameters = {"filter_name": starting(request.filter_name)} if request.filter_name else {}
        rows, info = await listing.page(call, chosen, parameters, page_of(request), request.order)
        answer = pb.ListVariableValuesResponse(page_info=info)
        for id, name, *_ in rows:
            value = answer.content.add(name=name)
            if isinstance(id, str):
                value.id.string_value = id
            else:
                value.id.number_value = id
        return answer


@lru_cache
def _list_of(values: Values) -> tuple[Listing, tuple[Any, ...], Filter]:
    """A type's list, the filter that leaves what everybody may see, and the one by the beginning of names."""
    columns = {ID: values.key, NAME: values.name, **({SHOWN: values.shown} if values.shown else {})}
    table = renamed_table(SQLModel.metadata.tables[values.table], **columns)
    listing = Listing(table, lambda: select(table), frozenset({ID, NAME}), f"{NAME}:ASC")
    named = Filter("filter_name", lambda value: (None, {}), lambda shape: like(table.c.name, "filter_name"))
    shown = Filter("shown__", lambda value: (None, {}), lambda shape: table.c.shown, pins=SHOWN)
    return listing, ((shown, None),) if values.shown else (), named
