"""What is kept of refresh tokens and signing keys. Sessions are kept by `access`, which ends them."""

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import Moment, NumberedRow
from gamehall_server.modules.access.tables import SessionRow

__all__ = ["LocationLogRow", "RefreshTokenRow", "SessionRow", "SigningKeyRow"]


class RefreshTokenRow(SQLModel, table=True):
    """A refresh token by its SHA-256. Once used it remembers its child, sealed with a key that only the token itself gives."""

    __tablename__ = "refresh_token"

    hash: str = Field(primary_key=True)
    session_id: int = Field(foreign_key="session.id", sa_type=BigInteger, nullable=False, index=True)
    expires_at: int = Field(sa_type=Moment, nullable=False)
    used_at: int | None = Field(default=None, sa_type=Moment)
    replays: int = Field(default=0, nullable=False)
    child_hash: str | None = Field(default=None)
    sealed_child: str | None = Field(default=None)


class SigningKeyRow(SQLModel, table=True):
    """A key pair that signs access tokens. `sealed` is the private half (kit/secrets.py), `public` the other one as PEM.

    It is announced from the beginning, signs from `signs_from` until the next one does, and is retired then."""

    __tablename__ = "signing_key"

    kid: str = Field(primary_key=True)
    sealed: str = Field(nullable=False)
    public: str | None = Field(default=None)
    created_at: int = Field(sa_type=Moment, nullable=False)
    signs_from: int = Field(sa_type=Moment, nullable=False)


class LocationLogRow(NumberedRow, table=True):
    """A token that a user was given: when, and where the request came from."""

    __tablename__ = "location_log"
    __table_args__ = (Index("ix_location_log_user_id_time", "user_id", "time", "id"),)

    user_id: int = Field(foreign_key="user.id", sa_type=BigInteger, nullable=False)
    time: int = Field(sa_type=Moment, nullable=False, index=True)
    ip: str = Field(nullable=False)
    country: str | None = Field(default=None)
