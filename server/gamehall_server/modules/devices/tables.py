"""What is kept of devices: their owners, their users, their tags, and the secrets that some prove themselves with."""

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import JSONText, Moment


class DeviceRow(SQLModel, table=True):
    """A device. What is a mobile device's alone is null for others; `device_type` tells which it is."""

    __tablename__ = "device"
    __table_args__ = (Index("ix_device_owner", "owner_id", "id"),)

    id: str = Field(primary_key=True)
    device_type: str = Field(nullable=False)
    name: str | None = Field(default=None)
    description: str | None = Field(default=None)
    location: str | None = Field(default=None)
    mac_address: str | None = Field(default=None)
    make: str | None = Field(default=None)
    model: str | None = Field(default=None)
    os: str | None = Field(default=None)
    serial: str | None = Field(default=None)
    condition: str | None = Field(default=None)
    status: str | None = Field(default=None)
    data: str | None = Field(default=None, sa_type=JSONText)
    authorization: str | None = Field(default=None)
    imei: str | None = Field(default=None)
    notification_platform: str | None = Field(default=None)
    number: str | None = Field(default=None)
    owner_id: int | None = Field(default=None, foreign_key="user.id", sa_type=BigInteger)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


class DeviceUserRow(SQLModel, table=True):
    """Somebody who uses a device now."""

    __tablename__ = "device_user"

    device_id: str = Field(primary_key=True, foreign_key="device.id", ondelete="CASCADE")
    user_id: int = Field(primary_key=True, foreign_key="user.id", sa_type=BigInteger, index=True)


class DeviceTagRow(SQLModel, table=True):
    """A word that groups devices."""

    __tablename__ = "device_tag"

    device_id: str = Field(primary_key=True, foreign_key="device.id", ondelete="CASCADE")
    tag: str = Field(primary_key=True, index=True)
