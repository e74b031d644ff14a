"""Pages of a list at the same price everywhere: keyset inside, page numbers outside.

A page begins after the last row of the page before it. That row is remembered when the page before is answered, so walking from page to
page is a seek in an index each time, and rows that come or go meanwhile make nobody miss or meet a row twice that was there all along.
A caller who jumps is led to the row before the page from the nearest place that is known: the beginning, the end, a page seen lately.
What is far runs where it holds nobody up. Totals are exact on the state that was read; those of long lists are remembered and hold for as
long as the database says that nothing changed.
"""

from collections.abc import Callable, Hashable
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple

from gamehall.common.v1.page_pb2 import PageInfo
from sqlalchemy import BigInteger, ColumnElement, Select, Table, bindparam, func, literal, select
from sqlalchemy.sql import visitors

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.filters import Chosen, Parameters
from gamehall_server.kit.page import Order, Page, beyond, bounded, describe, ordering, reverse, sorting
from gamehall_server.kit.storage import Handle, Query, Totals

# So many rows are skipped, or counted, as part of another read.
NEAR, LARGE = 1_000, 10_000
# What is remembered in one database, for how long, of how many lists, callers and pages. A sort key with longer texts is not.
LASTS: Micros = 600 * SECOND
MOST_LISTS, MOST_WALKS, MOST_PAGES, MOST_TEXT, DIGEST = 1_024, 4_096, 4, 1_000, 100
# So many lists with certain filters in a certain order are kept, and so many statements of them all.
MOST_SHAPES, MOST_STATEMENTS = 1_024, 4_096
# Pages that most callers ask for have statements of their own: PostgreSQL plans one once, where it knows how many rows are wanted.
USUAL = frozenset({10, 20, 25, 50, 100})
_LIMIT, _OFFSET = bindparam("limit__", type_=BigInteger), bindparam("offset__", type_=BigInteger)


class Mark(NamedTuple):
    """The sort key of a page's last row, and when the page was read."""

    key: tuple[Any, ...]
    at: Micros


class Memory:
    """What is remembered of the lists in one database."""

    __slots__ = ("firsts", "totals", "walks")

    def __init__(self) -> None:
        # Rows of a long list: when (the version of its tables), and how many.
        self.totals: dict[Hashable, tuple[Any, int]] = {}
        # Of each caller's way through a list the ends of its last pages. Most callers see no second page: the first has a place of its own.
        self.firsts: dict[Hashable, Mark] = {}
        self.walks: dict[Hashable, dict[int, Mark]] = {}

    def marks(self, walk: Hashable, now: Micros) -> dict[int, tuple[Any, ...]]:
        """The ends of pages that this caller saw lately."""
        first = self.firsts.get(walk)
        found = {**({1: first} if first else {}), **self.walks.get(walk, {})}
        return {number: mark.key for number, mark in found.items() if now - mark.at < LASTS}

    def note(self, walk: Hashable, number: int, key: tuple[Any, ...], now: Micros) -> None:
        """Remembers where a page ends."""
        if sum(len(part) for part in key if isinstance(part, str)) > MOST_TEXT:
            return
        if number == 1:
            _keep(self.firsts, walk, Mark(key, now), MOST_WALKS * 4)
        else:
            pages = self.walks.get(walk, {})
            _keep(pages, number, Mark(key, now), MOST_PAGES)
            _keep(self.walks, walk, pages, MOST_WALKS)


def _keep(into: dict[Any, Any], key: Hashable, value: Any, most: int) -> None:
    """Puts in the newest, and drops the oldest when there are too many."""
    into.pop(key, None)
    into[key] = value
    if len(into) > most:
        del into[next(iter(into))]


def _brief(parameters: Parameters) -> Hashable:
    """Values as a part of what is remembered: of long ones a digest."""
    text = repr(tuple(parameters.values()))
    return text if len(text) <= DIGEST else sha256(text.encode()).digest()


class Shape:
    """The statements of a list with certain filters in a certain order; values are parameters.

    cheap:  an index finds a page of it.
    kept:   its total is kept beside its table.
    tables: all that its total depends on.
    key_of: the sort key of a row.
    """

    def __init__(
        self, table: Table, joined: Callable[[], Select[Any]], chosen: Chosen, order: Order, totals: tuple[Totals, ...] = ()
    ) -> None:
        self._table = table
        self._joined = joined
        self._order = order
        self._filters = [filter.where(shape) for filter, shape in chosen]
        names = table.columns.keys()
        pick = itemgetter(*(names.index(name) for name, _ in order))
        self.key_of: Callable[[Any], tuple[Any, ...]] = pick if len(order) > 1 else lambda row: (pick(row),)
        pins = frozenset(filter.pins for filter, _ in chosen if filter.pins is not None)
        self.cheap = len(pins) == len(chosen) and bounded(table, pins, order)
        pinned = pins if len(pins) == len(chosen) else None
        kept = next((each for each in totals if each.columns == pinned), None)
        self.kept = kept is not None
        counted = select(func.count()).select_from(table).where(*self._filters) if kept is None else kept.count(self._filters)
        self.count = Query(counted)
        self.tables = frozenset(part.name for part in visitors.iterate(counted) if isinstance(part, Table))
        self._total = counted.scalar_subquery()

    @lru_cache(maxsize=MOST_STATEMENTS)  # noqa: B019  # A shape that nobody asks for drops out of it.
    def rows(self, nulls: tuple[bool, ...] | None, counted: bool, most: int | None) -> Query[Any]:
        """A page, each row with the list's total behind its columns, from the beginning (None) or after a sort key with these nulls: so
        many rows, or as many as the parameters say, and from where."""
        total = self._total if counted else literal(0)
        rows = self._cut(self._joined().add_columns(total), self._order, nulls)
        return Query(rows.limit(_LIMIT).offset(_OFFSET) if most is None else rows.limit(most))

    @lru_cache(maxsize=MOST_STATEMENTS)  # noqa: B019  # As above.
    def place(self, nulls: tuple[bool, ...] | None, back: bool) -> Query[Any]:
        """The sort key of one row, counted from the beginning, from the end (`back`), or from another sort key on either way."""
        columns = select(*(self._table.columns[name] for name, _ in self._order))
        return Query(self._cut(columns, reverse(self._order) if back else self._order, nulls).limit(1).offset(_OFFSET))

    def _cut(self, statement: Select[Any], order: Order, nulls: tuple[bool, ...] | None) -> Select[Any]:
        after: list[ColumnElement[bool]] = [] if nulls is None else [beyond(self._table, order, nulls)]
        # Of several conditions on one column SQLite uses the first to find its place in an index.
        return statement.where(*after, *self._filters).order_by(*sorting(self._table, order))


class Listing:
    """The lists of one resource. `joined` selects its rows with what is shown inside them; `totals`: what is kept of their lengths."""

    def __init__(
        self, table: Table, joined: Callable[[], Select[Any]], sortable: frozenset[str], order: str, totals: tuple[Totals, ...] = ()
    ) -> None:
        self.table = table
        self.totals = totals
        self.joined = joined
        self._order = lru_cache(maxsize=MOST_SHAPES)(lambda text: ordering(text, table, sortable, order))

    async def page(self, call: Call, chosen: Chosen, parameters: Parameters, wanted: Page, order: str) -> tuple[list[Any], PageInfo]:
        """The rows of a page, each with a number behind its columns, and what the page tells of itself."""
        by = self._order(order)
        shape = shape_of(self, chosen, by)
        who = call.arrival.address if call.caller is None else call.caller.principal
        memory = _memory(call.db)
        which = (self, chosen, _brief(parameters))
        reading = _Reading(shape, parameters, call.db, memory, which)
        walk = (which, by, wanted.size, who)
        if wanted.number == 1:
            rows, total = await reading.rows(wanted.size, None, 0)
            more = None
        else:
            key, skipped = await reading.start(wanted, memory.marks(walk, call.now))
            rows, total = await reading.rows(wanted.size + 1, key, skipped)
            more = len(rows) > wanted.size
            del rows[wanted.size :]
        if more or (more is None and total > wanted.size):
            memory.note(walk, wanted.number, shape.key_of(rows[-1]), call.now)
        info = PageInfo()
        describe(wanted, total, len(rows), info, more)
        return rows, info


@lru_cache(maxsize=MOST_SHAPES)
def shape_of(listing: Listing, chosen: Chosen, order: Order) -> Shape:
    """A list with certain filters in a certain order."""
    return Shape(listing.table, listing.joined, chosen, order, listing.totals)


def _memory(db: Handle) -> Memory:
    if db.kept is None:
        return Memory()
    memory: Memory | None = db.kept.get(Memory)
    if memory is None:
        memory = db.kept[Memory] = Memory()
    return memory


class _Reading:
    """The reads of one page."""

    __slots__ = ("_db", "_memory", "_parameters", "_shape", "_which")

    def __init__(self, shape: Shape, parameters: Parameters, db: Handle, memory: Memory, which: Hashable) -> None:
        self._shape = shape
        self._parameters = parameters
        self._db = db
        self._memory = memory
        self._which = which

    async def start(self, wanted: Page, marks: dict[int, tuple[Any, ...]]) -> tuple[tuple[Any, ...] | None, int]:
        """Where a page begins: after which sort key, and how many rows further. None is the beginning of the list."""
        offset, size = wanted.offset, wanted.size
        before = marks.get(wanted.number - 1)
        if before is not None:
            return before, 0
        # Known places: how many rows lie before them -> the sort key of the last of these; None for both ends.
        known: dict[int, tuple[Any, ...] | None] = {number * size: key for number, key in marks.items()}
        if offset > NEAR:
            total = await self._total()
            if offset >= total:
                return None, offset
            known[total + 1] = None
        known[0] = None
        nearest = min(known, key=lambda rows: abs(offset - rows))
        if nearest == 0 and offset <= NEAR:
            return None, offset
        # The beginning is asked as well, when the nearest place has moved and nothing is where the row should be.
        for rows in (nearest, 0):
            found = await self._row_before(offset, rows, known[rows])
            if found is not None:
                return found, 0
        return None, offset

    async def _row_before(self, offset: int, rows: int, key: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        """The sort key of the last of `offset` rows, counted from a known place."""
        far = abs(offset - rows)
        read = self._db.all if self._shape.cheap and far <= NEAR else self._db.scan
        query = self._shape.place(_nulls(key), rows > offset)
        found = await read(query, offset__=far - 1, **_at(key), **self._parameters)
        return tuple(found[0]) if found else None

    async def rows(self, limit: int, key: tuple[Any, ...] | None, offset: int) -> tuple[list[Any], int]:
        """Rows from a place on, and the list's total on the same state."""
        shape, given = self._shape, {**self._parameters, **_at(key)}
        usual = limit if offset == 0 and (limit in USUAL or limit - 1 in USUAL) else None
        if usual is None:
            given |= {"limit__": limit, "offset__": offset}
        kept, version = self._memory.totals.get(self._which), None
        near = shape.cheap and offset <= NEAR
        if kept is not None:
            version = await self._db.version(shape.tables)
            if version is not None and version == kept[0]:
                read = self._db.all if near else self._db.scan
                rows = [] if offset >= kept[1] else await read(shape.rows(_nulls(key), False, usual), **given)
                if version == await self._db.version(shape.tables):
                    return rows, kept[1]
            near = False
        read = self._db.all if near else self._db.scan
        rows = await read(shape.rows(_nulls(key), True, usual), **given)
        if rows:
            total: int = rows[0][-1]
        elif key is None and offset == 0:
            total = 0
        else:
            # Beyond the last page no row brings the total along.
            total = await self._count()
        await self._remember(total, version)
        return rows, total

    async def _count(self) -> int:
        read = self._db.all if self._shape.kept else self._db.scan
        total: int = (await read(self._shape.count, **self._parameters))[0][0]
        return total

    async def _total(self) -> int:
        """The list's total; whoever relies on it checks whether it still holds."""
        if self._shape.kept:
            return await self._count()
        kept, version = self._memory.totals.get(self._which), await self._db.version(self._shape.tables)
        if kept is not None and version is not None and version == kept[0]:
            return kept[1]
        total = await self._count()
        await self._remember(total, version)
        return total

    async def _remember(self, total: int, version: Any) -> None:
        """Keeps the total of a long list, with the version it was read at, if it was one and the same all the while."""
        if self._shape.kept:
            return
        if total > LARGE:
            if version is not None and version != await self._db.version(self._shape.tables):
                version = None
            _keep(self._memory.totals, self._which, (version, total), MOST_LISTS)
        else:
            self._memory.totals.pop(self._which, None)


def _nulls(key: tuple[Any, ...] | None) -> tuple[bool, ...] | None:
    return None if key is None else tuple(part is None for part in key)


def _at(key: tuple[Any, ...] | None) -> Parameters:
    return {} if key is None else {f"at__{index}": part for index, part in enumerate(key) if part is not None}
