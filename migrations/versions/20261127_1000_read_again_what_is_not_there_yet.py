"""Count how often an order that somebody wants read was not there yet."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("read_requests", sa.Column("absences", sa.SmallInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("read_requests", "absences")
