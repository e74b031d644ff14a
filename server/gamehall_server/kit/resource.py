"""A Resource ties a table to a message and says which rows a caller may reach. It never learns a module's name."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from gamehall.options.v1.errors_pb2 import ErrorReason
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from sqlalchemy import Column, ColumnElement, Integer, Select, bindparam, delete, select, update
from sqlmodel import SQLModel

from gamehall_server.kit.call import Call, Scope
from gamehall_server.kit.clock import text_id
from gamehall_server.kit.columns import Wire
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.filters import Chosen, Filter, Parameters, equals
from gamehall_server.kit.listing import Listing
from gamehall_server.kit.mapping import Computed, Embed, Mapper
from gamehall_server.kit.page import Page
from gamehall_server.kit.parts import ChosenRecord, Part, by_id, users_of
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.storage import Query, Totals, is_numbered, table_of
from gamehall_server.kit.validation import output_only, rules_of

R = TypeVar("R", bound=SQLModel)
# The columns of what records are within, and their values.
Inside = Mapping[str, Any]
NOWHERE: Inside = {}
# What the audit log tells of a confidential value.
KEPT, CHANGED = "confidential", "confidential, changed"
CREATED, UPDATED = "created_date", "updated_date"


class Veil(NamedTuple):
    """Rows that exist for some callers alone, in lists and everywhere else: `Resource(…, veil=Veil(table.c.public_read, "CONFIGS_ADMIN"))`.

    condition:  in SQL, the rows that everybody reaches who may call.
    permission: who holds it reaches the others too; the RPCs name it in `also` or in their policy.
    parameters: what the condition has to know of a call, such as its user: rows that are public or the caller's own.
    """

    condition: ColumnElement[bool]
    permission: str
    parameters: Callable[[Call], Parameters] = lambda call: {}


class Resource(Generic[R]):
    """Rows of one table as messages of one type.

    owner:    the column with the id of the user a row belongs to; with scope OWN only the caller's rows exist.
    veil:     rows that exist for some callers alone.
    embeds:   fields that show a record of another table, joined in the same query.
    computed: fields made from a column.
    order:    the order of lists that name none.
    totals:   lists whose lengths are kept, because they may become long.
    unstored: fields that whoever shows a record fills.
    defaults: what columns are when nobody says.
    fixed:    columns that have one value in all its rows, where a table holds several resources.
    within:   columns that a request names beside the key, each by the field that does: the record that this one is a part of.
    by:       what requests call the key, where they do not call it as it is called.
    sorts:    what orders call columns that are no fields.
    parts:    what is kept of its records in other tables.
    """

    def __init__(
        self,
        model: type[R],
        message: type[Message],
        *,
        owner: str | None = None,
        veil: Veil | None = None,
        embeds: Mapping[str, Embed] | None = None,
        computed: Mapping[str, Computed] | None = None,
        order: str = "id:ASC",
        totals: tuple[Totals, ...] = (),
        unstored: frozenset[str] = frozenset(),
        defaults: Mapping[str, Any] | None = None,
        fixed: Mapping[str, Any] | None = None,
        within: Mapping[str, str] | tuple[str, ...] = (),
        by: str | None = None,
        sorts: Mapping[str, str] | None = None,
        parts: tuple[Part, ...] = (),
    ) -> None:
        self.rows = table_of(model)
        self.table = self.rows.table
        self.message = message
        self.noun = message.DESCRIPTOR.name.lower()
        self.owner = owner
        self.order = order
        self.embeds = dict(embeds or {})
        self.mapper = Mapper(message, self.table, self.embeds, computed or {}, unstored)
        # An order tells of what it goes by: nothing that not everybody may read.
        columns = self.table.columns
        self.sortable = frozenset(
            f.name for f in message.DESCRIPTOR.fields if f.name in columns and not isinstance(columns[f.name].type, Wire) and _is_open(f)
        )
        self.key = self.table.primary_key.columns[0]
        self.by = by or self.key.name
        self._sorts = dict(sorts or {})
        self.sortable |= frozenset(self._sorts.values())
        # SQLAlchemy's collections are slow to walk: what every call needs of them is read once.
        self._names = tuple(self.table.columns.keys())
        self._dates = tuple(name for name in (CREATED, UPDATED) if name in self._names)
        self._numbered = self._names[0] == "id"
        self._counted = is_numbered(self.table)
        # Each shape of a statement is compiled once.
        self._get = lru_cache(maxsize=None)(self._build_get)
        self._listing = Listing(self.table, self.joined, self.sortable, order, totals)
        self._own = None if owner is None else (equals("own__", self.table.columns[owner]), None)
        self._defaults = dict(defaults or {})
        self._fixed = dict(fixed or {})
        self.within = dict(within) if isinstance(within, Mapping) else dict(zip(within, within, strict=True))
        self._inside: Chosen = tuple((equals(f"{name}__in", self.table.columns[name]), None) for name in self.within.values())
        # Of what is within a record of the same database that record must be there.
        wholes = [(field, self.table.columns[name]) for field, name in self.within.items() if self.table.columns[name].foreign_keys]
        self._whole = [(field, column.name, _whole_of(column)) for field, column in wholes]
        self._always = tuple((equals(f"{name}__", self.table.columns[name]), None) for name in self._fixed)
        self.parts = (*(ChosenRecord(each) for each in self._chosen()), *parts)
        self._veil = veil
        # A veil that is one column holds it at true, and an index may find what is behind it.
        pins = veil.condition.key if veil is not None and isinstance(veil.condition, Column) else None
        self._plain = None if veil is None else (Filter("veil__", lambda value: (None, {}), lambda shape: veil.condition, pins=pins), None)
        self._change = lru_cache(maxsize=64)(self._build_change)
        self._shown = {embed.column: by_id(embed) for embed in self.embeds.values()}
        # Which of them show users: those that refer to what the owner's column refers to.
        of_owner = set() if owner is None else _referred(self.table.columns[owner])
        self._of_users = {embed.column for embed in self.embeds.values() if of_owner & _referred(self.table.columns[embed.column])}
        fields: Any = message.DESCRIPTOR.fields
        told = [field for field in fields if field.name in self.table.columns and field.name not in (CREATED, UPDATED) and _is_open(field)]
        self._told = {field.name: rules_of(field).confidential for field in told}
        self._remove = Query(delete(self.table).where(self.key == bindparam("id", type_=self.key.type)))

    def _chosen(self) -> list[tuple[str, Embed]]:
        """The embedded records that callers choose by their ids."""
        fields: Any = self.message.DESCRIPTOR.fields_by_name
        return [(name, embed) for name, embed in self.embeds.items() if not output_only(fields[name]) and embed.column != self.owner]

    # What a caller may reach.

    def visible(self, call: Call) -> bool:
        """Whether the caller reaches every row; if not, only those whose owner column is the caller."""
        if call.scope is Scope.ALL:
            return True
        if self.owner is None:
            raise RuntimeError(f"{self.noun} has no owner, but its policy speaks of own rows")
        return False

    def inside(self, request: Any) -> Inside:
        """What the records of a request are within."""
        return {name: _of_type(self.table.columns[name], getattr(request, field)) for field, name in self.within.items()}

    def reach(self, call: Call, inside: Inside = NOWHERE) -> tuple[Chosen, Parameters]:
        """What is true of every row that the caller reaches."""
        chosen: Chosen = self._always
        parameters: Parameters = {f"{name}__": value for name, value in self._fixed.items()}
        if inside:
            chosen, parameters = (*chosen, *self._inside), {**parameters, **{f"{name}__in": value for name, value in inside.items()}}
        if not self.visible(call) and self._own is not None:
            chosen, parameters = (*chosen, self._own), {**parameters, "own__": call.user_id}
        if self._veil is not None and self._plain is not None and not call.may(self._veil.permission):
            chosen, parameters = (*chosen, self._plain), {**parameters, **self._veil.parameters(call)}
        return chosen, parameters

    def _missing(self) -> NotFound:
        return NotFound(f"No {self.noun} with this {self.key.name}.", field=self.by)

    # Reading.

    async def load(self, call: Call, id: Any, *, lock: bool = False, inside: Inside = NOWHERE) -> R:
        """The row, locked for the rest of the transaction when asked; NotFound when the caller may not reach it."""
        reach, parameters = self.reach(call, inside)
        row = await call.db.one(self._get(reach, lock, True), id=id, **parameters)
        if row is None:
            raise self._missing()
        found: R = row
        return found

    async def find(self, call: Call, id: Any, message: Any, inside: Inside = NOWHERE) -> None:
        """Fills `message` with a row; NotFound when the caller may not reach it."""
        reach, parameters = self.reach(call, inside)
        row = await call.db.one(self._get(reach, False, False), id=id, **parameters)
        if row is None:
            raise self._missing()
        self.mapper.fill(message, row)

    async def page(
        self,
        call: Call,
        chosen: Chosen,
        parameters: Parameters,
        wanted: Page,
        order: str,
        response: type[Message],
        inside: Inside = NOWHERE,
    ) -> Rows:
        """A page of the rows that these filters choose, for an answer of type `response`."""
        if self.owner is not None and self.owner in inside and not self.visible(call) and inside[self.owner] != call.user_id:
            raise NotFound("No user with this id.", field=self.owner)
        reach, known = self.reach(call, inside)
        if self._sorts and order:
            order = _renamed(order, self._sorts)
        rows, info = await self._listing.page(call, (*chosen, *reach), {**parameters, **known}, wanted, order)
        return Rows(response, self.mapper, rows, info)

    async def any_inside(self, call: Call, inside: Inside) -> bool:
        """Whether there is a record within this, whoever reaches it."""
        always = {f"{name}__": value for name, value in self._fixed.items()}
        return await call.db.one(self._some, **always, **{f"{name}__in": value for name, value in inside.items()}) is not None

    # Writing.

    async def check(self, call: Call, message: Any, path: str) -> list[Any]:
        """Holds a message that stands at `path` to what is kept beside the columns; gives what `keep` takes. Raises Invalid."""
        return [await part.check(call, message, path) for part in self.parts]

    async def keep(self, call: Call, id: Any, message: Any, found: list[Any], *, new: bool) -> None:
        """Keeps beside the columns what a message says."""
        for part, each in zip(self.parts, found, strict=True):
            await part.keep(call, id, message, each, new=new)

    async def add(self, call: Call, values: dict[str, Any], inside: Inside = NOWHERE) -> tuple[Any, ...]:
        """Inserts a row with these column values, numbered, dated and owned by the caller (who is free to
        name another owner only with scope ALL); gives the row as `show` takes it. NotFound where what it is to be within is not there, or
        not the caller's."""
        for field, name, there in self._whole if inside else ():
            own = name != self.owner or self.visible(call) or inside[name] == call.user_id
            if not own or await call.db.one(there, id=inside[name]) is None:
                raise NotFound(f"No {next(iter(self.table.columns[name].foreign_keys)).column.table.name} with this id.", field=field)
        values.update(inside)
        values.update(self._fixed)
        self._complete(values)
        if self._numbered and not values.get("id"):
            values["id"] = await call.db.new_id(self.table.name) if self._counted else text_id(call.now)
        for dated in self._dates:
            values.setdefault(dated, call.now)
        if self.owner is not None:
            if self.visible(call):
                values.setdefault(self.owner, call.user_id)
            else:
                # Who may write for itself alone cannot write for another, whatever the body says.
                values[self.owner] = call.user_id
        complete = {name: values.get(name, self._defaults.get(name)) for name in self._names}
        call.db.later(self.rows.insert, **complete)
        if call.audited:
            call.changed(f"{self.table.name}:{complete[self.key.name]}", None, self._of_audit(complete))
        return tuple(complete.values())

    def _complete(self, values: dict[str, Any]) -> None:
        """Gives columns that are null their defaults."""
        for name, default in self._defaults.items():
            if name in values and values[name] is None:
                values[name] = default

    async def show(self, call: Call, row: tuple[Any, ...], message: Any) -> None:
        """Fills `message` with a row this call has just written."""
        for embed in self.embeds.values():
            row += await self._embedded(call, embed, row)
        self.mapper.fill(message, row)

    async def _embedded(self, call: Call, embed: Embed, row: tuple[Any, ...]) -> tuple[Any, ...]:
        wanted = row[self._names.index(embed.column)]
        if wanted is None:
            return (None,) * len(embed.columns)
        if embed.column in self._of_users and call.caller is not None and wanted == call.caller.user_id:
            # The caller's own record came with the token.
            own: tuple[Any, ...] = call.caller.user
            return own
        found = await call.db.one(self._shown[embed.column], id=wanted)
        return (None,) * len(embed.columns) if found is None else found

    async def change(self, call: Call, row: R, **values: Any) -> None:
        """Writes these columns of a row that was loaded with its lock."""
        self._complete(values)
        if UPDATED in self._dates:
            values.setdefault(UPDATED, call.now)
        if call.audited:
            before = {name: getattr(row, name) for name in values}
            call.changed(f"{self.table.name}:{getattr(row, self.key.name)}", self._of_audit(before), self._of_audit(values, before))
        for name, value in values.items():
            setattr(row, name, value)
        call.db.later(self._change(tuple(values)), key__=getattr(row, self.key.name), **values)

    async def remove(self, call: Call, row: R) -> None:
        """Deletes a row that was loaded with its lock. Raises Invalid while others refer to it."""
        for user, query in self._users:
            if await call.db.one(query, id=getattr(row, self.key.name)) is not None:
                raise Invalid(f"in use by: {user}", field=self.key.name, reason=ErrorReason.ERROR_REASON_IN_USE)
        for part in self.parts:
            await part.drop(call, getattr(row, self.key.name))
        call.db.later(self._remove, id=getattr(row, self.key.name))
        if call.audited:
            before = {name: getattr(row, name) for name in self._names}
            call.changed(f"{self.table.name}:{getattr(row, self.key.name)}", self._of_audit(before), None)

    def _of_audit(self, values: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What the audit log may tell of column values: nothing secret or private, and of what is confidential only that it changed."""
        told = {}
        for name, confidential in self._told.items():
            if name in values:
                told[name] = self._readable(name, values[name])
                if confidential:
                    told[name] = CHANGED if before is not None and before[name] != values[name] else KEPT
        return told

    @cached_property
    def _some(self) -> Query[Any]:
        within = (filter.where(shape) for filter, shape in (*self._always, *self._inside))
        return Query(select(self.key).where(*within).limit(1))

    @cached_property
    def _users(self) -> list[tuple[str, Query[Any]]]:
        return users_of(self.key)

    def _readable(self, name: str, value: Any) -> Any:
        """A column's value as people read it: what is kept as bytes as the contract's JSON."""
        if not isinstance(self.table.columns[name].type, Wire) or value is None:
            return value
        return MessageToDict(self.message.FromString(value), preserving_proto_field_name=True)[name]

    # Statements, one per shape.

    def joined(self) -> Select[Any]:
        """Its rows as `mapper` takes them."""
        joined: Any = self.table
        for embed in self.embeds.values():
            first = embed.columns[0]
            joined = joined.outerjoin(first.table, first == self.table.columns[embed.column])
        return select(*self.mapper.columns).select_from(joined)

    def _build_get(self, reach: Chosen, lock: bool, bare: bool) -> Query[Any]:
        statement = select(self.table) if bare else self.joined()
        id = bindparam("id", type_=self.key.type)
        statement = statement.where(self.key == id, *(filter.where(shape) for filter, shape in reach))
        return Query(statement.with_for_update() if lock else statement, self.rows.Row if bare else None, seeks=not lock)

    def _build_change(self, names: tuple[str, ...]) -> Query[Any]:
        values = {name: bindparam(name, type_=self.table.columns[name].type) for name in names}
        return Query(update(self.table).where(self.key == bindparam("key__", type_=self.key.type)).values(**values))


def _referred(column: Column[Any]) -> set[Any]:
    """The tables that a column refers to."""
    return {key.column.table for key in column.foreign_keys}


def _whole_of(column: Column[Any]) -> Query[Any]:
    """Reads whether what a column refers to is there."""
    key = next(iter(column.foreign_keys)).column
    return Query(select(key).where(key == bindparam("id", type_=key.type)))


def _of_type(column: Column[Any], value: Any) -> Any:
    """A value of a request as a column holds it. A number that no id can be is none."""
    if isinstance(column.type, Integer) and isinstance(value, str):
        return int(value) if len(value) < 19 else -1
    return value if isinstance(column.type, Integer) else str(value)


def _renamed(order: str, names: Mapping[str, str]) -> str:
    """An order with the names of columns in place of what callers call them."""
    pairs = (part.strip().partition(":") for part in order.split(","))
    return ",".join(f"{names.get(name, name)}{colon}{way}" for name, colon, way in pairs)


def _is_open(field: Any) -> bool:
    rules = rules_of(field)
    return not (rules.private or rules.secret)
