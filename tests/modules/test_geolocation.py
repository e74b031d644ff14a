"""Where a caller is and what people pay with there, through both doors, with and without a proxy in front."""

import asyncio
import http.client

import pycountry
import pytest
from gamehall.currencies.v1.currencies_pb2 import CURRENCY_TYPE_REAL, CurrencyType
from gamehall.locations.v1.locations_pb2 import GetGeolocationCountryRequest, GetGeolocationCurrencyRequest
from gamehall_server.kit.audit import audit
from gamehall_server.kit.storage import Query
from gamehall_server.main import build
from gamehall_server.modules.currencies.tables import table
from gamehall_server.modules.locations.geolocation import currency_of
from people import PASSWORD, fresh
from sqlalchemy import select, update
from worlds import World, settings_for, sqlite_url

from tests.contract.doors import published_refusal
from tests.databases import shared_postgres

COUNTRY, CURRENCY = "/location/geolocation/country", "/location/geolocation/currency"
# Addresses of public resolvers and of an access provider, in their registries' lists for decades.
AMERICA, BRITAIN, FRANCE = "8.8.8.8", "81.2.69.142", "2a01:e0a::1"
DEFAULT = "location.default_country"


@pytest.fixture(scope="module", params=["sqlite-native", "postgresql-grpcio"])
def behind(request, tmp_path_factory, recorder):
    """A deployment that trusts this machine and one network as its proxies."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("behind"))
    world = World(settings_for(url, engine, trusted_proxies="127.0.0.1, ::1,10.1.0.0/16"), recorder.observe)
    yield world
    world.close()


def from_there(world, header, path=COUNTRY):
    return world.nobody().get(path, headers={"X-Forwarded-For": header})


def over_grpc(world, header):
    asked = GetGeolocationCountryRequest()
    return world.nobody().grpc.locations.GetGeolocationCountry(asked, metadata=[("x-forwarded-for", header)]).country_code_iso3


def test_a_country_is_three_bare_letters(nobody):
    answer = nobody.get(COUNTRY)

    assert (answer.status_code, answer.text) == (200, "USA")
    assert answer.headers["content-type"] == "text/plain;charset=UTF-8"
    assert nobody.grpc.locations.GetGeolocationCountry(GetGeolocationCountryRequest()).country_code_iso3 == "USA"


@pytest.mark.parametrize(
    "header, country",
    [
        (BRITAIN, "GBR"),
        (FRANCE, "FRA"),
        (f"{AMERICA}, {BRITAIN}", "GBR"),
        (f"{FRANCE}, {BRITAIN}, 10.1.2.3, 127.0.0.1", "GBR"),
        (f"{BRITAIN}:4711 ,10.1.0.1", "GBR"),
        (f"[{FRANCE}]:4711", "FRA"),
        (f"::ffff:{BRITAIN}", "GBR"),
        # What a caller writes in front of it counts for nothing.
        (f"unknown, '; --, {BRITAIN}", "GBR"),
        # From the end, nobody tells of a caller.
        (f"{BRITAIN}, unknown", "USA"),
        (f"{BRITAIN}, 10.2.0.1", "USA"),
        (f"{BRITAIN},", "USA"),
        ("", "USA"),
        (",,,", "USA"),
        ("10.1.0.1, 127.0.0.1", "USA"),
        ("999.1.1.1", "USA"),
        ("\u00e9" * 100, "USA"),
    ],
)
def test_behind_a_proxy_the_last_address_that_is_not_trusted_is_the_callers(behind, header, country):
    assert from_there(behind, header.encode("latin-1")).text == country
    if header.isascii():
        assert over_grpc(behind, header) == country


def test_several_headers_are_one(behind):
    metadata = [("x-forwarded-for", AMERICA), ("x-forwarded-for", BRITAIN)]
    asked = GetGeolocationCountryRequest()

    lines = http.client.HTTPConnection("127.0.0.1", behind.server.http_port)
    lines.putrequest("GET", COUNTRY)
    for name, value in metadata:
        lines.putheader(name, value)
    lines.endheaders()

    assert behind.nobody().grpc.locations.GetGeolocationCountry(asked, metadata=metadata).country_code_iso3 == "GBR"
    assert lines.getresponse().read() == b"GBR"
    lines.close()


def test_without_a_trusted_proxy_nobody_is_believed(world):
    assert from_there(world, BRITAIN).text == "USA"
    assert over_grpc(world, BRITAIN) == "USA"


def test_the_audit_log_has_the_callers_address(behind):
    last = Query(select(audit.table.c.address).order_by(audit.table.c.id.desc()).limit(1))

    async def read():
        return await behind.server.product.database.reader().value(last)

    told = []
    for headers in ({"X-Forwarded-For": f"{AMERICA}, {BRITAIN}"}, {}):
        username = fresh("there")
        body = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
        assert behind.nobody().post("/users", body, headers=headers).ok
        told.append(behind.inside(read))

    assert told == [BRITAIN, "127.0.0.1"]


def test_a_currency_is_that_of_the_callers_country(behind, nobody):
    euro = from_there(behind, FRANCE, CURRENCY).json()

    assert list(euro) == ["code", "name", "type", "factor", "active", "default_currency", "created_date", "updated_date"]
    assert (euro["code"], euro["name"], euro["type"], euro["factor"]) == ("EUR", "Euro", "real", 1)
    assert (euro["active"], euro["default_currency"]) == (False, False)
    assert from_there(behind, BRITAIN, CURRENCY).json()["code"] == "GBP"
    here = nobody.get(CURRENCY).json()
    assert (here["code"], here["active"], here["default_currency"]) == ("USD", True, True)
    told = nobody.grpc.locations.GetGeolocationCurrency(GetGeolocationCurrencyRequest()).currency
    assert (told.code, told.type, told.factor, told.created_date) == ("USD", CURRENCY_TYPE_REAL, "1", here["created_date"])


def test_an_address_of_no_country_gets_the_default_or_nothing(behind):
    admin = behind.admin()
    told = []
    for country in ("FRA", "ATA", ""):
        assert admin.put(f"/configs/{DEFAULT}", {"name": DEFAULT, "value": country}).status_code == 204
        told.append((from_there(behind, "192.168.1.1"), from_there(behind, "192.168.1.1", CURRENCY).json()["code"]))
    admin.delete(f"/configs/{DEFAULT}")

    # Nobody pays in Antarctica.
    assert [code for _, code in told] == ["EUR", "USD", "USD"]
    assert [answer.text for answer, _ in told[:2]] == ["FRA", "ATA"]
    assert published_refusal(told[2][0]) == ("NOT_FOUND", "NOT_FOUND")


def test_the_default_currency_is_the_rows_to_say(behind):
    def becomes(code):
        change = Query(update(table).values(default_currency=table.c.code == code))
        database = behind.server.product.database
        behind.inside(lambda: database.write(lambda db: db.run(change)))

    becomes("XAU")
    golden = from_there(behind, "192.168.1.1", CURRENCY), from_there(behind, FRANCE, CURRENCY)
    becomes("NONE")
    none = from_there(behind, FRANCE, CURRENCY)
    behind.admin().put(f"/configs/{DEFAULT}", {"name": DEFAULT, "value": "ATA"})
    nothing = from_there(behind, "192.168.1.1", CURRENCY)
    becomes("USD")
    behind.admin().delete(f"/configs/{DEFAULT}")

    # The United States' own first; the default is for countries without.
    assert [answer.json()["code"] for answer in golden] == ["USD", "EUR"]
    assert none.json()["code"] == "EUR"
    assert published_refusal(nothing) == ("NOT_FOUND", "NOT_FOUND")


def test_the_table_begins_with_iso_4217(behind):
    rows = Query(select(table.c.code, table.c.name, table.c.type, table.c.active, table.c.default_currency))

    async def read():
        return await behind.server.product.database.reader().all(rows)

    found = {row[0]: row for row in behind.inside(read)}

    assert found.keys() == {each.alpha_3 for each in pycountry.currencies} - {"XTS", "XXX"}
    assert found["JPY"][1:3] == ("Yen", CurrencyType.Value("CURRENCY_TYPE_REAL"))
    assert [code for code, row in found.items() if row[3]] == [code for code, row in found.items() if row[4]] == ["USD"]


def test_nearly_every_country_has_a_currency_of_the_table():
    codes = {each.alpha_3 for each in pycountry.currencies}
    told = {each.alpha_3: currency_of(each.alpha_3) for each in pycountry.countries}

    assert (told["BTN"], told["LSO"], told["PAN"], told["HTI"], told["PSE"]) == ("BTN", "LSL", "PAB", "HTG", "ILS")
    assert len([country for country, code in told.items() if code not in codes]) < 5


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.0/33", "10.0.0.1/8", "*"])
def test_what_is_no_network_is_told_before_anything_is_opened(tmp_path, text):
    with pytest.raises(ValueError, match="GAMEHALL_TRUSTED_PROXIES"):
        asyncio.run(build(settings_for(sqlite_url(tmp_path / "none"), "native", trusted_proxies=text)))
    assert list(tmp_path.iterdir()) == []
