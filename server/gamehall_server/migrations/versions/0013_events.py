"""Triggers, the log of events, and rules."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bre_delayed",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, increment=64), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("request", sa.String(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("budget", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bre_delayed")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_bre_delayed_due"), "bre_delayed", ["due"], unique=False)
    op.create_table(
        "bre_global",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("scopes", sa.LargeBinary(), nullable=True),
        sa.Column("system_global", sa.Boolean(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bre_global")),
        sa.UniqueConstraint("signature", name=op.f("uq_bre_global_signature")),
    )
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
    op.create_table(
        "bre_event_rules",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["outbox.id"], name=op.f("fk_bre_event_rules_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_bre_event_rules")),
    )
    op.create_table(
        "bre_global_value",
        sa.Column("global_id", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["global_id"], ["bre_global.id"], name=op.f("fk_bre_global_value_global_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("global_id", "scope", name=op.f("pk_bre_global_value")),
    )
    op.create_table(
        "bre_rule",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("event_name", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.Column("start_date", sa.BigInteger(), nullable=True),
        sa.Column("end_date", sa.BigInteger(), nullable=True),
        sa.Column("condition", sa.LargeBinary(), nullable=True),
        sa.Column("condition_text", sa.String(), nullable=True),
        sa.Column("actions", sa.LargeBinary(), nullable=True),
        sa.Column("system_rule", sa.Boolean(), nullable=False),
        sa.Column("evaluation_count", sa.BigInteger(), nullable=False),
        sa.Column("run_count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_name"], ["bre_trigger.event_name"], name=op.f("fk_bre_rule_event_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bre_rule")),
    )
    op.create_index(op.f("ix_bre_rule_event_name"), "bre_rule", ["event_name"], unique=False)
    op.create_index("ix_bre_rule_sort", "bre_rule", ["sort", "id"], unique=False)
    op.create_table(
        "bre_rule_name",
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("word", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["bre_rule.id"], name=op.f("fk_bre_rule_name_rule_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("rule_id", "kind", "word", name=op.f("pk_bre_rule_name")),
    )
    op.create_index("ix_bre_rule_name_word", "bre_rule_name", ["kind", "word"], unique=False)
    op.bulk_insert(head, [{"name": "events", "position": 0}, {"name": "rules", "position": 0}])
    op.add_column("outbox", sa.Column("request", sa.String(), nullable=True))
    op.add_column("outbox", sa.Column("listed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("outbox", sa.Column("seq", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("depth", sa.Integer(), server_default="0", nullable=False))
    op.add_column("outbox", sa.Column("budget", sa.Integer(), server_default="0", nullable=False))
    op.add_column("outbox", sa.Column("position", sa.BigInteger(), nullable=True))
    op.create_index("ix_outbox_position", "outbox", ["listed", "position", "seq", "id"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        # Drawn as a row is written; SQLite has one writer and needs none.
        op.execute("CREATE SEQUENCE outbox_seq OWNED BY outbox.seq")
        op.execute("ALTER TABLE outbox ALTER COLUMN seq SET DEFAULT nextval('outbox_seq')")


def downgrade() -> None:
    raise RuntimeError("the way back would lose triggers, rules and what the log tells: restore a backup")
