"""Countries and states of ISO 3166, from pycountry's data, and where a caller is."""

import asyncio
import zlib
from functools import cache
from typing import Any

import pycountry
from gamehall.locations.v1 import locations_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import NotFound
from gamehall_server.modules import currencies
from gamehall_server.modules.configs import ConfigValues
from gamehall_server.modules.locations.geolocation import DEFAULT_COUNTRY, country_at, currency_of


@cache
def countries() -> bytes:
    """Every country, by name. Serialized, because each caller gets a message of its own."""
    answer = pb.ListCountriesResponse()
    for country in sorted(pycountry.countries, key=_name):
        answer.countries.add(name=_name(country), iso2=country.alpha_2, iso3=country.alpha_3)
    return answer.SerializeToString()


@cache
def states(iso2: str, iso3: str) -> bytes:
    """Every state of a country, by name."""
    answer = pb.ListStatesResponse()
    for state in sorted(_states_of(iso2), key=lambda state: (state.name, state.code)):
        code = state.code.partition("-")[2]
        answer.states.add(id=number_of(state.code), code=code, country_code_iso3=iso3, name=state.name)
    return answer.SerializeToString()


def number_of(code: str) -> int:
    """A positive 31-bit number that an ISO 3166-2 code keeps, whatever other codes come and go."""
    return zlib.crc32(code.encode()) & 0x7FFFFFFF


def _states_of(iso2: str) -> list[Any]:
    found = pycountry.subdivisions.get(country_code=iso2)  # type: ignore[no-untyped-call]  # The library has no types here.
    # None for a country without states.
    return list(found or ())


def _name(country: Any) -> str:
    return str(getattr(country, "common_name", country.name))


class Locations:
    """gamehall.locations.v1.LocationService."""

    service = pb.DESCRIPTOR.services_by_name["LocationService"]

    def __init__(self, configs: ConfigValues) -> None:
        self._configs = configs

    async def ListCountries(self, request: pb.ListCountriesRequest, call: Call) -> pb.ListCountriesResponse:
        return pb.ListCountriesResponse.FromString(countries())

    async def ListStates(self, request: pb.ListStatesRequest, call: Call) -> pb.ListStatesResponse:
        country = pycountry.countries.get(alpha_3=request.country_code_iso3.upper())
        if country is None:
            raise NotFound("No country with these three letters.", field="country_code_iso3")
        return pb.ListStatesResponse.FromString(states(country.alpha_2, country.alpha_3))

    async def GetGeolocationCountry(self, request: pb.GetGeolocationCountryRequest, call: Call) -> pb.GetGeolocationCountryResponse:
        country = self._country(call)
        if not country:
            raise NotFound("The address belongs to no country.")
        return pb.GetGeolocationCountryResponse(country_code_iso3=country)

    async def GetGeolocationCurrency(self, request: pb.GetGeolocationCurrencyRequest, call: Call) -> pb.GetGeolocationCurrencyResponse:
        country = self._country(call)
        # In a thread: the first look-up reads files.
        code = await asyncio.to_thread(currency_of, country) if country else ""
        answer = pb.GetGeolocationCurrencyResponse()
        await currencies.show(call.db, code, answer.currency)
        return answer

    def _country(self, call: Call) -> str:
        return country_at(call.arrival.address) or self._configs.value(DEFAULT_COUNTRY)
