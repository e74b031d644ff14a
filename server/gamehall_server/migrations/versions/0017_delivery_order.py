"""An index for deliveries in their order."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_delivery_order", "delivery", ["consumer", "seq"], unique=False)


def downgrade() -> None:
    raise RuntimeError("the way back would lose data: restore a backup")
