"""Everybody who may stand before a door: people and clients with each permission alone, with all, with none, and with bad tokens."""

from typing import NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from gamehall_server.kit.storage import Query, table_of
from gamehall_server.modules.access.roles import user_roles
from gamehall_server.modules.access.tables import RolePermissionRow, RoleRow, UserRoleRow
from gamehall_server.modules.auth.sessions import end_session, live_session
from gamehall_server.servicers import permissions_of
from people import Person
from sqlalchemy import bindparam, delete
from worlds import World

give = table_of(UserRoleRow).insert
take = Query(delete(user_roles).where(user_roles.c.user_id == bindparam("user")))


class Caller(NamedTuple):
    """Somebody with a token. `flaw` is why the token is no good, and empty for a good one."""

    name: str
    token: str | None
    holds: frozenset[str] = frozenset()
    user_id: int | None = None
    flaw: str = ""


class Cast(NamedTuple):
    """The callers of one deployment, the user whom the objects of the tests belong to, who makes what no user can, an
    application, and key and secret of a server."""

    owner: Person
    admin: Person
    callers: list[Caller]
    application: str
    server: tuple[str, str]


def cast_of(world: World) -> Cast:
    """Everybody, newly made."""
    every = frozenset(permissions_of(world.server.app))
    users = frozenset(name for name in every if name.endswith("_USER"))
    owner, other, admin = world.person("owner"), world.person("other"), world.admin()
    callers = [
        Caller("anonymous", None),
        Caller("the owner", owner.token, users, owner.id),
        Caller("another user", other.token, users, other.id),
        Caller("the administrator", admin.token, every, admin.id),
        _person(world, "a user without a role"),
        Caller("a client without a role", world.client().token),
        Caller("a client with ROLE_USER", world.client("ROLE_USER").token, users),
        Caller("a client with ROLE_ADMIN", world.client("ROLE_ADMIN").token, every),
        Caller("an expired token", expired(world), flaw="TOKEN_EXPIRED"),
        Caller("a revoked token", revoked(world), flaw="TOKEN_INVALID"),
        Caller("a forged token", forged(owner), flaw="TOKEN_INVALID"),
        Caller("no token at all", "none", flaw="TOKEN_INVALID"),
    ]
    for permission in sorted(every):
        role = _role_with(world, permission)
        callers.append(_person(world, f"a user with {permission} alone", role, permission))
        callers.append(Caller(f"a client with {permission} alone", world.client(role).token, frozenset([permission])))
    return Cast(owner, admin, callers, world.application()[0], world.application("client_credentials", public=False))


def expired(world: World) -> str:
    """A token of a live session, signed with the deployment's key, that is past its time."""
    return issued(world, world.person("late"), -1)


def issued(world: World, person: Person, seconds: int) -> str:
    """A further access token of a person's session."""

    async def issue() -> str:
        product = world.server.product
        session = await live_session(product.database.reader(), session_of(person))
        assert session is not None
        return product.verifier.issue(session, seconds)

    return str(world.inside(issue))


def revoked(world: World) -> str:
    """A token that was used and whose session then ended."""
    person = world.person("gone")
    assert person.get("/me").status_code == 200

    async def end() -> None:
        product = world.server.product

        async def work(db):
            end_session(db, session_of(person), product.app.clock.now())
            db.after(lambda: product.verifier.forget(session_of(person)))

        await product.database.write(work)

    world.inside(end)
    assert person.token
    return person.token


def forged(person: Person) -> str:
    """A person's token with the signature of a key of our own, under the deployment's key id."""
    assert person.token
    claims = jwt.decode(person.token, options={"verify_signature": False})
    return jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", jwt.get_unverified_header(person.token))


def session_of(person: Person) -> int:
    """The session of a person's token."""
    assert person.token
    return int(jwt.decode(person.token, options={"verify_signature": False})["sid"])


def _person(world: World, name: str, *held: str) -> Caller:
    """A user who holds this role, if any, with this permission, and no other."""
    person = world.person("holder")

    async def swap() -> None:
        async def work(db):
            await db.run(take, user=person.id)
            for role in held[:1]:
                await db.run(give, user_id=person.id, role=role)

        await world.server.product.database.write(work)

    world.inside(swap)
    return Caller(name, person.token, frozenset(held[1:]), person.id)


def _role_with(world: World, permission: str) -> str:
    role = f"ROLE_ONLY_{permission}"

    async def add() -> None:
        async def work(db):
            await db.run(table_of(RoleRow).insert, role=role, name=role, locked=False, created_date=0)
            await db.run(table_of(RolePermissionRow).insert, role=role, permission=permission)

        await world.server.product.database.write(work)

    world.inside(add)
    return role
