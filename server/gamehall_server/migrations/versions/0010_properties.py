"""Templates, what lists find records by, categories; properties of users and devices."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "property_value",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("number", sa.Numeric(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "record", "name", name=op.f("pk_property_value")),
    )
    op.create_index("ix_property_value_number", "property_value", ["kind", "name", "number", "record"], unique=False)
    op.create_index(op.f("ix_property_value_template_id"), "property_value", ["template_id"], unique=False)
    op.create_index("ix_property_value_text", "property_value", ["kind", "name", "text", "record"], unique=False)
    op.create_table(
        "template",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("allow_additional", sa.Boolean(), nullable=False),
        sa.Column("properties", sa.LargeBinary(), nullable=True),
        sa.Column("created_date", sa.BigInteger(), nullable=False),
        sa.Column("updated_date", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
    )
    op.create_index("ix_template_kind", "template", ["kind", "id"], unique=False)
    op.create_table(
        "category",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("additional_properties", sa.LargeBinary(), nullable=True),
        sa.Column("template", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["template"], ["template.id"], name=op.f("fk_category_template")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
    )
    op.create_index(op.f("ix_category_template"), "category", ["template"], unique=False)
    op.create_table(
        "indexed_property",
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["template_id"], ["template.id"], name=op.f("fk_indexed_property_template_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("template_id", "name", name=op.f("pk_indexed_property")),
    )
    op.create_index(op.f("ix_indexed_property_kind"), "indexed_property", ["kind"], unique=False)
    for table in ("device", "user"):
        op.add_column(table, sa.Column("additional_properties", sa.LargeBinary(), nullable=True))
        # SQLite adds no constraint to a table, but a column that has one.
        op.execute(f'ALTER TABLE "{table}" ADD COLUMN template VARCHAR CONSTRAINT fk_{table}_template REFERENCES template (id)')
        op.create_index(op.f(f"ix_{table}_template"), table, ["template"], unique=False)


def downgrade() -> None:
    raise RuntimeError("the way back would lose templates and properties: restore a backup")
