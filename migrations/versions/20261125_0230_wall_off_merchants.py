"""Row-level security on every tenant table, the system role, and the few functions that cross merchants.

The service's role sees nothing without `app.merchant_id`. What must look across merchants (log in, claim work, route a
push, number the journal) goes through SECURITY DEFINER functions owned by plugosync_system, a role nobody can log in as
and which needs neither SUPERUSER nor BYPASSRLS.
"""

from alembic import op
import sqlalchemy as sa

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

GLOBAL_TABLES = (
    "api_key_index",
    "login_failures",
    "logins",
    "merchants",
    "oauth_states",
    "push_inbox",
    "schedule",
    "shop_claims",
    "worker_heartbeats",
)

CLOCK = (
    "create table clock (only_row boolean primary key default true check (only_row),"
    " offset_seconds double precision not null default 0)",
    "insert into clock default values",
    "create function app_now() returns timestamptz language sql stable parallel safe"
    " as $$ select now() + make_interval(secs => (select offset_seconds from public.clock)) $$",
    "create function set_clock_offset(seconds double precision) returns void language sql"
    " as $$ update public.clock set offset_seconds = seconds where offset_seconds <> seconds $$",
    "revoke execute on function set_clock_offset(double precision) from public",
    "create table journal_heads (merchant_id uuid primary key, last_seq bigint not null)",
)

ROLES = (
    "do $$ begin"
    " if not exists (select from pg_roles where rolname = 'plugosync_app') then create role plugosync_app login; end if;"
    " if not exists (select from pg_roles where rolname = 'plugosync_system') then"
    " create role plugosync_system nologin; end if; end $$",
    "grant plugosync_system to current_user",
    "grant usage, create on schema public to plugosync_system",
    "grant usage on schema public to plugosync_app",
    "grant select on clock, alembic_version to plugosync_app, plugosync_system",
)

FUNCTIONS: dict[str, str] = {
    # --- identity
    "create_merchant(new_id uuid, new_name text) returns void": """
language sql volatile as $$ insert into merchants (id, name) values (new_id, new_name) $$""",
    "merchant_name(wanted uuid) returns text": """
language sql stable as $$ select name from merchants where id = wanted $$""",
    "claim_login(new_email text, merchant uuid, new_user uuid) returns boolean": """
language sql volatile as $$
  with claimed as (insert into logins (email, merchant_id, user_id) values (lower(new_email), merchant, new_user)
    on conflict do nothing returning 1) select exists (select from claimed) $$""",
    "find_login(wanted text) returns table (merchant_id uuid, user_id uuid)": """
language sql stable as $$ select l.merchant_id, l.user_id from logins l where l.email = lower(wanted) $$""",
    "count_login_failures(failed_key bytea, since interval) returns integer": """
language sql stable as $$ select count(*)::integer from login_failures where key = failed_key and at > now() - since $$""",
    "record_login_failure(new_id uuid, failed_key bytea) returns void": """
language sql volatile as $$ insert into login_failures (id, key) values (new_id, failed_key) $$""",
    "register_api_key(new_key text, merchant uuid, api_key uuid) returns void": """
language sql volatile as $$ insert into api_key_index (key_id, merchant_id, api_key_id) values (new_key, merchant, api_key) $$""",
    "find_api_key(wanted text) returns table (merchant_id uuid, id uuid, name text, secret_hash bytea, scopes text[], expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz)": """
language sql stable as $$
  select k.merchant_id, k.id, k.name, k.secret_hash, k.scopes, k.expires_at, k.revoked_at, k.last_used_at
  from api_key_index i join api_keys k on k.merchant_id = i.merchant_id and k.id = i.api_key_id where i.key_id = wanted $$""",
    # --- shops
    "put_oauth_state(digest bytea, merchant uuid, connection uuid, of_channel text, valid_until timestamptz) returns void": """
language sql volatile as $$
  insert into oauth_states (state_hash, merchant_id, connection_id, channel, expires_at)
  values (digest, merchant, connection, of_channel, valid_until) $$""",
    "take_oauth_state(digest bytea, of_channel text) returns table (merchant_id uuid, connection_id uuid)": """
language sql volatile as $$
  update oauth_states s set used_at = app_now()
  where s.state_hash = digest and s.channel = of_channel and s.used_at is null and s.expires_at > app_now()
  returning s.merchant_id, s.connection_id $$""",
    "claim_shop(of_api text, of_external_id text, merchant uuid, account uuid) returns boolean": """
language sql volatile as $$
  with claimed as (
    insert into shop_claims as c (api, external_id, merchant_id, account_id) values (of_api, of_external_id, merchant, account)
    on conflict (api, external_id) do update set account_id = excluded.account_id where c.merchant_id = merchant
    returning 1)
  select exists (select from claimed) $$""",
    "release_shop(of_api text, of_external_id text, merchant uuid) returns void": """
language sql volatile as $$
  delete from shop_claims where api = of_api and external_id = of_external_id and merchant_id = merchant $$""",
    # --- pushes
    "store_push(new_id uuid, of_channel text, account_external text, order_external text, of_kind text, of_state text, raw bytea) returns void": """
language sql volatile as $$
  insert into push_inbox (id, channel, account_external_id, order_external_id, kind, state, body)
  values (new_id, of_channel, account_external, order_external, of_kind, of_state, raw) $$""",
    "waiting_pushes(most integer) returns table (id uuid, channel text, account_external_id text, order_external_id text, kind text)": """
language sql volatile as $$
  select p.id, p.channel, p.account_external_id, p.order_external_id, p.kind from push_inbox p
  where p.state = 'waiting' order by p.received_at limit most for update skip locked $$""",
    "settle_pushes(ids uuid[], new_state text) returns void": """
language sql volatile as $$ update push_inbox set state = new_state where id = any(ids) $$""",
    "find_shop_claim(of_api text, of_external_id text) returns table (merchant_id uuid, account_id uuid)": """
language sql stable as $$
  select c.merchant_id, c.account_id from shop_claims c where c.api = of_api and c.external_id = of_external_id $$""",
    "push_inbox_counts() returns table (state text, n bigint, oldest timestamptz)": """
language sql stable as $$ select p.state, count(*), min(p.received_at) from push_inbox p group by p.state $$""",
    # --- work
    "claim_work(most integer, lease interval) returns table (merchant_id uuid, id uuid, kind text, ref text, fence integer, wanted integer, attempts integer)": """
language sql volatile as $$
  with due as (  -- the oldest, and what only just became due: the backlog of one lane hides no other
    (select w.merchant_id, w.id, w.priority, w.due_at, w.lane from work w
      where w.due_at <= app_now() order by w.priority, w.due_at limit greatest(most * 8, 100))
    union
    (select w.merchant_id, w.id, w.priority, w.due_at, w.lane from work w
      where w.due_at <= app_now() order by w.due_at desc limit greatest(most * 8, 100))),
  taken as (
    select w.merchant_id, w.lane, count(*) as n from work w
    where w.is_leased and w.lane is not null and w.due_at > app_now() and w.due_at <= app_now() + lease group by 1, 2),
  fair as (  -- lanes take turns, users before background; what a lane has in hand counts as turns it had
    select d.*, coalesce(t.n, 0) + row_number() over (
      partition by d.merchant_id, d.lane, d.priority order by d.due_at) as turn
    from due d left join taken t on t.merchant_id = d.merchant_id and t.lane = d.lane),
  picked as (  -- a lane whose channel is slow never has all hands
    select w.merchant_id, w.id from fair f join work w on w.merchant_id = f.merchant_id and w.id = f.id
    where w.due_at <= app_now() and (f.lane is null or f.turn <= 8)
    order by f.priority, f.turn, f.due_at limit most for update of w skip locked)
  update work w set due_at = app_now() + lease, is_leased = true, fence = w.fence + 1, attempts = w.attempts + 1
  from picked p where w.merchant_id = p.merchant_id and w.id = p.id
  returning w.merchant_id, w.id, w.kind, w.ref, w.fence, w.wanted, w.attempts $$""",
    "count_due_work() returns bigint": """
language sql stable as $$ select count(*) from work where due_at <= app_now() $$""",
    "work_figures() returns table (kind text, due bigint, dead bigint, oldest_due timestamptz)": """
language sql stable as $$
  select w.kind, count(*) filter (where w.due_at <= app_now()), count(*) filter (where w.is_dead), min(w.due_at)
  from work w where w.due_at is not null or w.is_dead group by w.kind $$""",
    "effect_figures() returns table (state text, n bigint, oldest timestamptz)": """
language sql stable as $$
  select i.state, count(*), min(i.sent_at) from effect_intents i where i.state in ('planned', 'sent', 'unknown') group by i.state $$""",
    "purge_finished_work() returns bigint": """
language sql volatile as $$
  with gone as (delete from work where due_at is null and not is_dead and done >= wanted returning 1) select count(*) from gone $$""",
    "ensure_duty(duty text, seconds integer) returns void": """
language sql volatile as $$
  insert into schedule (name, every_seconds, next_run_at) values (duty, seconds, app_now())
  on conflict (name) do update set every_seconds = excluded.every_seconds where schedule.every_seconds <> excluded.every_seconds $$""",
    "claim_duties(lease interval) returns table (name text)": """
language sql volatile as $$
  update schedule s set next_run_at = app_now() + lease
  from (select d.name from schedule d where d.next_run_at <= app_now() for update skip locked) c
  where s.name = c.name returning s.name $$""",
    "finish_duty(duty text) returns void": """
language sql volatile as $$
  update schedule set last_success_at = app_now(), next_run_at = app_now() + make_interval(secs => every_seconds) where name = duty $$""",
    "beat(worker uuid) returns void": """
language sql volatile as $$
  insert into worker_heartbeats (worker_id, started_at, beat_at) values (worker, now(), now())
  on conflict (worker_id) do update set beat_at = now() $$""",
    "forget_worker(worker uuid) returns void": """
language sql volatile as $$ delete from worker_heartbeats where worker_id = worker or beat_at < now() - interval '1 day' $$""",
    "last_heartbeat() returns timestamptz": """
language sql stable as $$ select max(beat_at) from worker_heartbeats $$""",
    # --- journal
    "sequence_journal(most integer) returns bigint": """
language plpgsql volatile as $$
declare numbered bigint;
begin
  -- One sequencer at a time: a reader who has seen number n will never be shown a smaller one afterwards.
  if not pg_try_advisory_xact_lock(hashtext('plugosync.sequencer')) then return 0; end if;
  with fresh as (
    select j.merchant_id, j.id, row_number() over (partition by j.merchant_id order by j.at, j.id) as n
    from (select f.merchant_id, f.id, f.at from journal f where f.seq is null order by f.at, f.id limit most) j),
  heads as (
    insert into journal_heads as h (merchant_id, last_seq) select f.merchant_id, max(f.n) from fresh f group by f.merchant_id
    on conflict (merchant_id) do update set last_seq = h.last_seq + excluded.last_seq
    returning h.merchant_id, h.last_seq),
  sizes as (select f.merchant_id, max(f.n) as n from fresh f group by f.merchant_id)
  update journal j set seq = h.last_seq - s.n + f.n
  from fresh f join heads h using (merchant_id) join sizes s using (merchant_id)
  where j.merchant_id = f.merchant_id and j.id = f.id;
  get diagnostics numbered = row_count;
  return numbered;
end $$""",
    # --- operations
    "purge_expired() returns void": """
language sql volatile as $$
  delete from idempotency_keys where expires_at < app_now();
  delete from login_failures where at < now() - interval '1 day';
  delete from oauth_states where expires_at < app_now() - interval '1 day';
  delete from push_inbox where received_at < now() - interval '15 days' and state <> 'waiting';
  delete from sessions where expires_at < now() - interval '1 day' $$""",
}


def upgrade() -> None:
    for statement in CLOCK + ROLES:
        op.execute(statement)
    tenant_tables = op.get_bind().scalars(
        sa.text(
            "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'merchant_id'"
            " and table_name <> all(:globals) and table_name <> 'journal_heads'"
        ),
        {"globals": list(GLOBAL_TABLES)},
    )
    for table in tenant_tables.all():
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(
            f"create policy tenant on {table} using (merchant_id = nullif(current_setting('app.merchant_id', true), '')::uuid)"
            f" with check (merchant_id = nullif(current_setting('app.merchant_id', true), '')::uuid)"
        )
        op.execute(f"create policy system on {table} to plugosync_system using (true) with check (true)")
        op.execute(f"grant select, insert, update, delete on {table} to plugosync_app")
    # The journal is append-only for the service.
    op.execute("revoke update, delete on journal from plugosync_app")
    op.execute("revoke update, delete on effect_attempts from plugosync_app")
    op.execute("grant select, insert, update, delete on all tables in schema public to plugosync_system")
    op.execute("grant usage on all sequences in schema public to plugosync_app, plugosync_system")
    for signature, body in FUNCTIONS.items():
        op.execute(
            f"create function {signature} security definer set search_path = pg_catalog, public {body.strip()}"
        )
        identity = op.get_bind().scalar(
            sa.text("select p.oid::regprocedure::text from pg_proc p where p.proname = :name"),
            {"name": signature.split("(")[0]},
        )
        op.execute(f"alter function {identity} owner to plugosync_system")
        op.execute(f"revoke execute on function {identity} from public")
        op.execute(f"grant execute on function {identity} to plugosync_app")
