"""Pages: page number, size, order and exact total. Only this file counts, orders and cuts."""

from typing import Any, NamedTuple

from gamehall.common.v1.page_pb2 import PageInfo
from sqlalchemy import Table

from gamehall_server.kit.errors import Invalid

DEFAULT_SIZE = 25
# An offset beyond this cannot name a row: it keeps the product within what both databases take.
LAST_ROW = 2**53


class Page(NamedTuple):
    """Which part of a list a caller asked for."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """Rows before the page."""
        return (self.number - 1) * self.size


def page_of(request: Any) -> Page:
    """The page a list request asks for: its `page` from 1 and its `size`, 25 unless told."""
    page = Page(request.page or 1, request.size or DEFAULT_SIZE)
    if page.offset > LAST_ROW:
        raise Invalid("no list is that long", field="page")
    return page


def ordering(text: str, table: Table, sortable: frozenset[str], default: str) -> tuple[tuple[str, bool], ...]:
    """(column name, ascending) pairs of `name:ASC,other:DESC`. Ends with the primary key, so that pages never overlap."""
    pairs: dict[str, bool] = {}
    for part in (text or default).split(","):
        name, _, direction = part.strip().partition(":")
        if name not in sortable:
            raise Invalid(f"cannot sort by {name!r}; sortable: {', '.join(sorted(sortable))}", field="order")
        if direction.upper() not in ("", "ASC", "DESC"):
            raise Invalid(f"direction {direction!r} is neither ASC nor DESC", field="order")
        pairs.setdefault(name, direction.upper() != "DESC")
    last = next(reversed(pairs.values()))
    for column in table.primary_key.columns:
        pairs.setdefault(column.name, last)
    return tuple(pairs.items())


def bounded(table: Table, equal: frozenset[str], order: tuple[tuple[str, bool], ...]) -> bool:
    """Whether an index finds the rows in this order, so that a page costs what a page costs, not what the table costs."""
    wanted = [name for name, _ in order]
    if len({ascending for _, ascending in order}) > 1:
        return False
    keys = [[column.name for column in index.columns] for index in table.indexes] + [[c.name for c in table.primary_key.columns]]
    return any(frozenset(key[: len(equal)]) == equal and _continues(key[len(equal) :], wanted, table) for key in keys)


def _continues(key: list[str], wanted: list[str], table: Table) -> bool:
    # The row id closes every index of SQLite, and the planner of PostgreSQL sorts ties of a covering prefix cheaply.
    key = key + [column.name for column in table.primary_key.columns if column.name not in key]
    return key[: len(wanted)] == wanted


def describe(page: Page, total: int, shown: int, info: PageInfo) -> None:
    """Fills in what a page tells of itself."""
    pages = -(-total // page.size)
    info.size = page.size
    info.number = page.number - 1
    info.number_of_elements = shown
    info.total_elements = total
    info.total_pages = min(pages, 2**31 - 1)
    info.first = page.number == 1
    info.last = page.number >= pages
