"""What the daily comparison with the channels found."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "completeness_days",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at_channel", sa.Integer(), nullable=False),
        sa.Column("here", sa.Integer(), nullable=False),
        sa.Column("healed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("missing", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "account_id", "day", name=op.f("pk_completeness_days")),
        sa.ForeignKeyConstraint(
            ["merchant_id", "account_id"],
            ["accounts.merchant_id", "accounts.id"],
            name=op.f("fk_completeness_days_merchant_id_account_id_accounts"),
        ),
    )
    _wall_off("completeness_days")


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
