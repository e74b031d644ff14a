"""How many comments each object has, kept beside them."""

import sqlalchemy as sa
from alembic import op
from gamehall_server.kit.storage.totals import filled, triggers

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COUNTED = ("comment", ("context", "context_id"))


def upgrade() -> None:
    op.create_table(
        "comment_total_context_context_id",
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("context_id", sa.String(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("context", "context_id", "part", name=op.f("pk_comment_total_context_context_id")),
        sqlite_with_rowid=False,
    )
    # First the triggers: on PostgreSQL they lock writers out, so that nothing comes between them and the count.
    for statement in triggers(op.get_bind().dialect.name, *COUNTED):
        op.execute(statement)
    op.execute(filled(*COUNTED))


def downgrade() -> None:
    raise RuntimeError("the versions before count for themselves, and go on beside this schema: restore a backup")
