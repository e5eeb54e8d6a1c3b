"""Master Products, listings and their links, the movement ledger and the log of stock pushes."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = ("products", "listings", "stock_movements", "stock_pushes")
SIGNATURE = "stocked_accounts() returns table (merchant_id uuid, account_id uuid)"
BODY = """
language sql stable as $$
  select distinct l.merchant_id, l.account_id from listings l
  join accounts a on a.merchant_id = l.merchant_id and a.id = l.account_id
  where a.is_active and l.product_id is not null $$"""


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "products",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("reserved", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("buffer", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("counted_at", moment, nullable=True),
        sa.Column("is_archived", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "id", name=op.f("pk_products")),
        sa.UniqueConstraint("merchant_id", "sku", name=op.f("uq_products_merchant_id_sku")),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_products_on_hand")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_products_reserved")),
        sa.CheckConstraint("buffer >= 0", name=op.f("ck_products_buffer")),
    )
    op.create_table(
        "listings",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("item_external_id", sa.Text(), nullable=False),
        sa.Column("model_external_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("variation", sa.Text(), nullable=False),
        sa.Column("price", sa.Numeric(18, 2), nullable=True),
        sa.Column("channel_stock", sa.Integer(), nullable=True),
        sa.Column("read_at", moment, nullable=True),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("pushed_quantity", sa.Integer(), nullable=True),
        sa.Column("pushed_at", moment, nullable=True),
        sa.Column("push_code", sa.Text(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "id", name=op.f("pk_listings")),
        sa.UniqueConstraint(
            "merchant_id",
            "account_id",
            "item_external_id",
            "model_external_id",
            name=op.f("uq_listings_merchant_id_account_id_item_external_id_model_external_id"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "account_id"],
            ["accounts.merchant_id", "accounts.id"],
            name=op.f("fk_listings_merchant_id_account_id_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "product_id"],
            ["products.merchant_id", "products.id"],
            name=op.f("fk_listings_merchant_id_product_id_products"),
        ),
    )
    op.create_index(
        "ix_listings_product",
        "listings",
        ["merchant_id", "product_id"],
        postgresql_where=sa.text("product_id is not null"),
    )
    op.create_table(
        "stock_movements",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("line_id", sa.Uuid(), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("on_hand_change", sa.Integer(), nullable=False),
        sa.Column("reserved_change", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "id", name=op.f("pk_stock_movements")),
        sa.UniqueConstraint(
            "merchant_id", "line_id", "kind", "turn", name=op.f("uq_stock_movements_merchant_id_line_id_kind_turn")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "product_id"],
            ["products.merchant_id", "products.id"],
            name=op.f("fk_stock_movements_merchant_id_product_id_products"),
        ),
    )
    op.create_index(
        "uq_stock_movements_reference",
        "stock_movements",
        ["merchant_id", "product_id", "reference"],
        unique=True,
        postgresql_where=sa.text("reference is not null"),
    )
    op.create_index("ix_stock_movements_product", "stock_movements", ["merchant_id", "product_id", "id"])
    op.create_index(
        "ix_stock_movements_order",
        "stock_movements",
        ["merchant_id", "order_id"],
        postgresql_where=sa.text("order_id is not null"),
    )
    op.create_table(
        "stock_pushes",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("is_retryable", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "id", name=op.f("pk_stock_pushes")),
        sa.ForeignKeyConstraint(
            ["merchant_id", "listing_id"],
            ["listings.merchant_id", "listings.id"],
            name=op.f("fk_stock_pushes_merchant_id_listing_id_listings"),
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_stock_pushes_listing", "stock_pushes", ["merchant_id", "listing_id", "id"])
    op.create_index(
        "ix_order_lines_unlinked",
        "order_lines",
        ["merchant_id", "listing_id", "order_id"],
        postgresql_where=sa.text("product_id is null and listing_id is not null"),
    )
    for table in TABLES:
        _wall_off(table)
    op.execute(f"create function {SIGNATURE} security definer set search_path = pg_catalog, public {BODY.strip()}")
    op.execute("alter function stocked_accounts owner to plugosync_system")
    op.execute("revoke execute on function stocked_accounts from public")
    op.execute("grant execute on function stocked_accounts to plugosync_app")


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
