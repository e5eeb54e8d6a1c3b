"""Arranged orders that the courier should have by now are counted from the index alone, so it knows status and stage."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Outside a transaction, so that orders stay writable meanwhile; after a failure it can simply run again.
    with op.get_context().autocommit_block():
        op.drop_index("ix_orders_collect_by", "orders", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            "ix_orders_collect_by",
            "orders",
            ["merchant_id", "collect_by", "id"],
            postgresql_include=["status", "stage"],
            postgresql_where="collect_by is not null",
            postgresql_concurrently=True,
        )
