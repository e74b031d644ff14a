"""How a session was opened, and which clients are the deployment's own."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("session", sa.Column("grant", sa.String(), nullable=True))
    op.add_column("client", sa.Column("first_party", sa.Boolean(), nullable=False, server_default=sa.false()))
    # Until now only operators added clients: they are theirs.
    op.execute(sa.text("UPDATE client SET first_party = true"))


def downgrade() -> None:
    raise RuntimeError("the way back would make every client a trusted one: restore a backup")
