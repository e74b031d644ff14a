"""Groups, objects, artists, videos, polls, flags and reports."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "flag_report",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, increment=64), nullable=False),
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("context_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("resolution", sa.SmallInteger(), nullable=True),
        sa.Column("resolved", sa.BigInteger(), nullable=True),
        sa.Column("created_date", sa.BigInteger(), nullable=False),
        sa.Column("updated_date", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag_report")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_flag_report_open",
        "flag_report",
        ["context", "context_id"],
        unique=True,
        sqlite_where=sa.text("resolved IS NULL"),
        postgresql_where=sa.text("resolved IS NULL"),
    )
    op.create_index("ix_flag_report_resolved", "flag_report", ["resolved", "id"], unique=False)
    op.create_table(
        "artist",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, increment=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("short_description", sa.String(), nullable=True),
        sa.Column("long_description", sa.String(), nullable=True),
        sa.Column("born", sa.String(), nullable=True),
        sa.Column("died", sa.String(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("contribution_count", sa.BigInteger(), nullable=False),
        sa.Column("template", sa.String(), nullable=True),
        sa.Column("additional_properties", sa.LargeBinary(), nullable=True),
        sa.Column("created_date", sa.BigInteger(), nullable=False),
        sa.Column("updated_date", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["template"], ["template.id"], name=op.f("fk_artist_template")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artist")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_artist_template"), "artist", ["template"], unique=False)
    op.create_table(
        "group",
        sa.Column("unique_name", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("message_of_the_day", sa.String(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("member_count", sa.BigInteger(), nullable=False),
        sa.Column("sub_member_count", sa.BigInteger(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=True),
        sa.Column("template", sa.String(), nullable=True),
        sa.Column("additional_properties", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["parent"], ["group.unique_name"], name=op.f("fk_group_parent"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["template"], ["template.id"], name=op.f("fk_group_template")),
        sa.PrimaryKeyConstraint("unique_name", name=op.f("pk_group")),
    )
    op.create_index(op.f("ix_group_parent"), "group", ["parent"], unique=False)
    op.create_index(op.f("ix_group_template"), "group", ["template"], unique=False)
    op.create_table(
        "object",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, increment=64), nullable=False),
        sa.Column("template_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("short_description", sa.String(), nullable=True),
        sa.Column("long_description", sa.String(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.Column("unique_key", sa.String(), nullable=True),
        sa.Column("tags", sa.LargeBinary(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("behaviors", sa.LargeBinary(), nullable=True),
        sa.Column("created_date", sa.BigInteger(), nullable=False),
        sa.Column("updated_date", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["template_id"], ["template.id"], name=op.f("fk_object_template_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_object")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_object_template", "object", ["template_id", "id"], unique=False)
    op.create_index("ix_object_unique", "object", ["template_id", "unique_key"], unique=True)
    op.create_table(
        "behavior_group",
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("limits", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["object_id"], ["object.id"], name=op.f("fk_behavior_group_object_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("object_id", "kind", name=op.f("pk_behavior_group")),
    )
    op.create_index("ix_behavior_group_name", "behavior_group", ["kind", "name"], unique=False)
    op.create_table(
        "blocked",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("blocked_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["blocked_id"], ["user.id"], name=op.f("fk_blocked_blocked_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_blocked_user_id")),
        sa.PrimaryKeyConstraint("user_id", "blocked_id", name=op.f("pk_blocked")),
    )
    op.create_index(op.f("ix_blocked_blocked_id"), "blocked", ["blocked_id"], unique=False)
    op.create_table(
        "flag",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, increment=64), nullable=False),
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("context_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("created_date", sa.BigInteger(), nullable=False),
        sa.Column("updated_date", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_flag_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_flag_one", "flag", ["context", "context_id", "user_id"], unique=True)
    op.create_index("ix_flag_user", "flag", ["user_id", "id"], unique=False)
    op.create_table(
        "group_member",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, increment=64), nullable=False),
        sa.Column("group_name", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("implicit", sa.Boolean(), nullable=False),
        sa.Column("through", sa.Integer(), nullable=False),
        sa.Column("order", sa.String(), nullable=True),
        sa.Column("template", sa.String(), nullable=True),
        sa.Column("additional_properties", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["group_name"], ["group.unique_name"], name=op.f("fk_group_member_group_name"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["template"], ["template.id"], name=op.f("fk_group_member_template")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_group_member_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_member")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_group_member_one", "group_member", ["group_name", "user_id"], unique=True)
    op.create_index("ix_group_member_order", "group_member", ["group_name", "order", "id"], unique=False)
    op.create_index(op.f("ix_group_member_template"), "group_member", ["template"], unique=False)
    op.create_index("ix_group_member_user", "group_member", ["user_id", "group_name"], unique=False)
    op.create_table(
        "poll",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=True),
        sa.Column("category_id", sa.String(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=True),
        sa.Column("template", sa.String(), nullable=True),
        sa.Column("additional_properties", sa.LargeBinary(), nullable=True),
        sa.Column("created_date", sa.BigInteger(), nullable=False),
        sa.Column("updated_date", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name=op.f("fk_poll_category_id")),
        sa.ForeignKeyConstraint(["template"], ["template.id"], name=op.f("fk_poll_template")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poll")),
    )
    op.create_index("ix_poll_category", "poll", ["category_id", "id"], unique=False)
    op.create_index(op.f("ix_poll_template"), "poll", ["template"], unique=False)
    op.create_table(
        "video",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, increment=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("short_description", sa.String(), nullable=True),
        sa.Column("long_description", sa.String(), nullable=True),
        sa.Column("location", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("mime_type", sa.String(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("embed", sa.String(), nullable=True),
        sa.Column("thumbnail", sa.String(), nullable=True),
        sa.Column("category_id", sa.String(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("authored", sa.BigInteger(), nullable=True),
        sa.Column("uploader_id", sa.BigInteger(), nullable=True),
        sa.Column("privacy", sa.SmallInteger(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("banned", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("views", sa.BigInteger(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=True),
        sa.Column("template", sa.String(), nullable=True),
        sa.Column("additional_properties", sa.LargeBinary(), nullable=True),
        sa.Column("created_date", sa.BigInteger(), nullable=False),
        sa.Column("updated_date", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["artist.id"], name=op.f("fk_video_author_id")),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name=op.f("fk_video_category_id")),
        sa.ForeignKeyConstraint(["template"], ["template.id"], name=op.f("fk_video_template")),
        sa.ForeignKeyConstraint(["uploader_id"], ["user.id"], name=op.f("fk_video_uploader_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_video")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_video_author", "video", ["author_id", "id"], unique=False)
    op.create_index("ix_video_category", "video", ["category_id", "id"], unique=False)
    op.create_index("ix_video_shown", "video", ["published", "banned", "privacy", "id"], unique=False)
    op.create_index(op.f("ix_video_template"), "video", ["template"], unique=False)
    op.create_index("ix_video_uploader", "video", ["uploader_id", "id"], unique=False)
    op.create_table(
        "contribution",
        sa.Column("video_id", sa.BigInteger(), nullable=False),
        sa.Column("artist_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["artist_id"], ["artist.id"], name=op.f("fk_contribution_artist_id")),
        sa.ForeignKeyConstraint(["video_id"], ["video.id"], name=op.f("fk_contribution_video_id")),
        sa.PrimaryKeyConstraint("video_id", "artist_id", "role", name=op.f("pk_contribution")),
    )
    op.create_index("ix_contribution_artist", "contribution", ["artist_id", "added"], unique=False)
    op.create_table(
        "poll_vote",
        sa.Column("poll_id", sa.String(), nullable=False),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("answered_date", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["poll_id"], ["poll.id"], name=op.f("fk_poll_vote_poll_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_poll_vote_user_id")),
        sa.PrimaryKeyConstraint("poll_id", "principal", name=op.f("pk_poll_vote")),
    )
    op.create_index("ix_poll_vote_answer", "poll_vote", ["poll_id", "answer"], unique=False)
    op.create_table(
        "related_video",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, increment=64), nullable=False),
        sa.Column("from_id", sa.BigInteger(), nullable=False),
        sa.Column("to_id", sa.BigInteger(), nullable=False),
        sa.Column("relationship_details", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["from_id"], ["video.id"], name=op.f("fk_related_video_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["video.id"], name=op.f("fk_related_video_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_related_video")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_related_video_one", "related_video", ["from_id", "to_id", "relationship_details"], unique=True)
    op.create_index(op.f("ix_related_video_to_id"), "related_video", ["to_id"], unique=False)
    op.create_table(
        "video_viewer",
        sa.Column("video_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_video_viewer_user_id")),
        sa.ForeignKeyConstraint(["video_id"], ["video.id"], name=op.f("fk_video_viewer_video_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("video_id", "user_id", name=op.f("pk_video_viewer")),
    )
    op.create_index(op.f("ix_video_viewer_user_id"), "video_viewer", ["user_id"], unique=False)
    op.add_column("template", sa.Column("behaviors", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("the way back would lose groups, objects and media: restore a backup")
