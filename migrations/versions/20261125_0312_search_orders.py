"""Search inside orders by part of a text, at index speed under row-level security.

`LIKE` is not leakproof, so under row-level security the trigram index is never used for the service's role: a search
would read every order of the merchant. These functions run as plugosync_system, state the merchant themselves and apply
the whole filter, so that a page is never short. They take names of values, never SQL: whatever is put into a statement
is quoted by format(). They answer ids and the few columns that are counted, never texts.

`local_time` shows reports' dates. `search_orders` first looks at a sample of the newest orders: a common text is found fastest by walking them in order, a
rare one by the trigram index.
"""

from alembic import op
import sqlalchemy as sa

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

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
      'select o.id from (select o.id, o.placed_at, o.updated_at, o.ship_by, o.cancellation, o.respond_by from orders o'
      ' where o.merchant_id = %L and o.search like %L%s%s offset 0) o order by %s limit %s',
      merchant, pattern, said, keyset, ordering, most);
  end if;
end $$""",
    "searched_orders(q text, f jsonb) returns table (id uuid, shop_id uuid, courier text, status text, stage text,"
    " cancellation text, is_linked boolean)": r"""
language plpgsql stable rows 1000 as $$
declare
  merchant uuid := nullif(current_setting('app.merchant_id', true), '')::uuid;
  pattern text := '%' || replace(replace(replace(q, '\', '\\'), '%', '\%'), '_', '\_') || '%';
begin
  if merchant is null or q !~ '[[:alnum:]]{3}' then return; end if;
  return query execute format(
    'select o.id, o.shop_id, o.courier, o.status, o.stage, o.cancellation, o.is_linked from orders o'
    ' where o.merchant_id = %L and o.search like %L%s', merchant, pattern, order_conditions(f));
end $$""",
}


LOCAL_TIME = """
create function local_time(moment timestamptz, zone text) returns text language sql stable parallel safe as $$
  select to_char(moment at time zone zone, 'YYYY-MM-DD"T"HH24:MI:SS')
    || case when moment at time zone zone < moment at time zone 'UTC' then '-' else '+' end
    || to_char(greatest(moment at time zone zone, moment at time zone 'UTC')
             - least(moment at time zone zone, moment at time zone 'UTC'), 'HH24:MI') $$"""
"""A wall clock's time with its offset, as reports show it."""


def upgrade() -> None:
    op.execute(LOCAL_TIME)
    for signature, body in FUNCTIONS.items():
        op.execute(f"create function {signature} security definer set search_path = pg_catalog, public {body.strip()}")
        identity = op.get_bind().scalar(
            sa.text("select p.oid::regprocedure::text from pg_proc p where p.proname = :name"),
            {"name": signature.split("(")[0]},
        )
        op.execute(f"alter function {identity} owner to plugosync_system")
        op.execute(f"revoke execute on function {identity} from public")
        op.execute(f"grant execute on function {identity} to plugosync_app")
