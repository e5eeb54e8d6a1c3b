"""Until when the courier must come: the pickup cut-off and the time by which the courier has the parcel.

The search inside orders learns to filter and sort by them; the rest of the two functions is as it was.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INCLUDED: dict[str, list[str]] = {"pickup_cutoff_at": [], "collect_by": ["status", "stage"]}
"""What the index of each column knows besides: arranged orders the courier should have are counted from it alone."""

FUNCTIONS: dict[str, str] = {
    "order_conditions(f jsonb) returns text": r"""
language plpgsql immutable as $$
declare
  said text := '';
  entry record;
  choice jsonb;
  ranges text[];
begin
  for entry in select * from jsonb_each(coalesce(f->'texts', '{}')) loop
    for choice in select * from jsonb_array_elements(entry.value) loop
      if jsonb_array_length(choice) = 1 then
        said := said || format(' and o.%I = %L', entry.key, choice->>0);
      else
        said := said || format(' and o.%I = any(%L::text[])', entry.key, array(select jsonb_array_elements_text(choice)));
      end if;
    end loop;
  end loop;
  if f ? 'shop_ids' then
    said := said || format(' and o.shop_id = any(%L::uuid[])', array(select jsonb_array_elements_text(f->'shop_ids')));
  end if;
  for entry in select * from jsonb_each_text(coalesce(f->'flags', '{}')) loop
    said := said || format(' and o.%I = %L::boolean', entry.key, entry.value);
  end loop;
  for entry in select * from jsonb_each_text(coalesce(f->'times', '{}')) loop
    said := said || format(
      case entry.key
        when 'placed_from' then ' and o.placed_at >= %L::timestamptz'
        when 'placed_before' then ' and o.placed_at < %L::timestamptz'
        when 'ship_by_before' then ' and o.ship_by < %L::timestamptz'
        when 'pickup_cutoff_before' then ' and o.pickup_cutoff_at < %L::timestamptz'
        when 'collect_by_before' then ' and o.collect_by < %L::timestamptz'
        when 'updated_since' then ' and o.updated_at >= %L::timestamptz'
      end, entry.value);
  end loop;
  if f ? 'tags' then
    said := said || format(' and o.tags && %L::text[]', array(select jsonb_array_elements_text(f->'tags')));
  end if;
  if f ? 'slas' then
    select array_agg(format(case x
      when 'overdue' then '(o.ship_by < app_now())'
      when 'at_risk' then '(o.ship_by >= app_now() and o.ship_by < app_now() + %1$L::interval)'
      when 'ok' then '(o.ship_by >= app_now() + %1$L::interval)'
      end, (f->>'at_risk_hours') || ' hours')) into ranges from jsonb_array_elements_text(f->'slas') x;
    said := said || ' and o.stage is distinct from ''processed'' and (' || array_to_string(ranges, ' or ') || ')';
  end if;
  if f ? 'hides_unpaid' and (f->>'hides_unpaid')::boolean then
    said := said || ' and o.is_visible';
  end if;
  return said;
end $$""",
    "search_orders(q text, f jsonb, sorting text, after_at timestamptz, after_id uuid, most integer) returns setof uuid": r"""
language plpgsql stable rows 50 as $$
declare
  merchant uuid := nullif(current_setting('app.merchant_id', true), '')::uuid;
  pattern text := '%' || replace(replace(replace(q, '\', '\\'), '%', '\%'), '_', '\_') || '%';
  said text := order_conditions(f);
  here text;
  ordering text;
  keyset text := '';
  statuses text[];
  single text;
  hits bigint;
  best bigint := 0;
  walks boolean;
begin
  if merchant is null or q !~ '[[:alnum:]]{3}' then return; end if;  -- no trigram: the whole index would be read
  select array(select jsonb_array_elements_text(f->'texts'->'status'->0)) into statuses;
  if cardinality(statuses) = 1 then single := statuses[1]; end if;
  if cardinality(statuses) > 1 and not 'unpaid' = any(statuses) then
    said := said || ' and o.is_visible';  -- implied; lets several tabs be walked in one order
  end if;
  case sorting
    when '-placed_at' then ordering := 'o.placed_at desc, o.id desc';
    when 'placed_at' then ordering := 'o.placed_at, o.id';
    when '-updated_at' then ordering := 'o.updated_at desc, o.id desc';
    when 'ship_by' then ordering := 'o.ship_by, o.id';
    when 'pickup_cutoff_at' then ordering := 'o.pickup_cutoff_at, o.id';
    when 'collect_by' then ordering := 'o.collect_by, o.id';
    when 'respond_by' then ordering := 'case when o.cancellation = ''requested'' then o.respond_by end, o.id';
  end case;
  if after_id is not null then
    keyset := case
      when sorting = '-placed_at' then format(' and (o.placed_at, o.id) < (%L::timestamptz, %L::uuid)', after_at, after_id)
      when sorting = 'placed_at' then format(' and (o.placed_at, o.id) > (%L::timestamptz, %L::uuid)', after_at, after_id)
      when sorting = '-updated_at' then format(' and (o.updated_at, o.id) < (%L::timestamptz, %L::uuid)', after_at, after_id)
      when after_at is null then format(' and %s is null and o.id > %L::uuid', split_part(ordering, ', ', 1), after_id)
      else format(' and ((%1$s, o.id) > (%2$L::timestamptz, %3$L::uuid) or %1$s is null)',
                  split_part(ordering, ', ', 1), after_at, after_id)
    end;
  end if;
  walks := sorting in ('-placed_at', 'placed_at', '-updated_at') or (sorting = 'ship_by' and single is not null);
  -- A whole number is rare: no need to look at a sample.
  walks := walks and not exists (select from orders o where o.merchant_id = merchant and o.order_number in (upper(q), q))
    and not exists (select from packages p where p.merchant_id = merchant and p.tracking_number in (upper(q), q));
  if walks then
    if cardinality(statuses) = 0 then
      statuses := array['ordered', 'ready_to_ship', 'on_delivery', 'completed', 'cancelled'];
    end if;
    foreach here in array statuses loop
      execute format(
        'select count(*) from (select o.* from orders o where o.merchant_id = %L and o.status = %L'
        ' order by o.placed_at desc, o.id desc limit 500) o where o.search like %L%s', merchant, here, pattern, said)
        into hits;
      best := greatest(best, hits);
    end loop;
  end if;
  -- OFFSET 0 keeps each half to its own index.
  if walks and best >= 5 then
    return query execute format(
      'select o.id from (select o.* from orders o where o.merchant_id = %L%s%s order by %s offset 0) o'
      ' where o.search like %L limit %s', merchant, said, keyset, ordering, pattern, most);
  else
    return query execute format(
      'select o.id from (select o.id, o.placed_at, o.updated_at, o.ship_by, o.cancellation, o.respond_by, o.pickup_cutoff_at,'
      ' o.collect_by from orders o'
      ' where o.merchant_id = %L and o.search like %L%s%s offset 0) o order by %s limit %s',
      merchant, pattern, said, keyset, ordering, most);
  end if;
end $$""",
}


def upgrade() -> None:
    for column in INCLUDED:
        op.add_column("orders", sa.Column(column, sa.DateTime(timezone=True)), if_not_exists=True)
    for signature, body in FUNCTIONS.items():
        op.execute(
            f"create or replace function {signature} security definer set search_path = pg_catalog, public {body.strip()}"
        )
    # Outside a transaction, so that orders stay writable meanwhile; after a failure it can simply run again.
    with op.get_context().autocommit_block():
        for column, included in INCLUDED.items():
            op.drop_index(f"ix_orders_{column}", "orders", if_exists=True, postgresql_concurrently=True)
            op.create_index(
                f"ix_orders_{column}",
                "orders",
                ["merchant_id", column, "id"],
                postgresql_include=included,
                postgresql_where=sa.text(f"{column} is not null"),
                postgresql_concurrently=True,
            )
