"""Maintain exact order counts without a hot row: statement triggers append deltas, the sweeper folds them."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNT = """
create function order_counts_changed() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into order_count_deltas (merchant_id, status, stage, n, requested, unlinked)
    select merchant_id, status, coalesce(stage, ''), count(*), count(*) filter (where cancellation = 'requested'), count(*) filter (where not is_linked)
    from newr group by 1, 2, 3;
  elsif tg_op = 'DELETE' then
    insert into order_count_deltas (merchant_id, status, stage, n, requested, unlinked)
    select merchant_id, status, coalesce(stage, ''), -count(*), -count(*) filter (where cancellation = 'requested'), -count(*) filter (where not is_linked)
    from oldr group by 1, 2, 3;
  else
    insert into order_count_deltas (merchant_id, status, stage, n, requested, unlinked)
    select merchant_id, status, stage, sum(n), sum(requested), sum(unlinked) from (
      select merchant_id, status, coalesce(stage, '') as stage, 1 as n, (cancellation is not distinct from 'requested')::int as requested, (not is_linked)::int as unlinked from newr
      union all
      select merchant_id, status, coalesce(stage, ''), -1, -(cancellation is not distinct from 'requested')::int, -(not is_linked)::int from oldr) moved
    group by 1, 2, 3 having sum(n) <> 0 or sum(requested) <> 0 or sum(unlinked) <> 0;
  end if;
  return null;
end $$"""

TRIGGERS = (
    """create trigger orders_counted_insert after insert on orders referencing new table as newr
  for each statement execute function order_counts_changed()""",
    """create trigger orders_counted_update after update on orders referencing old table as oldr new table as newr
  for each statement execute function order_counts_changed()""",
    """create trigger orders_counted_delete after delete on orders referencing old table as oldr
  for each statement execute function order_counts_changed()""",
    "alter table order_count_deltas set (autovacuum_vacuum_scale_factor = 0.02)",
    "alter table work set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500,"
    " autovacuum_vacuum_cost_delay = 0)",
)

FOLD = """
create function fold_order_counts() returns bigint language plpgsql volatile security definer set search_path = pg_catalog, public as $$
declare folded bigint;
begin
  if not pg_try_advisory_xact_lock(hashtext('plugosync.fold')) then return 0; end if;
  with d as (delete from order_count_deltas returning *),
  s as (select merchant_id, status, stage, sum(n) n, sum(requested) requested, sum(unlinked) unlinked, count(*) rows from d group by 1, 2, 3),
  put as (
    insert into order_counts as c (merchant_id, status, stage, n, requested, unlinked)
    select merchant_id, status, stage, n, requested, unlinked from s
    on conflict (merchant_id, status, stage) do update
      set n = c.n + excluded.n, requested = c.requested + excluded.requested, unlinked = c.unlinked + excluded.unlinked)
  select coalesce(sum(rows), 0) into folded from s;
  return folded;
end $$"""

FOLD_RIGHTS = (
    "alter function fold_order_counts() owner to plugosync_system",
    "revoke execute on function fold_order_counts() from public",
    "grant execute on function fold_order_counts() to plugosync_app",
)


def upgrade() -> None:
    for statement in (COUNT, *TRIGGERS, FOLD, *FOLD_RIGHTS):
        op.execute(statement)
