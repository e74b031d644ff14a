"""Users without an address or a password, tags, password resets, attempts, and deliveries of the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_at"), "attempt", ["at"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["outbox.id"], name=op.f("fk_delivery_event_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_delivery")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_delivery_at"), "delivery", ["at"], unique=False)
    op.create_index("ix_delivery_due", "delivery", ["consumer", "due", "seq"], unique=False)
    op.create_index(op.f("ix_delivery_event_id"), "delivery", ["event_id"], unique=False)
    op.create_index("ix_delivery_key", "delivery", ["consumer", "key", "seq"], unique=False)
    op.create_table(
        "known_place",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_known_place")),
    )
    op.create_index(op.f("ix_known_place_at"), "known_place", ["at"], unique=False)
    op.create_table(
        "password_reset",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_password_reset_user_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_password_reset")),
    )
    op.create_index(op.f("ix_password_reset_expires_at"), "password_reset", ["expires_at"], unique=False)
    op.create_index(op.f("ix_password_reset_user_id"), "password_reset", ["user_id"], unique=False)
    op.create_table(
        "user_tag",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_user_tag_user_id")),
        sa.PrimaryKeyConstraint("user_id", "tag", name=op.f("pk_user_tag")),
    )
    op.create_index(op.f("ix_user_tag_tag"), "user_tag", ["tag"], unique=False)
    op.create_index(op.f("ix_outbox_at"), "outbox", ["at"], unique=False)
    op.add_column("user", sa.Column("email_folded", sa.String(), nullable=True))
    with op.batch_alter_table("user", table_kwargs={"sqlite_autoincrement": True}) as user:
        for column in ("email", "email_key", "password_hash"):
            user.alter_column(column, existing_type=sa.String(), nullable=True)
    op.execute('UPDATE "user" SET email_folded = email_key')
    op.create_index(op.f("ix_user_email_folded"), "user", ["email_folded"], unique=False)
    op.create_index(op.f("ix_user_mobile_number"), "user", ["mobile_number"], unique=False)


def downgrade() -> None:
    raise RuntimeError("the way back would lose data: restore a backup")
