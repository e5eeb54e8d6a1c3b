"""Claim one duty at a time, of those one knows, and give it back when the worker stops.

All that were due used to be claimed at once: what a stop or a slow one interrupted was nobody's for a minute. Workers of the
version before go on with claim_duties.
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

FUNCTIONS = {
    "claim_duty(lease interval, known text[]) returns text": """
  update schedule s set next_run_at = app_now() + lease
  from (select d.name from schedule d where d.next_run_at <= app_now() and d.name = any(known)
        order by d.next_run_at, d.name limit 1 for update skip locked) c
  where s.name = c.name returning s.name""",
    "release_duty(duty text) returns void": "update schedule set next_run_at = app_now() where name = duty",
}


def upgrade() -> None:
    for signature, body in FUNCTIONS.items():
        op.execute(
            f"create function {signature} language sql volatile security definer set search_path = pg_catalog, public"
            f" as $$ {body} $$"
        )
    for identity in ("claim_duty(interval, text[])", "release_duty(text)"):
        op.execute(f"alter function {identity} owner to plugosync_system")
        op.execute(f"revoke execute on function {identity} from public")
        op.execute(f"grant execute on function {identity} to plugosync_app")
