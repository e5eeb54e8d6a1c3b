"""Say who calls in one round trip: the key's or the user's row together with the merchant's name.

The same number of steps finds an unknown e-mail address and a known one, so that time does not tell them apart.

Logins and API keys follow the real clock (`now()`), not `app_now()`: a sandbox that moves its time ahead must not log people out.
"""

from alembic import op
import sqlalchemy as sa

revision = "0010"
down_revision = "0003"
branch_labels = None
depends_on = None

FUNCTIONS: dict[str, str] = {
    "find_api_key(wanted text) returns table (merchant_id uuid, merchant_name text, id uuid, name text, secret_hash bytea,"
    " scopes text[], is_valid boolean, is_use_unrecorded boolean)": """
language sql stable as $$
  select k.merchant_id, m.name, k.id, k.name, k.secret_hash, k.scopes,
    k.revoked_at is null and (k.expires_at is null or k.expires_at > now()),
    k.last_used_at is null or k.last_used_at < now() - interval '60 seconds'
  from api_key_index i
  join api_keys k on k.merchant_id = i.merchant_id and k.id = i.api_key_id
  join merchants m on m.id = k.merchant_id
  where i.key_id = wanted $$""",
    "find_login(wanted text) returns table (merchant_id uuid, user_id uuid, password_hash text, is_disabled boolean)": """
language sql stable as $$
  select l.merchant_id, l.user_id, u.password_hash, u.disabled_at is not null
  from logins l join users u on u.merchant_id = l.merchant_id and u.id = l.user_id where l.email = lower(wanted) $$""",
    "find_user(of_merchant uuid, wanted uuid) returns table (merchant_name text, name text, role text, token_version integer,"
    " is_disabled boolean)": """
language sql stable as $$
  select m.name, u.name, u.role, u.token_version, u.disabled_at is not null
  from users u join merchants m on m.id = u.merchant_id where u.merchant_id = of_merchant and u.id = wanted $$""",
}


def upgrade() -> None:
    op.execute("drop function find_api_key(text)")
    op.execute("drop function find_login(text)")
    for signature, body in FUNCTIONS.items():
        op.execute(f"create function {signature} security definer set search_path = pg_catalog, public {body.strip()}")
        identity = op.get_bind().scalar(
            sa.text("select p.oid::regprocedure::text from pg_proc p where p.proname = :name"),
            {"name": signature.split("(")[0]},
        )
        op.execute(f"alter function {identity} owner to plugosync_system")
        op.execute(f"revoke execute on function {identity} from public")
        op.execute(f"grant execute on function {identity} to plugosync_app")
