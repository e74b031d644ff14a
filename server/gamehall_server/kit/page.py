"""Pages: page number, size, order, and what a page tells of itself."""

from typing import Any, NamedTuple

from gamehall.common.v1.page_pb2 import PageInfo
from sqlalchemy import Column, ColumnElement, Table, and_, bindparam, false, or_, tuple_

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


# The columns a list is sorted by, and whether they rise.
Order = tuple[tuple[str, bool], ...]


def page_of(request: Any) -> Page:
    """The page a list request asks for: its `page` from 1 and its `size`, 25 unless told."""
    page = Page(request.page or 1, request.size or DEFAULT_SIZE)
    if page.offset > LAST_ROW:
        raise Invalid("no list is that long", field="page")
    return page


def ordering(text: str, table: Table, sortable: frozenset[str], default: str) -> Order:
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
        pairs.setdefault(column.key, last)
    return tuple(pairs.items())


def bounded(table: Table, equal: frozenset[str], order: Order) -> bool:
    """Whether an index finds the rows in this order, so that a page costs what a page costs, not what the table costs."""
    wanted = [name for name, _ in order]
    if len({ascending for _, ascending in order}) > 1:
        return False
    keys = [[column.key for column in index.columns] for index in table.indexes] + [[c.key for c in table.primary_key.columns]]
    return any(frozenset(key[: len(equal)]) == equal and _continues(key[len(equal) :], wanted, table) for key in keys)


def _continues(key: list[str], wanted: list[str], table: Table) -> bool:
    # The row id closes every index of SQLite, and the planner of PostgreSQL sorts ties of a covering prefix cheaply.
    key = key + [column.key for column in table.primary_key.columns if column.key not in key]
    return key[: len(wanted)] == wanted


def reverse(order: Order) -> Order:
    """The order from the end."""
    return tuple((name, not rises) for name, rises in order)


def sorting(table: Table, order: Order) -> list[ColumnElement[Any]]:
    """The terms of ORDER BY. Null is less than anything else, on both databases."""
    terms: list[ColumnElement[Any]] = []
    for name, rises in order:
        column = table.columns[name]
        term = column.asc() if rises else column.desc()
        if column.nullable:
            term = term.nulls_first() if rises else term.nulls_last()
        terms.append(term)
    return terms


def beyond(table: Table, order: Order, nulls: tuple[bool, ...]) -> ColumnElement[bool]:
    """Whether a row comes after another, whose sort key is in the parameters at__0, at__1 …; `nulls` tells which of these are null."""
    columns = [table.columns[name] for name, _ in order]
    keys = [bindparam(f"at__{index}", type_=column.type) for index, column in enumerate(columns)]
    if len({rises for _, rises in order}) == 1 and not any(column.nullable for column in columns):
        # In this form both databases find the place in an index.
        here, there = tuple_(*columns), tuple_(*keys)
        return here > there if order[0][1] else here < there
    after: ColumnElement[bool] = false()
    for column, key, (_, rises), null in reversed(list(zip(columns, keys, order, nulls, strict=True))):
        after = or_(_past(column, key, rises, null), and_(column.is_(None) if null else column == key, after))
    if columns[0].nullable:
        return after
    return and_(columns[0] >= keys[0] if order[0][1] else columns[0] <= keys[0], after)


def _past(column: Column[Any], key: ColumnElement[Any], rises: bool, null: bool) -> ColumnElement[bool]:
    if null:
        return column.is_not(None) if rises else false()
    if rises:
        return column > key
    return or_(column < key, column.is_(None)) if column.nullable else column < key


def describe(page: Page, total: int, shown: int, info: PageInfo, more: bool | None = None) -> None:
    """Fills in what a page tells of itself. `more`: whether rows follow, where the page was read from the end of the one before: rows that
    came or went meanwhile may have moved it, and who walks must learn where the end is now."""
    pages = -(-total // page.size)
    if more is not None:
        pages = max(pages, page.number + 1) if more else page.number if shown else min(pages, page.number)
    info.size = page.size
    info.number = page.number - 1
    info.number_of_elements = shown
    info.total_elements = total
    info.total_pages = min(pages, 2**31 - 1)
    info.first = page.number == 1
    info.last = page.number >= pages
