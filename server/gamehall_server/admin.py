"""What the command line does to a database, as functions of a running product."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gamehall_server.backup import back_up_open
from gamehall_server.beside import AddClient, AddUser, Order
from gamehall_server.kit.errors import Duplicate, Invalid, NotFound, Violation
from gamehall_server.kit.storage import Handle
from gamehall_server.kit.storage.sqlite import SQLiteDatabase
from gamehall_server.main import Product, build
from gamehall_server.modules import users
from gamehall_server.modules.access import ROLE_USER, clients, grant_role, known_roles
from gamehall_server.settings import Settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Product]:
    """The product without its doors."""
    product = await build(settings)
    try:
        yield product
    finally:
        await product.close()


async def perform(product: Product, order: Order) -> str:
    """Carries out an order of the command line; gives its answer. Raises Fault and what a backup raises."""
    if isinstance(order, AddUser):
        return str(await add_user_to(product, order.username, order.email, order.password, order.roles))
    if isinstance(order, AddClient):
        return await add_client_to(product, order.client_key, order.name, public=order.public, roles=order.roles)
    assert isinstance(product.database, SQLiteDatabase)
    return await back_up_open(product.database.path, Path(order.path))


async def perform_alone(settings: Settings, order: Order) -> str:
    """As `perform`, without doors."""
    async with opened(settings) as product:
        return await perform(product, order)


async def add_user_to(product: Product, username: str, email: str, password: str, roles: list[str]) -> int:
    """Adds a user with ROLE_USER and further roles; gives the number. Raises Fault for what the API would refuse."""
    await _check_roles(product, roles)
    await users.ready()
    wrong = product.rules.wrong_with(username, email, password)
    if wrong:
        raise Invalid(violations=tuple(wrong))
    try:
        return await _add_user(product, username, email, password, roles)
    except Duplicate as duplicate:
        raise duplicate.of_fields(lambda column: column.removesuffix("_key")) from None


async def _add_user(product: Product, username: str, email: str, password: str, roles: list[str]) -> int:
    who, hashed = product.rules.identity(username, email), await product.hasher.hash(password)
    registration = users.Registration(who, hashed, {}, product.rules.email_is_unique)
    now = product.app.clock.now()

    async def add(db: Handle) -> int:
        row = await users.register(db, now, registration, *dict.fromkeys([ROLE_USER, *roles]))
        return int(row[0])

    return await product.database.write(add)


async def add_client_to(product: Product, client_key: str, name: str, *, public: bool, roles: list[str]) -> str:
    """Adds an API client with roles; gives its secret, or "" for a public one. Raises Fault when the key is taken."""
    await _check_roles(product, roles)
    # RFC 6749 section 2.3.1 puts the key before a colon; and it stands in sentences and in one line of a terminal.
    # Digits alone could be taken for a user's id where tokens tell who they are about (RFC 9068 section 5).
    if not re.fullmatch(r"[!-9;-~]{1,255}", client_key) or client_key.isdigit():
        raise Invalid(violations=(Violation("client_key", "1 to 255 visible ASCII characters without a colon, and not digits alone"),))
    grants = ("password", "refresh_token") if public else ("client_credentials",)

    async def add(db: Handle) -> str:
        number, secret = await clients.add_client(db, client_key, name, grants, public=public, first_party=True)
        for role in dict.fromkeys(roles):
            grant_role(db, role, client_id=number)
        return secret

    return await product.database.write(add)


async def _check_roles(product: Product, roles: list[str]) -> None:
    known = await known_roles(product.database.reader())
    for role in roles:
        if role not in known:
            raise NotFound(f"There is no role {role}; there are {', '.join(sorted(known))}.")
