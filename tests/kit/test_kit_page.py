"""Pages and orders: the arithmetic, and what may be asked for."""

import pytest
from gamehall.comments.v1.comments_pb2 import ListCommentsRequest
from gamehall.common.v1.page_pb2 import PageInfo
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.page import DEFAULT_SIZE, LAST_ROW, Page, bounded, describe, ordering, page_of
from gamehall_server.modules.comments.servicer import comments
from hypothesis import example, given, settings
from hypothesis import strategies as st

quick = settings(max_examples=100, deadline=None, database=None)
DIRECTIONS = st.sampled_from(["", ":ASC", ":DESC", ":asc", ":Desc"])


def ordered(text: str) -> tuple[tuple[str, bool], ...]:
    return ordering(text, comments.table, comments.sortable, comments.order)


def told(number: int, size: int, total: int) -> PageInfo:
    page, info = Page(number, size), PageInfo()
    describe(page, total, max(0, min(size, total - page.offset)), info)
    return info


def test_the_first_page_has_25_unless_told() -> None:
    assert page_of(ListCommentsRequest()) == (1, DEFAULT_SIZE) == (1, 25)
    assert page_of(ListCommentsRequest(page=3, size=7)) == (3, 7)
    assert Page(3, 7).offset == 14


def test_no_list_is_longer_than_any_database() -> None:
    with pytest.raises(Invalid) as refusal:
        page_of(type("Asked", (), {"page": LAST_ROW, "size": 1000})())

    assert [violation.field for violation in refusal.value.violations] == ["page"]
    assert page_of(ListCommentsRequest(page=2**31 - 1, size=1000)).offset < 2**63


@quick
@given(st.integers(0, 5000), st.integers(1, 1000))
@example(0, 25)
@example(25, 25)
@example(26, 25)
def test_pages_hold_every_row_once(total: int, size: int) -> None:
    pages = told(1, size, total).total_pages

    infos = [told(number, size, total) for number in range(1, pages + 1)]

    assert sum(info.number_of_elements for info in infos) == total
    assert [info.number for info in infos] == list(range(pages))
    assert [info.first for info in infos] == [number == 0 for number in range(pages)]
    assert [info.last for info in infos] == [number == pages - 1 for number in range(pages)]
    assert all(info.number_of_elements == size for info in infos[:-1])


@quick
@given(st.integers(0, 10**12), st.integers(1, 1000), st.integers(1, 2**31 - 1))
def test_a_page_tells_of_the_whole(total: int, size: int, number: int) -> None:
    info = told(number, size, total)

    assert (info.size, info.number, info.total_elements) == (size, number - 1, total)
    assert info.total_pages == min(-(-total // size), 2**31 - 1)
    assert info.last is (number * size >= total)
    assert not info.sort


def test_an_empty_list_is_one_empty_page() -> None:
    info = told(1, 25, 0)

    assert (info.first, info.last, info.total_pages, info.number_of_elements) == (True, True, 0, 0)


def test_a_list_has_an_order_of_its_own() -> None:
    assert ordered("") == (("created_date", True), ("id", True))


@pytest.mark.parametrize(
    "text, pairs",
    [
        ("id", (("id", True),)),
        ("id:DESC", (("id", False),)),
        ("content:DESC", (("content", False), ("id", False))),
        ("content:desc,created_date", (("content", False), ("created_date", True), ("id", True))),
        (" content : ASC", None),
        ("content:ASC, context:DESC", (("content", True), ("context", False), ("id", False))),
        ("id:ASC,content:DESC", (("id", True), ("content", False))),
        ("content:ASC,content:DESC", (("content", True), ("id", True))),
    ],
)
def test_an_order_says_names_and_directions(text: str, pairs: object) -> None:
    if pairs is None:
        with pytest.raises(Invalid):
            ordered(text)
    else:
        assert ordered(text) == pairs


@quick
@given(st.lists(st.tuples(st.sampled_from(sorted(comments.sortable)), DIRECTIONS), min_size=1, max_size=8))
def test_every_order_is_a_total_one(asked: list[tuple[str, str]]) -> None:
    """It names each column once and the number last at the latest, so that no two pages share a row."""
    pairs = ordered(",".join(name + direction for name, direction in asked))

    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names)
    assert set(names) == {name for name, _ in asked} | {"id"}
    assert names[: len(dict.fromkeys(name for name, _ in asked))] == list(dict.fromkeys(name for name, _ in asked))


@pytest.mark.parametrize(
    "text", ["nobody", "user_id", "password", "id:UP", "id;DROP TABLE comment", "id:ASC:DESC", ",", "id,,id", ":", "user", "1", "ID"]
)
def test_what_is_no_column_of_the_message_cannot_be_sorted_by(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        ordered(text)

    assert [violation.field for violation in refusal.value.violations] == ["order"]


def test_the_refusal_names_what_can_be_sorted_by() -> None:
    with pytest.raises(Invalid) as refusal:
        ordered("nobody")

    assert all(name in refusal.value.message for name in comments.sortable)


@pytest.mark.parametrize(
    "order, cheap",
    [("", True), ("created_date:DESC", True), ("id", False), ("content", False), ("created_date:ASC,id:DESC", False)],
)
def test_an_index_bounds_what_it_can(order: str, cheap: bool) -> None:
    assert bounded(comments.table, frozenset({"context", "context_id"}), ordered(order)) is cheap


def test_the_key_itself_bounds_a_list_of_everything() -> None:
    assert bounded(comments.table, frozenset(), ordered("id:DESC"))
    assert not bounded(comments.table, frozenset({"content"}), ordered("id"))
