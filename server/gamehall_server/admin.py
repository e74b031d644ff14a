"""What the command line does to a database that no server has open."""

from gamehall_server.kit.clock import SystemClock
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.storage import Database, Handle
from gamehall_server.main import build
from gamehall_server.modules import users
from gamehall_server.modules.access import ROLE_USER, clients, grant_role, known_roles
from gamehall_server.settings import Settings


async def _check_roles(database: Database, roles: list[str]) -> None:
    known = await known_roles(database.reader())
    for role in roles:
        if role not in known:
            raise NotFound(f"There is no role {role}; there are {', '.join(sorted(known))}.")


async def add_user(settings: Settings, username: str, email: str, password: str, roles: list[str]) -> int:
    """Adds a user with ROLE_USER and further roles; gives the number. Raises Fault for what the API would refuse."""
    product = await build(settings)
    try:
        await _check_roles(product.database, roles)
        wrong = users.wrong_with(username, email, password)
        if wrong:
            raise Invalid(violations=tuple(wrong))
        registration = users.Registration(username, email, await product.hasher.hash(password), {})
        now = SystemClock().now()
        numbers: list[int] = []

        async def add(db: Handle) -> None:
            row = await users.register(db, now, registration, *dict.fromkeys([ROLE_USER, *roles]))
            numbers.append(row[0])

        await product.database.write(add)
        return numbers[-1]
    finally:
        await product.close()


async def add_client(settings: Settings, client_key: str, name: str, public: bool, roles: list[str]) -> str:
    """Adds an API client with roles; gives its secret, or "" for a public one. Raises Fault when the key is taken."""
    product = await build(settings)
    try:
        await _check_roles(product.database, roles)
        grants = ("password", "refresh_token") if public else ("client_credentials",)
        secrets: list[str] = []

        async def add(db: Handle) -> None:
            number, secret = await clients.add_client(db, client_key, name, grants, public=public)
            for role in roles:
                grant_role(db, role, client_id=number)
            secrets.append(secret)

        await product.database.write(add)
        return secrets[-1]
    finally:
        await product.close()
