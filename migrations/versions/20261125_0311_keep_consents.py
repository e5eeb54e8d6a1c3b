"""Functions that cross merchants for consent, key rotation and expiring authorisations; same pattern as 0002."""

from alembic import op
import sqlalchemy as sa

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

FUNCTIONS: dict[str, str] = {
    "find_oauth_state(digest bytea, of_channel text) returns uuid": """
language sql stable as $$
  select s.merchant_id from oauth_states s
  where s.state_hash = digest and s.channel = of_channel and s.used_at is null and s.expires_at > app_now() $$""",
    "spend_oauth_states(connection uuid) returns void": """
language sql volatile as $$
  update oauth_states set used_at = app_now() where connection_id = connection and used_at is null $$""",
    "merchants_with_secrets() returns setof uuid": """
language sql stable as $$
  select c.merchant_id from credentials c where c.access_token <> ''
  union select n.merchant_id from connections n where n.callback is not null $$""",
    "expiring_accounts(ahead interval) returns table (merchant_id uuid, account_id uuid)": """
language sql stable as $$
  select a.merchant_id, a.id from accounts a
  join credentials c on c.merchant_id = a.merchant_id and c.id = a.credential_id
  where a.is_active and c.needs_reauth_since is null
    and (a.authorization_expires_at < app_now() + ahead or c.refresh_expires_at < app_now() + ahead) $$""",
    "forget_old_consents() returns void": """
language sql volatile as $$
  update connections set callback = null where callback is not null and expires_at < app_now() - interval '1 hour' $$""",
}


def upgrade() -> None:
    for signature, body in FUNCTIONS.items():
        op.execute(f"create function {signature} security definer set search_path = pg_catalog, public {body.strip()}")
        identity = op.get_bind().scalar(
            sa.text("select p.oid::regprocedure::text from pg_proc p where p.proname = :name"),
            {"name": signature.split("(")[0]},
        )
        op.execute(f"alter function {identity} owner to plugosync_system")
        op.execute(f"revoke execute on function {identity} from public")
        op.execute(f"grant execute on function {identity} to plugosync_app")
