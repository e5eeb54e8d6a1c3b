"""Orders that are received first, stores with an address of their own, parcel numbers of ours."""

from alembic import op
import sqlalchemy as sa

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

FUNCTIONS: dict[str, str] = {
    "auto_receiving_shops() returns table (merchant_id uuid, shop_id uuid)": """
language sql stable as $$
  select s.merchant_id, s.id from shops s
  join accounts a on a.merchant_id = s.merchant_id and a.id = s.account_id
  where a.is_active and not s.is_paused and s.auto_receive->>'mode' <> 'off' $$""",
}


def upgrade() -> None:
    op.add_column("orders", sa.Column("first_step", sa.Text(), nullable=False, server_default="none"))
    op.add_column("orders", sa.Column("received_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("orders", sa.Column("received_by", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("is_urgent", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("orders", sa.Column("cancels_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("orders", sa.Column("is_own_courier", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("packages", sa.Column("awaits_receipt", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.create_index(
        "ix_orders_gated",
        "orders",
        ["merchant_id", "shop_id", "placed_at"],
        postgresql_where=sa.text("status = 'ordered' and first_step = 'gate'"),
    )
    op.add_column("connections", sa.Column("store_url", sa.Text(), nullable=True))
    op.add_column("accounts", sa.Column("pushes_subscribed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "parcel_numbers",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_parcel_numbers")),
    )
    _wall_off("parcel_numbers")
    for signature, body in FUNCTIONS.items():
        op.execute(f"create function {signature} security definer set search_path = pg_catalog, public {body.strip()}")
        name = signature.split("(")[0]
        op.execute(f"alter function {name} owner to plugosync_system")
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to plugosync_app")


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


def downgrade() -> None:
    op.execute("drop function auto_receiving_shops")
    op.drop_table("parcel_numbers")
    op.drop_column("accounts", "pushes_subscribed_at")
    op.drop_column("connections", "store_url")
    op.drop_index("ix_orders_gated", "orders")
    op.drop_column("packages", "awaits_receipt")
    for name in ("is_own_courier", "cancels_at", "is_urgent", "received_by", "received_at", "first_step"):
        op.drop_column("orders", name)
