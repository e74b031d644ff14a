"""Whose each row of the audit log is; when and where each session was used last; second factors."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit", sa.Column("user_id", sa.BigInteger(), nullable=True))
    op.execute(sa.text("UPDATE audit SET user_id = CAST(substr(principal, 6) AS BIGINT) WHERE principal LIKE 'user:%'"))
    op.create_index(op.f("ix_audit_at"), "audit", ["at", "id"])
    op.create_index(op.f("ix_audit_user_id_at"), "audit", ["user_id", "at", "id"])
    op.create_index(op.f("ix_audit_operation_at"), "audit", ["operation", "at", "id"])
    op.add_column("session", sa.Column("used_at", sa.BigInteger(), nullable=True))
    op.add_column("session", sa.Column("address", sa.String(), nullable=True))
    op.add_column("session", sa.Column("country", sa.String(), nullable=True))
    op.create_table(
        "second_factor",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_second_factor_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factor")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_recovery_code_user_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_recovery_code")),
    )
    op.create_index(op.f("ix_recovery_code_user_id"), "recovery_code", ["user_id"])


def downgrade() -> None:
    raise RuntimeError("the way back would open accounts that have a second factor to their passwords alone: restore a backup")
