"""Authorization codes; how a session was opened and what it is limited to; which clients are the deployment's own."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("session", sa.Column("grant", sa.String(), nullable=True))
    op.add_column("session", sa.Column("scope", sa.String(), nullable=True))
    op.add_column("client", sa.Column("first_party", sa.Boolean(), nullable=False, server_default=sa.false()))
    # Until now only operators added clients: they are theirs.
    op.execute(sa.text("UPDATE client SET first_party = true"))
    op.create_table(
        "authorization_code",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("challenge", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_authorization_code_session_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_authorization_code")),
    )
    op.create_index(op.f("ix_authorization_code_expires_at"), "authorization_code", ["expires_at"])
    op.create_index(op.f("ix_authorization_code_session_id"), "authorization_code", ["session_id"])


def downgrade() -> None:
    raise RuntimeError("the way back would make every client a trusted one: restore a backup")
