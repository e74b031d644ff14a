"""API clients as administrators deal with them.

Whoever sets a client's secret, kind or redirect URIs can be that client, so all of it is for those who may do what the client may.
"""

import re
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import msgspec
from gamehall.access.v1 import clients_pb2 as pb
from sqlalchemy import bindparam, delete, select, update
from sqlmodel import SQLModel

from gamehall_server.kit import clock
from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.errors import Invalid, NotFound, Violation
from gamehall_server.kit.filters import choose, compile_filter
from gamehall_server.kit.listing import Listing
from gamehall_server.kit.page import page_of
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.kit.verbs import PAGE_FIELDS
from gamehall_server.modules.access.clients import CLIENT_KEY, GRANT_TYPES, WRONG_KEY, client_row, clients, hash_secret, new_client
from gamehall_server.modules.access.granting import refuse_beyond, refuse_locked
from gamehall_server.modules.access.redirects import wrong_with_redirect
from gamehall_server.modules.access.revocations import end_sessions_of_client, revoke
from gamehall_server.modules.access.roles import grants_of_client
from gamehall_server.modules.access.tables import ClientRow, SessionRow

# What is shown in a secret's place, and as a value means: as it was.
MASK = "********"
SHORTEST_SECRET = 32
FORMER_SECRET_LASTS: Micros = 24 * 3600 * SECOND
# What a path would take for something else.
NO_KEYS = (".", "..", "grant-types")

_t, _s = clients.table, table_of(SessionRow).table
_this = _t.c.client_key == bindparam("key")
_find = Query(select(_t).where(_this), clients.Row)
_lock = Query(select(_t).where(_this).with_for_update(), clients.Row)
_changeable = (
    "name",
    "secret_hash",
    "former_secret_hash",
    "former_secret_until",
    "is_public",
    "access_token_validity_seconds",
    "refresh_token_validity_seconds",
)
_change = Query(update(_t).where(_this).values(**{name: bindparam(name, type_=_t.c[name].type) for name in _changeable}))
_set_grants = Query(update(_t).where(_this).values(grant_types=bindparam("words"), first_party=bindparam("ours")))
_set_redirects = Query(update(_t).where(_this).values(redirect_uris=bindparam("uris")))
_shown_columns = frozenset({"id", "client_key", "name", "is_public", "locked"})
_listing = Listing(_t, lambda: select(_t), _shown_columns | {"access_token_validity_seconds", "refresh_token_validity_seconds"}, "id:ASC")
_filters = [compile_filter(field, _t) for field in pb.ListClientsRequest.DESCRIPTOR.fields if field.name not in PAGE_FIELDS]


class Clients:
    """gamehall.access.v1.ClientService."""

    service = pb.DESCRIPTOR.services_by_name["ClientService"]

    def __init__(self, is_provider: Callable[[Handle, str], Awaitable[bool]]) -> None:
        self._is_provider = is_provider

    async def ListClients(self, request: pb.ListClientsRequest, call: Call) -> pb.ListClientsResponse:
        rows, info = await _listing.page(call, *choose(_filters, request), page_of(request), request.order)
        return pb.ListClientsResponse(content=[show_client(client_row(row[:-1])) for row in rows], page_info=info)

    async def GetGrantTypes(self, request: pb.GetGrantTypesRequest, call: Call) -> pb.GetGrantTypesResponse:
        return pb.GetGrantTypesResponse(grant_types=[pb.GrantType(name=name, description=told) for name, told in GRANT_TYPES.items()])

    async def GetClient(self, request: pb.GetClientRequest, call: Call) -> pb.GetClientResponse:
        return pb.GetClientResponse(client=show_client(await load_client(call, request.client_key)))

    async def CreateClient(self, request: pb.CreateClientRequest, call: Call) -> pb.CreateClientResponse:
        asked = request.client
        wrong = _wrong_with(asked)
        if not CLIENT_KEY.fullmatch(asked.client_key) or asked.client_key in NO_KEYS:
            wrong.append(Violation("client.client_key", WRONG_KEY))
        if wrong:
            raise Invalid(violations=tuple(wrong))
        secret = "" if asked.is_public else _given(asked) or clock.token()
        row = await new_client(
            call.db,
            asked.client_key,
            asked.name,
            secret,
            access_seconds=asked.access_token_validity_seconds,
            refresh_seconds=asked.refresh_token_validity_seconds,
        )
        call.changed(f"client:{row.client_key}", None, _told(row))
        call.emit("client_created", client=row.client_key)
        return pb.CreateClientResponse(client=show_client(row, secret))

    async def UpdateClient(self, request: pb.UpdateClientRequest, call: Call) -> pb.UpdateClientResponse:
        asked = request.client
        wrong = _wrong_with(asked)
        if asked.client_key != request.client_key:
            wrong.append(Violation("client.client_key", "must be the key in the path: a client keeps its key"))
        row = await _load_to_change(call, request.client_key)
        if asked.is_public and "client_credentials" in msgspec.json.decode(row.grant_types):
            wrong.append(Violation("client.is_public", "a client with client_credentials proves itself with a secret"))
        if wrong:
            raise Invalid(violations=tuple(wrong))
        before, secret = _told(row), _renewed(row, asked)
        row.name, row.is_public = asked.name, asked.is_public
        row.access_token_validity_seconds = asked.access_token_validity_seconds or row.access_token_validity_seconds
        row.refresh_token_validity_seconds = asked.refresh_token_validity_seconds or row.refresh_token_validity_seconds
        call.db.later(_change, key=row.client_key, **{name: getattr(row, name) for name in _changeable})
        revoke(call.db, "client", row.client_key)
        call.changed(f"client:{row.client_key}", before, {**_told(row), **({"secret": "changed"} if secret else {})})
        call.emit("client_updated", client=row.client_key)
        return pb.UpdateClientResponse(client=show_client(row, secret))

    async def DeleteClient(self, request: pb.DeleteClientRequest, call: Call) -> pb.DeleteClientResponse:
        row = await _load_to_change(call, request.client_key)
        for statement in _removals():
            call.db.later(statement, id=row.id, key=row.client_key)
        revoke(call.db, "client", row.client_key)
        call.changed(f"client:{row.client_key}", _told(row), None)
        call.emit("client_deleted", client=row.client_key)
        return pb.DeleteClientResponse()

    async def SetGrantTypes(self, request: pb.SetGrantTypesRequest, call: Call) -> pb.SetGrantTypesResponse:
        row = await _load_to_change(call, request.client_key)
        wrong = []
        for at, word in enumerate(request.grant_types):
            if word not in GRANT_TYPES and not await self._is_provider(call.db, word):
                wrong.append(Violation(f"grant_types[{at}]", "no grant type, and no provider"))
        if row.is_public and "client_credentials" in request.grant_types:
            wrong.append(Violation("grant_types", "client_credentials is for clients that have a secret"))
        if wrong:
            raise Invalid(violations=tuple(wrong))
        wanted, had = list(dict.fromkeys(request.grant_types)), msgspec.json.decode(row.grant_types)
        # Who lets a client ask people for their passwords says that it is the deployment's own.
        ours = "password" in wanted
        call.db.later(_set_grants, key=row.client_key, words=msgspec.json.encode(wanted).decode(), ours=ours)
        if set(had) - set(wanted):
            end_sessions_of_client(call.db, row.client_key, clock.real_seconds() * SECOND)
        call.changed(f"client:{row.client_key}", {"grant_types": had}, {"grant_types": wanted})
        call.emit("client_updated", client=row.client_key)
        return pb.SetGrantTypesResponse()

    async def SetRedirectURIs(self, request: pb.SetRedirectURIsRequest, call: Call) -> pb.SetRedirectURIsResponse:
        row = await _load_to_change(call, request.client_key)
        told = [(at, wrong_with_redirect(uri)) for at, uri in enumerate(request.redirect_uris)]
        wrong = tuple(Violation(f"redirect_uris[{at}]", what) for at, what in told if what)
        if wrong:
            raise Invalid(violations=wrong)
        wanted, had = list(dict.fromkeys(request.redirect_uris)), msgspec.json.decode(row.redirect_uris)
        call.db.later(_set_redirects, key=row.client_key, uris=msgspec.json.encode(wanted).decode())
        call.changed(f"client:{row.client_key}", {"redirect_uris": had}, {"redirect_uris": wanted})
        call.emit("client_updated", client=row.client_key)
        return pb.SetRedirectURIsResponse()


async def load_client(call: Call, client_key: str, *, lock: bool = False) -> Any:
    """The client's row, locked until the transaction ends when asked. Raises NotFound."""
    row = await call.db.one(_lock if lock else _find, key=client_key)
    if row is None:
        raise NotFound("No client with this key.", field="client_key")
    return row


async def _load_to_change(call: Call, client_key: str) -> Any:
    row = await load_client(call, client_key, lock=True)
    refuse_locked(row, f"The client {client_key}")
    refuse_beyond(call, (await grants_of_client(call.db, row.id)).permissions, f"The client {client_key}")
    return row


@cache
def _removals() -> list[Query[Any]]:
    """What removes a client: first whatever refers to it or to its sessions, in the tables of every module."""
    found: list[Any] = []
    own = select(_s.c.id).where(_s.c.client_key == bindparam("key"))
    for table in SQLModel.metadata.tables.values():
        for column, there in [(key.parent, key.column) for key in table.foreign_keys]:
            if there is _s.c.id:
                found.insert(0, delete(table).where(column.in_(own)))
            elif there is _t.c.id:
                found.append(delete(table).where(column == bindparam("id", type_=column.type)))
            elif there is _t.c.client_key and table is not _s:
                found.append(delete(table).where(column == bindparam("key")))
    return [Query(statement) for statement in (*found, delete(_s).where(_s.c.client_key == bindparam("key")), delete(_t).where(_this))]


def show_client(row: Any, secret: str = "") -> pb.Client:
    """The client as it is shown: with a secret that is new, and else with a mask where there is one."""
    shown = pb.Client(
        id=row.id,
        client_key=row.client_key,
        name=row.name,
        is_public=bool(row.is_public),
        locked=bool(row.locked),
        grant_types=msgspec.json.decode(row.grant_types),
        redirect_uris=msgspec.json.decode(row.redirect_uris),
        access_token_validity_seconds=row.access_token_validity_seconds,
        refresh_token_validity_seconds=row.refresh_token_validity_seconds,
    )
    if row.secret_hash is not None:
        shown.secret = secret or MASK
    return shown


def _told(row: ClientRow) -> dict[str, Any]:
    """What the audit log may know."""
    names = ("name", "is_public", "access_token_validity_seconds", "refresh_token_validity_seconds")
    return {**{name: getattr(row, name) for name in names}, "is_public": bool(row.is_public)}


def _given(asked: pb.Client) -> str:
    return "" if asked.secret == MASK else asked.secret


def _wrong_with(asked: pb.Client) -> list[Violation]:
    secret = _given(asked)
    if not secret or asked.is_public or re.fullmatch(rf"[!-~]{{{SHORTEST_SECRET},}}", secret):
        return []
    return [Violation("client.secret", f"{SHORTEST_SECRET} visible ASCII characters or more; left out, one is made up")]


def _renewed(row: Any, asked: pb.Client) -> str:
    """Changes the secret of the row as asked for; gives it where it is new."""
    if asked.is_public:
        row.secret_hash = row.former_secret_hash = row.former_secret_until = None
        return ""
    secret = _given(asked)
    if row.secret_hash is None:
        secret = secret or clock.token()
    elif not secret or hash_secret(secret) == row.secret_hash:
        return ""
    else:
        row.former_secret_hash, row.former_secret_until = row.secret_hash, clock.real_seconds() * SECOND + FORMER_SECRET_LASTS
    row.secret_hash = hash_secret(secret)
    return secret
