"""How often articles were read."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("article", sa.Column("view_count", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    raise RuntimeError("the way back would lose views of articles: restore a backup")
