"""What is kept of roles, permissions, clients and settings."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import JSONText, Moment, NumberedRow


class PermissionRow(SQLModel, table=True):
    """A word that opens operations. Locked ones come from the contract."""

    __tablename__ = "permission"

    permission: str = Field(primary_key=True)
    name: str = Field(nullable=False)
    locked: bool = Field(nullable=False)


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
    """An application that asks for tokens. Its secret is kept as SHA-256; a public client has none."""

    __tablename__ = "client"

    client_key: str = Field(nullable=False, unique=True)
    name: str = Field(nullable=False)
    secret_hash: str | None = Field(default=None)
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
