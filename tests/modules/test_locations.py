"""Countries and states, through both doors."""

import pycountry
import pytest
from gamehall.locations.v1.locations_pb2 import ListCountriesRequest, ListStatesRequest
from gamehall_server.modules.locations.servicer import number_of
from google.protobuf.json_format import MessageToDict

from tests.contract.doors import published_refusal, reason_of


def test_countries_are_answered_as_the_guide_prints_them(nobody):
    answer = nobody.get("/location/countries")

    countries = answer.json()
    assert answer.status_code == 200
    assert answer.text.startswith('[{"name":"Afghanistan","iso2":"AF","iso3":"AFG"},')
    assert {"name": "Albania", "iso2": "AL", "iso3": "ALB"} in countries
    assert [country["name"] for country in countries[:2]] == ["Afghanistan", "Albania"]


def test_every_country_is_there_once_with_its_three_facts(nobody):
    countries = nobody.get("/location/countries").json()

    assert all(list(country) == ["name", "iso2", "iso3"] for country in countries)
    assert all(country["name"] and len(country["iso2"]) == 2 and len(country["iso3"]) == 3 for country in countries)
    assert {country["iso3"] for country in countries} == {country.alpha_3 for country in pycountry.countries}
    assert len({country["iso2"] for country in countries}) == len(countries)


def test_countries_stand_by_name(nobody):
    names = [country["name"] for country in nobody.get("/location/countries").json()]

    assert names == sorted(names)


def test_states_have_their_facts_and_stand_by_name(nobody):
    states = nobody.get("/location/countries/USA/states").json()

    assert {"id": number_of("US-CA"), "code": "CA", "country_code_iso3": "USA", "name": "California"} in states
    assert all(list(state) == ["id", "code", "country_code_iso3", "name"] for state in states)
    assert [state["name"] for state in states] == sorted(state["name"] for state in states)
    assert {state["code"] for state in states} >= {"NY", "TX", "DC"}


def test_letter_case_of_a_country_does_not_count(nobody):
    assert nobody.get("/location/countries/usa/states").json() == nobody.get("/location/countries/USA/states").json()
    assert len({nobody.get(f"/location/countries/{code}/states").text for code in ("FRA", "fra", "Fra")}) == 1


def test_a_country_without_states_has_none(nobody):
    assert nobody.get("/location/countries/ATA/states").json() == []


@pytest.mark.parametrize("code", ["XXX", "US", "QQQ", "us", "004", "%20%20x"])
def test_an_unknown_country_is_not_there(nobody, code):
    answer = nobody.get(f"/location/countries/{code}/states")

    assert published_refusal(answer) == ("NOT_FOUND", "NOT_FOUND")
    assert [result["field"] for result in answer.json()["result"]] == ["country_code_iso3"]


@pytest.mark.parametrize("code", ["USAA", "United States", "%00%00%00", "%20"])
def test_what_is_no_code_is_refused(nobody, code):
    answer = nobody.get(f"/location/countries/{code}/states")

    assert answer.status_code == 400
    assert [result["field"] for result in answer.json()["result"]] == ["country_code_iso3"]


def test_no_two_states_of_the_world_share_a_number():
    numbers = {number_of(state.code) for state in pycountry.subdivisions}

    assert len(numbers) == len(pycountry.subdivisions) > 5000
    assert min(numbers) > 0
    assert max(numbers) < 2**31


def test_every_country_has_an_answer(nobody):
    """Whatever oddity the data has, no country breaks the call."""
    for country in pycountry.countries:
        states = nobody.grpc.locations.ListStates(ListStatesRequest(country_code_iso3=country.alpha_3)).states
        assert len(states) == len(pycountry.subdivisions.get(country_code=country.alpha_2) or ())


def test_grpc_tells_the_same(nobody, refused):
    countries = nobody.grpc.locations.ListCountries(ListCountriesRequest()).countries
    states = nobody.grpc.locations.ListStates(ListStatesRequest(country_code_iso3="deu")).states

    assert [shown(country) for country in countries] == nobody.get("/location/countries").json()
    assert [shown(state) for state in states] == nobody.get("/location/countries/DEU/states").json()
    with refused("NOT_FOUND") as refusals:
        nobody.grpc.locations.ListStates(ListStatesRequest(country_code_iso3="XXX"))
    assert reason_of(refusals[0]) == "NOT_FOUND"


def shown(message):
    return MessageToDict(message, preserving_proto_field_name=True)
