"""Where an address is, and what people pay with there."""

from functools import cache

import iptocc
import pycountry

from gamehall_server.kit.proxies import parsed
from gamehall_server.modules.configs import BuiltIn, Kind


def _country(text: str) -> str:
    # The look-up takes small letters as well.
    if text and (text != text.upper() or pycountry.countries.get(alpha_3=text) is None):
        raise ValueError
    return text


DEFAULT_COUNTRY = BuiltIn(
    "location.default_country",
    "The country of callers whose address belongs to none, such as those of a private network.",
    Kind("the three capital letters of a country, or nothing", _country),
    "USA",
)


def country_at(address: str) -> str | None:
    """The three letters of the country that an address was given to by its registry; None for a private or unknown one."""
    found = parsed(address)
    iso2 = None if found is None else iptocc.country_code(str(found))
    country = iso2 and pycountry.countries.get(alpha_2=iso2)
    return str(country.alpha_3) if country else None


@cache
def currency_of(iso3: str) -> str:
    """The code of what people pay with in a country, as CLDR has it; empty where there is nothing. The first call reads files."""
    # It takes a thirtieth of a second and six megabytes, and only this call needs it.
    from babel.numbers import get_territory_currencies

    country = pycountry.countries.get(alpha_3=iso3)
    assert country is not None
    codes: list[str] = get_territory_currencies(country.alpha_2)
    # Where a neighbour's money is good as well, the own comes first: ISO 4217 codes begin with their country's letters.
    return next((code for code in codes if code.startswith(country.alpha_2)), codes[0] if codes else "")
