"""Devices, their users and tags, and what those that sign in prove themselves with."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("device_type", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("location", sa.String(), nullable=True),
        sa.Column("mac_address", sa.String(), nullable=True),
        sa.Column("make", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("os", sa.String(), nullable=True),
        sa.Column("serial", sa.String(), nullable=True),
        sa.Column("authorization", sa.String(), nullable=True),
        sa.Column("condition", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("data_json", sa.Text(), nullable=True),
        sa.Column("imei", sa.String(), nullable=True),
        sa.Column("notification_platform", sa.String(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("created_date", sa.BigInteger(), nullable=False),
        sa.Column("updated_date", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_device_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
    )
    op.create_index("ix_device_owner", "device", ["owner_id", "id"], unique=False)
    op.create_table(
        "device_secret",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_secret_device_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_device_secret_user_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_secret")),
        sa.UniqueConstraint("user_id", name=op.f("uq_device_secret_user_id")),
    )
    op.create_table(
        "device_tag",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_tag_device_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("device_id", "tag", name=op.f("pk_device_tag")),
    )
    op.create_index(op.f("ix_device_tag_tag"), "device_tag", ["tag"], unique=False)
    op.create_table(
        "device_user",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_user_device_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_device_user_user_id")),
        sa.PrimaryKeyConstraint("device_id", "user_id", name=op.f("pk_device_user")),
    )
    op.create_index(op.f("ix_device_user_user_id"), "device_user", ["user_id"], unique=False)


def downgrade() -> None:
    raise RuntimeError("the way back would lose devices, and who signs in with one: restore a backup")
