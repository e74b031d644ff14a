"""What is kept of roles, permissions, clients and settings."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import JSONText, Moment, NumberedRow


class PermissionRow(SQLModel, table=True):
    """A word that opens operations. Locked ones come from the contract."""

    __tablename__ = "permission"

    permission: str = Field(primary_key=True)
    name: str = Field(nullable=False)
    description: str | None = Field(default=None)
    parent: str | None = Field(default=None)
    locked: bool = Field(nullable=False)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


class RoleRow(SQLModel, table=True):
    """A named set of permissions. Locked ones can be neither changed nor deleted."""

    __tablename__ = "role"

    role: str = Field(primary_key=True)
    name: str = Field(nullable=False)
    locked: bool = Field(nullable=False)
    created_date: int = Field(sa_type=Moment, nullable=False)


class RolePermissionRow(SQLModel, table=True):
    """A permission in a role."""

    __tablename__ = "role_permission"

    role: str = Field(primary_key=True, foreign_key="role.role")
    permission: str = Field(primary_key=True, foreign_key="permission.permission", index=True)


class UserRoleRow(SQLModel, table=True):
    """A role that a user holds."""

    __tablename__ = "user_role"

    user_id: int = Field(primary_key=True, foreign_key="user.id", sa_type=BigInteger)
    role: str = Field(primary_key=True, foreign_key="role.role", index=True)


class ClientRow(NumberedRow, table=True):
    """An application that asks for tokens. Its secret is kept as SHA-256; a public client has none. After a change of the secret the one
    before stays good for a while."""

    __tablename__ = "client"

    client_key: str = Field(nullable=False, unique=True)
    name: str = Field(nullable=False)
    secret_hash: str | None = Field(default=None)
    former_secret_hash: str | None = Field(default=None)
    former_secret_until: int | None = Field(default=None, sa_type=Moment)
    is_public: bool = Field(nullable=False)
    locked: bool = Field(nullable=False)
    grant_types: str = Field(sa_type=JSONText, nullable=False)
    # The deployment's own application, which people may trust with their password.
    first_party: bool = Field(nullable=False)
    redirect_uris: str = Field(sa_type=JSONText, nullable=False)
    access_token_validity_seconds: int = Field(nullable=False)
    refresh_token_validity_seconds: int = Field(nullable=False)


class ClientRoleRow(SQLModel, table=True):
    """A role that a client holds."""

    __tablename__ = "client_role"

    client_id: int = Field(primary_key=True, foreign_key="client.id", sa_type=BigInteger)
    role: str = Field(primary_key=True, foreign_key="role.role", index=True)


class SettingRow(SQLModel, table=True):
    """A fact that the deployment settled once, such as the cost of its password hashes."""

    __tablename__ = "setting"

    name: str = Field(primary_key=True)
    value: str = Field(nullable=False)


class SessionRow(NumberedRow, table=True):
    """One sign-in: the family of all tokens that came from it. Ending it ends them all."""

    __tablename__ = "session"

    user_id: int | None = Field(default=None, foreign_key="user.id", sa_type=BigInteger, index=True)
    client_key: str = Field(nullable=False, foreign_key="client.client_key", index=True)
    created_at: int = Field(sa_type=Moment, nullable=False)
    expires_at: int = Field(sa_type=Moment, nullable=False)
    ended_at: int | None = Field(default=None, sa_type=Moment)
    # The grant that opened it, such as "password" or "facebook"; older sessions do not know.
    grant: str | None = Field(default=None)
    # The scope it is limited to; none opens everything.
    scope: str | None = Field(default=None)
    # When a token of it was given last, and where to.
    used_at: int | None = Field(default=None, sa_type=Moment)
    address: str | None = Field(default=None)
    country: str | None = Field(default=None)


class RevocationRow(SQLModel, table=True):
    """A session that was ended, or a user, client or role that may do something else now. Kept until every node has read it."""

    __tablename__ = "revocation"

    id: str = Field(primary_key=True)
    # Of PostgreSQL's numbers, the one of the transaction that wrote the row.
    transaction: int = Field(sa_type=BigInteger, nullable=False, index=True)
    kind: str = Field(nullable=False)
    subject: str = Field(nullable=False)
    at: int = Field(sa_type=Moment, nullable=False, index=True)
