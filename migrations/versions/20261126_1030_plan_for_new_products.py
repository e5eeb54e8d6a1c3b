"""The service may analyze `products`: a CSV of a hundred thousand is planned for what it has just put there."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("grant maintain on products to plugosync_app")


def downgrade() -> None:
    op.execute("revoke maintain on products from plugosync_app")
