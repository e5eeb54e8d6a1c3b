"""What a comparison with the channel brought up to date, and how the last one of an account ended."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("completeness_days", sa.Column("refreshed", sa.Integer(), server_default="0", nullable=False))
    op.add_column("completeness_days", sa.Column("last_healed_at", sa.DateTime(timezone=True)))
    op.add_column("accounts", sa.Column("compared_at", sa.DateTime(timezone=True)))
    for column in ("orders_missing", "orders_healed", "orders_refreshed"):
        op.add_column("accounts", sa.Column(column, sa.Integer(), server_default="0", nullable=False))
