"""Countries and states, and where a caller is."""

from gamehall_server.modules.locations.geolocation import DEFAULT_COUNTRY, country_at
from gamehall_server.modules.locations.places import is_country, state_codes_of

BUILT_INS = (DEFAULT_COUNTRY,)

__all__ = ["BUILT_INS", "country_at", "is_country", "state_codes_of"]
