"""Codes of countries and of their states, as ISO 3166 has them."""

from functools import cache
from typing import Any

import pycountry


def country_of(code: str) -> Any:
    """The country with these two or three capital letters; None for others."""
    if code != code.upper() or len(code) not in (2, 3):
        return None
    return pycountry.countries.get(alpha_2=code) if len(code) == 2 else pycountry.countries.get(alpha_3=code)


def is_country(code: str) -> bool:
    """Whether a country has these two or three capital letters."""
    return country_of(code) is not None


@cache
def state_codes_of(code: str) -> frozenset[str]:
    """The codes of a country's states, without the country; none for a country that has none."""
    country = country_of(code)
    found = pycountry.subdivisions.get(country_code=country.alpha_2)  # type: ignore[no-untyped-call]  # The library has no types here.
    return frozenset(state.code.partition("-")[2] for state in found or ())
