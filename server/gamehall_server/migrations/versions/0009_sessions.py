"""Whose each row of the audit log is; when and where each session was used last."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
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
    op.execute(sa.text("UPDATE session SET used_at = created_at"))
