"""Templates and properties, and the records that come with them; properties of users and devices."""

import sqlalchemy as sa
from alembic import op
from gamehall_server.kit.storage.totals import triggers

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "disposition_total_context_context_id",
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("context_id", sa.String(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("context", "context_id", "part", name=op.f("pk_disposition_total_context_context_id")),
        sqlite_with_rowid=False,
    )
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
        "tagged",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "record", "tag", name=op.f("pk_tagged")),
    )
    op.create_index("ix_tagged_kind", "tagged", ["kind", "tag", "record"], unique=False)
    op.create_index("ix_tagged_tag", "tagged", ["tag"], unique=False)
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
    op.create_index("ix_category_active", "category", ["active", "id"], unique=False)
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
    op.create_table(
        "address",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, increment=64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("first_name", sa.String(), nullable=False),
        sa.Column("last_name", sa.String(), nullable=False),
        sa.Column("address1", sa.String(), nullable=False),
        sa.Column("address2", sa.String(), nullable=True),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("state_code", sa.String(), nullable=True),
        sa.Column("postal_code", sa.String(), nullable=True),
        sa.Column("phone1", sa.String(), nullable=True),
        sa.Column("phone2", sa.String(), nullable=True),
        sa.Column("default", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_address_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_address_user", "address", ["user_id", "id"], unique=False)
    op.create_table(
        "article",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("category_id", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=True),
        sa.Column("template", sa.String(), nullable=True),
        sa.Column("additional_properties", sa.LargeBinary(), nullable=True),
        sa.Column("created_date", sa.BigInteger(), nullable=False),
        sa.Column("updated_date", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name=op.f("fk_article_category_id")),
        sa.ForeignKeyConstraint(["template"], ["template.id"], name=op.f("fk_article_template")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
    )
    op.create_index("ix_article_active", "article", ["active", "id"], unique=False)
    op.create_index("ix_article_category", "article", ["category_id", "active", "id"], unique=False)
    op.create_index(op.f("ix_article_template"), "article", ["template"], unique=False)
    op.create_table(
        "disposition",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, increment=64), nullable=False),
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("context_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("created_date", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_disposition_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposition")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_disposition_one", "disposition", ["context", "context_id", "user_id", "name"], unique=True)
    op.create_index("ix_disposition_thing", "disposition", ["context", "context_id", "id"], unique=False)
    op.create_index("ix_disposition_user", "disposition", ["user_id", "id"], unique=False)
    op.create_table(
        "friend",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("friend_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["friend_id"], ["user.id"], name=op.f("fk_friend_friend_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_friend_user_id")),
        sa.PrimaryKeyConstraint("user_id", "friend_id", name=op.f("pk_friend")),
    )
    op.create_index(op.f("ix_friend_friend_id"), "friend", ["friend_id"], unique=False)
    op.create_table(
        "friend_request",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("asking_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["asking_id"], ["user.id"], name=op.f("fk_friend_request_asking_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_friend_request_user_id")),
        sa.PrimaryKeyConstraint("user_id", "asking_id", name=op.f("pk_friend_request")),
    )
    op.create_index("ix_friend_request_asks", "friend_request", ["asking_id", "user_id"], unique=False)
    op.create_table(
        "relationship",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, increment=64), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=False),
        sa.Column("child_id", sa.BigInteger(), nullable=False),
        sa.Column("context", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["child_id"], ["user.id"], name=op.f("fk_relationship_child_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["user.id"], name=op.f("fk_relationship_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relationship")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_relationship_child", "relationship", ["child_id", "id"], unique=False)
    op.create_index("ix_relationship_pair", "relationship", ["parent_id", "child_id", "context"], unique=True)
    for statement in triggers(op.get_bind().dialect.name, "disposition", ("context", "context_id")):
        op.execute(statement)
    for table in ("device", "user"):
        op.add_column(table, sa.Column("additional_properties", sa.LargeBinary(), nullable=True))
        # SQLite adds no constraint to a table, but a column that has one.
        op.execute(f'ALTER TABLE "{table}" ADD COLUMN template VARCHAR CONSTRAINT fk_{table}_template REFERENCES template (id)')
        op.create_index(op.f(f"ix_{table}_template"), table, ["template"], unique=False)


def downgrade() -> None:
    raise RuntimeError("the way back would lose templates and properties: restore a backup")
