"""Categories of triggers and actions."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bre_category",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("additional_properties", sa.LargeBinary(), nullable=True),
        sa.Column("template", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["template"], ["template.id"], name=op.f("fk_bre_category_template")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_bre_category")),
    )
    op.create_index(op.f("ix_bre_category_template"), "bre_category", ["template"], unique=False)


def downgrade() -> None:
    raise RuntimeError("the way back would lose data: restore a backup")
