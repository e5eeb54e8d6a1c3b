"""Answers to buyers' requests, and parcels to be stopped after a cancellation."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("answer_settles_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "stop_parcels",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("package_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "package_id", name=op.f("pk_stop_parcels")),
        sa.ForeignKeyConstraint(
            ["merchant_id", "package_id"],
            ["packages.merchant_id", "packages.id"],
            name=op.f("fk_stop_parcels_merchant_id_package_id_packages"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_stop_parcels_open",
        "stop_parcels",
        ["merchant_id", "package_id"],
        postgresql_where=sa.text("acknowledged_at is null"),
    )
    _wall_off("stop_parcels")


def _wall_off(table: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f"create policy tenant on {table} using (merchant_id = nullif(current_setting('app.merchant_id', true), '')::uuid)"
        " with check (merchant_id = nullif(current_setting('app.merchant_id', true), '')::uuid)"
    )
    op.execute(f"create policy system on {table} to plugosync_system using (true) with check (true)")
    op.execute(f"grant select, insert, update, delete on {table} to plugosync_app")
    op.execute(f"grant select, insert, update, delete on {table} to plugosync_system")
