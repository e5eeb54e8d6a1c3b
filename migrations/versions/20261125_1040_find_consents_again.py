"""Find the connection of a consent that was used: its browser comes back after the store has posted the keys."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SIGNATURE = "find_used_oauth_state(digest bytea, of_channel text) returns table (merchant_id uuid, connection_id uuid)"
BODY = """
language sql stable as $$
  select s.merchant_id, s.connection_id from oauth_states s
  where s.state_hash = digest and s.channel = of_channel and s.used_at is not null and s.expires_at > app_now() $$"""


def upgrade() -> None:
    op.execute(f"create function {SIGNATURE} security definer set search_path = pg_catalog, public {BODY.strip()}")
    identity = op.get_bind().scalar(
        sa.text("select p.oid::regprocedure::text from pg_proc p where p.proname = 'find_used_oauth_state'")
    )
    op.execute(f"alter function {identity} owner to plugosync_system")
    op.execute(f"revoke execute on function {identity} from public")
    op.execute(f"grant execute on function {identity} to plugosync_app")
