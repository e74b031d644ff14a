"""Configs, maintenance, and currencies with those of ISO 4217."""

import pycountry
import sqlalchemy as sa
from alembic import op
from gamehall_server.kit.clock import SystemClock

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "config",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("public_read", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_config")),
    )
    op.create_table(
        "currency",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.Column("factor", sa.String(), nullable=False),
        sa.Column("icon", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("default_currency", sa.Boolean(), nullable=False),
        sa.Column("created_date", sa.BigInteger(), nullable=False),
        sa.Column("updated_date", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_currency")),
    )
    op.create_table(
        "maintenance",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("access_locked", sa.Boolean(), nullable=False),
        sa.Column("details", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_maintenance")),
    )
    metadata = sa.MetaData()
    maintenance, currency = (sa.Table(name, metadata, autoload_with=op.get_bind()) for name in ("maintenance", "currency"))
    # The row of the notice, which says nothing yet.
    op.bulk_insert(maintenance, [{"name": "notice", "message": None, "access_locked": False, "details": None}])
    op.bulk_insert(currency, currencies())


def downgrade() -> None:
    raise RuntimeError("the way back would lose configs and notices: restore a backup")


def currencies():
    """Every currency of ISO 4217. One is in use, and the default; an administrator gives the others a factor and puts them into use."""
    now = SystemClock().now()
    fixed = {"type": 1, "factor": "1", "icon": None, "created_date": now, "updated_date": now}
    return [
        {"code": each.alpha_3, "name": each.name, "active": each.alpha_3 == "USD", "default_currency": each.alpha_3 == "USD", **fixed}
        for each in pycountry.currencies
        # They stand for a test and for no currency.
        if each.alpha_3 not in ("XTS", "XXX")
    ]
