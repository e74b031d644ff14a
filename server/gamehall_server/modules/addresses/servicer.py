"""Saved addresses: five standard methods over one table, within a user."""

from typing import Any

from gamehall.users.v1 import addresses_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid, Violation
from gamehall_server.kit.parts import Part
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.verbs import Create, Delete, Get, List, Update
from gamehall_server.modules.addresses.tables import AddressRow, only_default
from gamehall_server.modules.locations import is_country, state_codes_of


class _Place(Part):
    """An address is somewhere, and of a user's addresses one at most is the default."""

    async def check(self, call: Call, message: Any, path: str) -> None:
        message.country_code = message.country_code.upper()
        if not is_country(message.country_code):
            raise Invalid("no country of ISO 3166 has this code", field=f"{path}.country_code")
        states = state_codes_of(message.country_code)
        if message.state_code:
            message.state_code = message.state_code.upper()
        if message.state_code not in (states or {""}):
            told = f"needed in {message.country_code}" if not message.state_code else f"no state of {message.country_code} has this code"
            raise Invalid(violations=(Violation(f"{path}.state_code", told),))

    async def keep(self, call: Call, id: Any, message: Any, found: None, *, new: bool) -> None:
        if message.default:
            only_default(call.db, id)


addresses = Resource(AddressRow, pb.Address, owner="user_id", within=("user_id",), parts=(_Place(),))


class Addresses:
    """gamehall.users.v1.AddressService."""

    service = pb.DESCRIPTOR.services_by_name["AddressService"]

    ListAddresses = List(addresses)
    CreateAddress = Create(addresses)
    GetAddress = Get(addresses)
    UpdateAddress = Update(addresses)
    DeleteAddress = Delete(addresses)
