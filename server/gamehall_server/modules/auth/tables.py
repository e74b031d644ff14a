"""What is kept of sessions, refresh tokens and signing keys."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import Moment, NumberedRow


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
    """A key that signs access tokens, as PEM. The newest signs; all verify."""

    __tablename__ = "signing_key"

    kid: str = Field(primary_key=True)
    private_pem: str = Field(nullable=False)
    created_at: int = Field(sa_type=Moment, nullable=False)
