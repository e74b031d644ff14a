"""Filters of lists: what each way to match finds, what it refuses, and that both databases agree with a plain Python model."""

import asyncio
from typing import Any

import pytest
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.filters import Written
from gamehall_server.kit.listing import shape_of
from gamehall_server.kit.rpc import Drift
from gamehall_server.kit.verbs import List
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import true

from tests.databases import create_tables, fresh_database
from tests.kit.things import FLAG, LONG, RPC, TABLES, TEXT, Shelf, Thing, contract, seconds, shelf

LONG_AGO = 1_500_000_000
ROWS: list[Thing] = [
    (1, "Anna", "one", 5, True, LONG_AGO * SECOND),
    (2, "anTon", None, None, False, LONG_AGO * SECOND + 999_999),
    (3, "100%_sure", "two", -7, True, (LONG_AGO + 1) * SECOND),
    (4, "100 percent", "Two", 0, False, (LONG_AGO - 1) * SECOND + 999_999),
    (5, "Änne \\ \\%", "a,b", 2**63 - 1, False, 0),
    (6, "änne", "", -(2**63), False, -1),
]
LABELS = [(1, "red"), (1, "green"), (2, "green"), (3, "blue"), (4, "RED")]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database."""
    address = fresh_database(request.param, tmp_path_factory.mktemp("filters"))
    asyncio.run(create_tables(address, TABLES))
    return address


@pytest.mark.parametrize(
    "asked, found",
    [
        ({"name": "Anna"}, [1]),
        ({"name": "anna"}, []),
        ({"name": ""}, [1, 2, 3, 4, 5, 6]),
        ({"filter_pinned": True}, [1, 3]),
        ({"filter_pinned": False}, [2, 4, 5, 6]),
        ({"filter_stars": 0}, [4]),
        ({"filter_stars_text": "-7"}, [3]),
        ({"filter_stars_text": "+05"}, [1]),
        ({"filter_second": LONG_AGO}, [1, 2]),
        ({"filter_starts": "AN"}, [1, 2]),
        ({"filter_starts": "100%"}, [3]),
        ({"filter_starts": "100_"}, []),
        ({"filter_starts": "äN"}, [6]),
        ({"filter_starts": "Ä"}, [5]),
        ({"filter_holds": "NN"}, [1, 5, 6]),
        ({"filter_holds": "%"}, [3, 5]),
        ({"filter_holds": "_"}, [3]),
        ({"filter_holds": "\\"}, [5]),
        ({"filter_holds": "\\%"}, [5]),
        ({"filter_holds": "'; DROP TABLE thing; --"}, []),
        ({"filter_names": "Anna"}, [1]),
        ({"filter_names": "Anna, anTon ,,nobody,Anna"}, [1, 2]),
        ({"filter_idset": "6,1,99"}, [1, 6]),
        ({"filter_others": "one,two"}, [2, 4, 5, 6]),
        ({"filter_made": f"EQ,{LONG_AGO}"}, [1, 2]),
        ({"filter_made": f"LT,{LONG_AGO}"}, [4, 5, 6]),
        ({"filter_made": f"LOE,{LONG_AGO}"}, [1, 2, 4, 5, 6]),
        ({"filter_made": f"LTE:{LONG_AGO}"}, [1, 2, 4, 5, 6]),
        ({"filter_made": f"GT,{LONG_AGO}"}, [3]),
        ({"filter_made": f"gte , {LONG_AGO}"}, [1, 2, 3]),
        ({"filter_made": f"GOE:{LONG_AGO}"}, [1, 2, 3]),
        ({"filter_made": f"GT,0,LT,{LONG_AGO}"}, [4]),
        ({"filter_made": "EQ,-1"}, [6]),
        ({"filter_made": f"LT,{2**62}"}, [1, 2, 3, 4, 5, 6]),
        ({"filter_range": "GT,-7,LT,5"}, [4]),
        ({"filter_range": "GOE,-7,LOE,5,LT,5"}, [3, 4]),
        ({"filter_range": f"EQ,{2**63 - 1}"}, [5]),
        ({"filter_range": f"EQ,{-(2**63)}"}, [6]),
        ({"filter_range": f"GOE,{-(2**63)}"}, [1, 3, 4, 5, 6]),
        ({"filter_min_date": LONG_AGO}, [1, 2, 3]),
        ({"filter_max_date": LONG_AGO}, [1, 2, 4, 5, 6]),
        ({"filter_max_date": -1}, [6]),
        ({"filter_max_date": 0}, [5, 6]),
        ({"filter_min_date": LONG_AGO, "filter_max_date": LONG_AGO}, [1, 2]),
        ({"filter_has_stars": True}, [1, 3, 4, 5, 6]),
        ({"filter_has_stars": False}, [2]),
        ({"filter_tagset": "red,green"}, [1, 2]),
        ({"filter_tagset": "green", "filter_has_stars": True, "filter_starts": "a", "filter_range": "GT,4", "name": "Anna"}, [1]),
    ],
)
def test_a_filter_finds(url, asked, found):
    async def story() -> None:
        async with shelf(url) as here:
            await here.put(*ROWS, tags=LABELS)
            answer = await here.ask(**asked)
            assert [thing.id for thing in answer.content] == found
            assert answer.page_info.total_elements == len(found)
            assert (
                await here.ids(**asked, size=1, page=len(found) or 1, order="name:DESC,stars:ASC,id:ASC")
                == [row[0] for row in sorted(ROWS, key=lambda row: row[1].encode()) if row[0] in found][:1]
            )

    asyncio.run(story())


@pytest.mark.parametrize(
    "asked",
    [
        *(
            {"filter_made": wrong}
            for wrong in (
                "GT",
                "GT,",
                ",1",
                "NE,1",
                "GT,1,LT",
                "GT;1",
                "1",
                "GT,1.5",
                "GT,soon",
                "GT,1,",
                "GT,0x1",
                "GT,\u0661",
                ",",
                "GT,1 000",
            )
        ),
        *({"filter_made": empty} for empty in ("GT,5,LT,5", "EQ,1,EQ,2", "GOE,2,LOE,1", f"GT,{2**62}", f"LT,{-(2**62)}")),
        {"filter_range": f"GT,{2**63 - 1}"},
        {"filter_range": f"LT,{-(2**63)}"},
        {"filter_range": f"EQ,{2**63}"},
        {"filter_range": "EQ," + "9" * 5_000},
        {"filter_stars_text": "many"},
        {"filter_stars_text": "1_000"},
        {"filter_idset": "1,two"},
        {"filter_idset": f"1,{2**63}"},
        {"filter_idset": ","},
        {"filter_names": " , "},
        {"filter_tagset": ","},
        {"filter_second": 2**62},
        {"filter_min_date": 2**62},
        {"order": "made:UP"},
        {"order": "nobody"},
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(url, asked):
    async def story() -> None:
        async with shelf(url) as here:
            with pytest.raises(Invalid) as refusal:
                await here.ask(**asked)
            assert [violation.field for violation in refusal.value.violations] == list(asked)
            assert len(refusal.value.message) < 200

    asyncio.run(story())


TEXTS = st.text("aAbé%_\\ ,'", max_size=3)
NUMBERS = st.integers(-2, 2)
OPERATORS = {
    "GT": lambda value, than: value > than,
    "LT": lambda value, than: value < than,
    "EQ": lambda value, than: value == than,
    "GOE": lambda value, than: value >= than,
    "GTE": lambda value, than: value >= than,
    "LOE": lambda value, than: value <= than,
    "LTE": lambda value, than: value <= than,
}
PAIRS = st.lists(st.tuples(st.sampled_from(list(OPERATORS)), NUMBERS), min_size=1, max_size=3)


def plain(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def within(value: int | None, pairs: list[tuple[str, int]]) -> bool:
    return value is not None and all(OPERATORS[word](value, than) for word, than in pairs)


@settings(max_examples=100, deadline=None, database=None)
@given(
    st.lists(st.tuples(TEXTS, st.none() | TEXTS, st.none() | NUMBERS, st.booleans(), st.integers(-3 * SECOND, 3 * SECOND)), max_size=8),
    TEXTS,
    TEXTS,
    PAIRS,
    PAIRS,
)
def test_both_databases_agree_with_the_model(url, parts, starts, holds, stars, made):
    rows: list[Thing] = [(number, *row) for number, row in enumerate(parts, 1)]

    def spelt(pairs: list[tuple[str, int]]) -> str:
        return ",".join(f"{word},{than}" for word, than in pairs)

    questions: list[tuple[dict[str, Any], Any]] = [
        ({"filter_starts": starts}, lambda row: plain(row[1]).startswith(plain(starts))),
        ({"filter_holds": holds}, lambda row: plain(holds) in plain(row[1])),
        ({"filter_range": spelt(stars)}, lambda row: within(row[3], stars)),
        ({"filter_made": spelt(made)}, lambda row: within(seconds(row), made)),
    ]

    async def story() -> None:
        async with shelf(url) as here:
            await here.put(*rows)
            for asked, matches in questions:
                wanted = [row[0] for row in rows if matches(row)]
                try:
                    found = await here.ids(**asked)
                except Invalid:
                    # The only refusal left is that of a range with nothing in it.
                    found = []
                assert found == wanted, asked

    asyncio.run(story())


def test_statements_are_as_many_as_shapes_whatever_is_asked_for(url):
    async def story() -> None:
        async with shelf(url) as here:
            before = shape_of.cache_info().misses
            for number in range(300):
                spelling = " " * number + "name:" + ("ASC", "asc")[number % 2]
                await here.ask(filter_range=f"GT,{number}", filter_holds=str(number), name=str(number), page=number + 1, order=spelling)
            assert shape_of.cache_info().misses == before + 1

    asyncio.run(story())


@pytest.mark.parametrize(
    "name, filter, words",
    [
        ("colour", (TEXT, False, "", "UNSPECIFIED"), "has no column in thing"),
        ("filter_name", (TEXT, False, "title", "PREFIX"), "has no column in thing"),
        ("stars", (TEXT, False, "", "PREFIX"), "cannot filter thing.stars by PREFIX: the types do not fit"),
        ("stars", (LONG, False, "", "CONTAINS"), "cannot filter thing.stars by CONTAINS: the types do not fit"),
        ("name", (LONG, False, "", "UNSPECIFIED"), "cannot filter thing.name by EQUAL: the types do not fit"),
        ("name", (TEXT, False, "", "COMPARE"), "cannot filter thing.name by COMPARE: the types do not fit"),
        ("made", (LONG, False, "", "COMPARE"), "cannot filter thing.made by COMPARE: the types do not fit"),
        ("made", (TEXT, False, "", "AT_LEAST"), "cannot filter thing.made by AT_LEAST: the types do not fit"),
        ("made", (TEXT, False, "", "ANY_OF"), "cannot filter thing.made by ANY_OF: the types do not fit"),
        ("pinned", (FLAG, False, "", "UNSPECIFIED"), "cannot filter thing.pinned by EQUAL: the types do not fit"),
        ("pinned", (TEXT, False, "", "NONE_OF"), "cannot filter thing.pinned by NONE_OF: the types do not fit"),
        ("stars", (FLAG, False, "", "PRESENT"), "cannot filter thing.stars by PRESENT: the types do not fit"),
    ],
)
def test_a_filter_that_does_not_fit_stops_the_server(name, filter, words):
    rpc = contract({name: filter})

    with pytest.raises(Drift) as drift:
        List(Shelf(None).resource).bound_to(rpc)  # type: ignore[arg-type]

    assert str(drift.value) == f"{rpc.input_type.full_name}.{name} {words}"


def test_a_written_filter_of_a_field_that_is_not_there():
    with pytest.raises(Drift, match="has no filter_taste to filter by"):
        List(Shelf(None).resource, {"filter_taste": Written(true())}).bound_to(RPC)  # type: ignore[arg-type]
