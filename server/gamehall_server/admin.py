"""What the command line does to a database, as functions of a running product."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from gamehall_server.backup import back_up_open
from gamehall_server.beside import AddClient, AddUser, Order, RotateKeys, VerifyAudit
from gamehall_server.kit import audit
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.errors import Duplicate, Invalid, NotFound, Violation
from gamehall_server.kit.storage import Handle
from gamehall_server.kit.storage.sqlite import SQLiteDatabase
from gamehall_server.main import Product, build
from gamehall_server.migrate import Unusable
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
    if isinstance(order, RotateKeys):
        return await rotate_keys(product, order.after_seconds, compromised=order.compromised)
    if isinstance(order, VerifyAudit):
        return await verify_audit(product, order.known)
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
    if not clients.CLIENT_KEY.fullmatch(client_key):
        raise Invalid(violations=(Violation("client_key", clients.WRONG_KEY),))
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


async def rotate_keys(product: Product, after_seconds: int | None, *, compromised: bool) -> str:
    """Makes a new signing key; gives a sentence."""
    keys = product.keys

    async def rotate(db: Handle) -> int:
        return await keys.rotate(db, None if after_seconds is None else after_seconds * SECOND, compromised=compromised)

    begins = await product.database.write(rotate)
    await keys.kept.renew(product.database.reader())
    if compromised:
        return "a new key signs from now on, and every access token is refused: clients refresh theirs"
    return f"a new key is announced, and signs from {datetime.fromtimestamp(begins // SECOND, UTC).isoformat()} on"


async def verify_audit(product: Product, known: str) -> str:
    """Looks at the whole audit log; gives a sentence. Raises Unusable with what is wrong."""
    verdict = await audit.verify(product.database, product.secrets, known)
    if verdict.problems:
        raise Unusable("the audit log is not as it was written: " + "; ".join(verdict.problems))
    waiting = f", and {verdict.waiting} wait to be sealed" if verdict.waiting else ""
    return f"{verdict.sealed} rows, all as they were written{waiting}; the end is {verdict.head}"
