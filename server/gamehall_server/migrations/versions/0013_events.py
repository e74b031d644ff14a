"""Triggers, and the log of events."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bre_trigger",
        sa.Column("event_name", sa.String(), nullable=False),
        sa.Column("trigger_name", sa.String(), nullable=False),
        sa.Column("trigger_description", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("parameters", sa.LargeBinary(), nullable=True),
        sa.Column("system_trigger", sa.Boolean(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("event_name", name=op.f("pk_bre_trigger")),
    )
    head = op.create_table(
        "event_head",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_event_head")),
    )
    op.bulk_insert(head, [{"name": "events", "position": 0}])
    op.add_column("outbox", sa.Column("request", sa.String(), nullable=True))
    op.add_column("outbox", sa.Column("listed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("outbox", sa.Column("seq", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("position", sa.BigInteger(), nullable=True))
    op.create_index("ix_outbox_position", "outbox", ["listed", "position", "seq", "id"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        # Drawn as a row is written; SQLite has one writer and needs none.
        op.execute("CREATE SEQUENCE outbox_seq OWNED BY outbox.seq")
        op.execute("ALTER TABLE outbox ALTER COLUMN seq SET DEFAULT nextval('outbox_seq')")


def downgrade() -> None:
    raise RuntimeError("the way back would lose triggers and what the log tells: restore a backup")
