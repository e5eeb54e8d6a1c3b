"""Saved views of the order desk; packages found by the number on their label."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("owner_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filter", JSONB(), nullable=False),
        sa.Column("sort", sa.Text(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("merchant_id", "owner_id", "name", name=op.f("uq_saved_views_merchant_id_owner_id_name")),
    )
    _wall_off("saved_views")
    op.create_index("ix_packages_number", "packages", ["merchant_id", "package_number"])


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
