"""Revocations, sealed signing keys, secrets that change, the location log, and the chain of the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "revocation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("transaction", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocation")),
    )
    op.create_index(op.f("ix_revocation_at"), "revocation", ["at"], unique=False)
    op.create_index(op.f("ix_revocation_transaction"), "revocation", ["transaction"], unique=False)
    op.create_table(
        "location_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, increment=64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("ip", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_location_log_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location_log")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_location_log_time"), "location_log", ["time"], unique=False)
    op.create_index("ix_location_log_user_id_time", "location_log", ["user_id", "time", "id"], unique=False)
    op.add_column("permission", sa.Column("description", sa.String(), nullable=True))
    op.add_column("permission", sa.Column("parent", sa.String(), nullable=True))
    op.add_column("permission", sa.Column("created_date", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("permission", sa.Column("updated_date", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("client", sa.Column("former_secret_hash", sa.String(), nullable=True))
    op.add_column("client", sa.Column("former_secret_until", sa.BigInteger(), nullable=True))
    # What was stored in clear is sealed when the server starts next.
    op.execute("ALTER TABLE signing_key RENAME COLUMN private_pem TO sealed")
    op.add_column("signing_key", sa.Column("public", sa.String(), nullable=True))
    op.add_column("signing_key", sa.Column("signs_from", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE signing_key SET signs_from = created_at")
    # Rows from before have no place in the chain until the server seals them.
    op.add_column("audit", sa.Column("client", sa.String(), nullable=True))
    op.add_column("audit", sa.Column("target", sa.String(), nullable=True))
    op.add_column("audit", sa.Column("changes", sa.Text(), nullable=True))
    op.add_column("audit", sa.Column("seq", sa.BigInteger(), nullable=True))
    op.add_column("audit", sa.Column("prev_hash", sa.String(), nullable=True))
    op.add_column("audit", sa.Column("hash", sa.String(), nullable=True))
    op.create_index(op.f("ix_audit_seq"), "audit", ["seq"], unique=True)
    op.create_table(
        "audit_head",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_head")),
    )
    op.execute("INSERT INTO audit_head (name, seq, hash, mark) VALUES ('head', 0, '', '')")


def downgrade() -> None:
    raise RuntimeError("the way back would lose the audit log's chain and open the signing keys: restore a backup")
