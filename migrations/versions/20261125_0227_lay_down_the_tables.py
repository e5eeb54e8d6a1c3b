"""Lay down the tables, as the models describe them."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create extension if not exists pg_trgm")
    op.execute("create extension if not exists btree_gin")
    op.create_table('api_key_index',
    sa.Column('key_id', sa.Text(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('api_key_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('key_id', name=op.f('pk_api_key_index'))
    )
    op.create_table('documents',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('layout', sa.Text(), nullable=False),
    sa.Column('pages', sa.Integer(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('operation_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('manifest', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('missing', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_documents'))
    )
    op.create_index('ix_documents_operation', 'documents', ['merchant_id', 'operation_id'], unique=False)
    op.create_table('effect_attempts',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('intent_id', sa.Uuid(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('params', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('outcome', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('merchant_id', 'intent_id', 'attempt', name=op.f('pk_effect_attempts'))
    )
    op.create_table('effect_intents',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('target', sa.Uuid(), nullable=False),
    sa.Column('generation', sa.Integer(), server_default='1', nullable=False),
    sa.Column('params', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('params_hash', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('fence', sa.Integer(), server_default='0', nullable=False),
    sa.Column('attempt', sa.Integer(), server_default='0', nullable=False),
    sa.Column('resends', sa.Integer(), server_default='0', nullable=False),
    sa.Column('call_id', sa.Uuid(), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settle_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('next_check_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reads', sa.Integer(), server_default='0', nullable=False),
    sa.Column('absent_reads', sa.Integer(), server_default='0', nullable=False),
    sa.Column('outcome', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('item_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_effect_intents')),
    sa.UniqueConstraint('merchant_id', 'kind', 'target', 'generation', name=op.f('uq_effect_intents_merchant_id_kind_target_generation'))
    )
    op.create_index('ix_effect_intents_item', 'effect_intents', ['merchant_id', 'item_id'], unique=False)
    op.create_index('ix_effect_intents_open', 'effect_intents', ['merchant_id', 'next_check_at'], unique=False, postgresql_where=sa.text("state in ('planned', 'sent', 'unknown')"))
    op.create_table('idempotency_keys',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('principal', sa.Text(), nullable=False),
    sa.Column('route', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('request_hash', sa.LargeBinary(), nullable=False),
    sa.Column('operation_id', sa.Uuid(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('merchant_id', 'principal', 'route', 'key', name=op.f('pk_idempotency_keys'))
    )
    op.create_index('ix_idempotency_keys_expires_at', 'idempotency_keys', ['expires_at'], unique=False)
    op.create_table('journal',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('actor_type', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.Column('actor_name', sa.Text(), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=True),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('after', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.Column('channel_reference', sa.Text(), nullable=True),
    sa.Column('succeeded', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_journal'))
    )
    op.create_index('ix_journal_seq', 'journal', ['merchant_id', 'seq'], unique=True, postgresql_where=sa.text('seq is not null'))
    op.create_index('ix_journal_subject', 'journal', ['merchant_id', 'subject_id', sa.literal_column('at desc'), sa.literal_column('id desc')], unique=False)
    op.create_index('ix_journal_unsequenced', 'journal', ['merchant_id', 'id'], unique=False, postgresql_where=sa.text('seq is null'))
    op.create_table('login_failures',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_login_failures'))
    )
    op.create_index('ix_login_failures_key', 'login_failures', ['key', 'at'], unique=False)
    op.create_table('logins',
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('email', name=op.f('pk_logins'))
    )
    op.create_table('merchants',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_merchants'))
    )
    op.create_table('oauth_states',
    sa.Column('state_hash', sa.LargeBinary(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('connection_id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('state_hash', name=op.f('pk_oauth_states'))
    )
    op.create_index('ix_oauth_states_connection', 'oauth_states', ['connection_id'], unique=False)
    op.create_table('operations',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('dry_run', sa.Boolean(), nullable=False),
    sa.Column('job', sa.Text(), nullable=False),
    sa.Column('open_parts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('failed_parts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('succeeded_parts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('options', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancel_requested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by_type', sa.Text(), nullable=False),
    sa.Column('created_by_id', sa.Uuid(), nullable=True),
    sa.Column('created_by_name', sa.Text(), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_operations'))
    )
    op.create_index('ix_operations_newest', 'operations', ['merchant_id', sa.literal_column('created_at desc'), sa.literal_column('id desc')], unique=False)
    op.create_index('ix_operations_open', 'operations', ['merchant_id', 'id'], unique=False, postgresql_where=sa.text("finished_at is null and state <> 'planned'"))
    op.create_table('order_count_deltas',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('stage', sa.Text(), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('requested', sa.Integer(), nullable=False),
    sa.Column('unlinked', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_order_count_deltas'))
    )
    op.create_table('order_counts',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('stage', sa.Text(), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('requested', sa.Integer(), nullable=False),
    sa.Column('unlinked', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('merchant_id', 'status', 'stage', name=op.f('pk_order_counts'))
    )
    op.create_table('push_inbox',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('account_external_id', sa.Text(), nullable=True),
    sa.Column('order_external_id', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('state', sa.Text(), server_default='waiting', nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_push_inbox'))
    )
    op.create_index('ix_push_inbox_waiting', 'push_inbox', ['received_at'], unique=False, postgresql_where=sa.text("state = 'waiting'"))
    op.create_table('schedule',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('every_seconds', sa.Integer(), nullable=False),
    sa.Column('next_run_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_success_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_schedule'))
    )
    op.create_table('shop_claims',
    sa.Column('api', sa.Text(), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('api', 'external_id', name=op.f('pk_shop_claims'))
    )
    op.create_table('work',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('lane', sa.Uuid(), nullable=True),
    sa.Column('priority', sa.SmallInteger(), nullable=False),
    sa.Column('wanted', sa.Integer(), server_default='1', nullable=False),
    sa.Column('done', sa.Integer(), server_default='0', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_leased', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('fence', sa.Integer(), server_default='0', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('dispatch_no', sa.Integer(), server_default='0', nullable=False),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('is_dead', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_work')),
    sa.UniqueConstraint('merchant_id', 'kind', 'ref', name=op.f('uq_work_merchant_id_kind_ref')),
    postgresql_with={'fillfactor': 70}
    )
    op.create_index('ix_work_due', 'work', ['priority', 'due_at'], unique=False, postgresql_where=sa.text('due_at is not null'))
    op.create_index('ix_work_due_at', 'work', ['due_at'], unique=False, postgresql_where=sa.text('due_at is not null'))
    op.create_table('worker_heartbeats',
    sa.Column('worker_id', sa.Uuid(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('beat_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('worker_id', name=op.f('pk_worker_heartbeats'))
    )
    op.create_table('api_keys',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('key_id', sa.Text(), nullable=False),
    sa.Column('secret_hash', sa.LargeBinary(), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.TEXT()), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_api_keys_merchant_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_api_keys'))
    )
    op.create_table('connections',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('return_url', sa.Text(), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('callback', sa.LargeBinary(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('confirming_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('connected_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_connections_merchant_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_connections'))
    )
    op.create_table('operation_items',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('operation_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('chunk', sa.Integer(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=True),
    sa.Column('order_number', sa.Text(), nullable=True),
    sa.Column('account_id', sa.Uuid(), nullable=True),
    sa.Column('shop_id', sa.Uuid(), nullable=True),
    sa.Column('channel', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('text_params', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('source', sa.Text(), server_default='plugosync', nullable=False),
    sa.Column('retryable', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('channel_code', sa.Text(), nullable=True),
    sa.Column('channel_reason', sa.Text(), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('needs_attention', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('next_action', sa.Text(), nullable=True),
    sa.Column('handover_effective', sa.Text(), nullable=True),
    sa.Column('packages', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False),
    sa.Column('planned_version', sa.Integer(), nullable=True),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id', 'operation_id'], ['operations.merchant_id', 'operations.id'], name=op.f('fk_operation_items_merchant_id_operation_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_operation_items'))
    )
    op.create_index('ix_operation_items_chunk', 'operation_items', ['merchant_id', 'operation_id', 'chunk'], unique=False)
    op.create_index('ix_operation_items_operation', 'operation_items', ['merchant_id', 'operation_id', 'position'], unique=False)
    op.create_table('users',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('token_version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_users_merchant_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_users'))
    )
    op.create_table('credentials',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('connection_id', sa.Uuid(), nullable=False),
    sa.Column('access_token', sa.LargeBinary(), nullable=False),
    sa.Column('refresh_token', sa.LargeBinary(), nullable=False),
    sa.Column('access_issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('access_expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('refresh_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('refresh_fence', sa.Integer(), server_default='0', nullable=False),
    sa.Column('refresh_lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('refresh_started', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('needs_reauth_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('needs_reauth_reason', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id', 'connection_id'], ['connections.merchant_id', 'connections.id'], name=op.f('fk_credentials_merchant_id_connection_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_credentials'))
    )
    op.create_table('sessions',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('secret_hash', sa.LargeBinary(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id', 'user_id'], ['users.merchant_id', 'users.id'], name=op.f('fk_sessions_merchant_id_user_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_sessions'))
    )
    op.create_index('ix_sessions_family', 'sessions', ['merchant_id', 'family_id'], unique=False)
    op.create_table('accounts',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('connection_id', sa.Uuid(), nullable=False),
    sa.Column('credential_id', sa.Uuid(), nullable=False),
    sa.Column('api', sa.Text(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=False),
    sa.Column('cipher', sa.Text(), nullable=True),
    sa.Column('authorization_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expiry_warned_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('checkpoint_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('complete_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_poll_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_push_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('last_error_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id', 'connection_id'], ['connections.merchant_id', 'connections.id'], name=op.f('fk_accounts_merchant_id_connection_id')),
    sa.ForeignKeyConstraint(['merchant_id', 'credential_id'], ['credentials.merchant_id', 'credentials.id'], name=op.f('fk_accounts_merchant_id_credential_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_accounts')),
    sa.UniqueConstraint('merchant_id', 'api', 'external_id', name=op.f('uq_accounts_merchant_id_api_external_id'))
    )
    op.create_table('failed_orders',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('raw', sa.LargeBinary(), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='1', nullable=False),
    sa.Column('first_failed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_failed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id', 'account_id'], ['accounts.merchant_id', 'accounts.id'], name=op.f('fk_failed_orders_merchant_id_account_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'account_id', 'external_id', name=op.f('pk_failed_orders'))
    )
    op.create_table('import_reads',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('operation_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id', 'account_id'], ['accounts.merchant_id', 'accounts.id'], name=op.f('fk_import_reads_merchant_id_account_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'operation_id', 'account_id', 'external_id', name=op.f('pk_import_reads'))
    )
    op.create_table('import_windows',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('operation_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('chunk', sa.Integer(), nullable=False),
    sa.Column('by', sa.Text(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('is_first_read', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id', 'account_id'], ['accounts.merchant_id', 'accounts.id'], name=op.f('fk_import_windows_merchant_id_account_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_import_windows'))
    )
    op.create_index('ix_import_windows_operation', 'import_windows', ['merchant_id', 'operation_id'], unique=False)
    op.create_table('read_requests',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=False),
    sa.Column('wanted', sa.Integer(), server_default='1', nullable=False),
    sa.Column('priority', sa.SmallInteger(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_due_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id', 'account_id'], ['accounts.merchant_id', 'accounts.id'], name=op.f('fk_read_requests_merchant_id_account_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'account_id', 'external_id', name=op.f('pk_read_requests'))
    )
    op.create_index('ix_read_requests_due', 'read_requests', ['merchant_id', 'account_id', 'priority', 'due_at'], unique=False)
    op.create_table('shops',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('is_paused', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('timezone', sa.Text(), server_default='Asia/Jakarta', nullable=False),
    sa.Column('auto_receive', postgresql.JSONB(astext_type=sa.Text()), server_default='{"mode": "off", "value": null}', nullable=False),
    sa.Column('cooling', postgresql.JSONB(astext_type=sa.Text()), server_default='{"minutes": 60, "mode": "warn"}', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id', 'account_id'], ['accounts.merchant_id', 'accounts.id'], name=op.f('fk_shops_merchant_id_account_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_shops')),
    sa.UniqueConstraint('merchant_id', 'account_id', 'channel', 'external_id', name=op.f('uq_shops_merchant_id_account_id_channel_external_id'))
    )
    op.create_table('orders',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('shop_id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=False),
    sa.Column('order_number', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('stage', sa.Text(), nullable=True),
    sa.Column('channel_status', sa.Text(), nullable=False),
    sa.Column('is_visible', sa.Boolean(), nullable=False),
    sa.Column('cancellation', sa.Text(), nullable=True),
    sa.Column('cancellation_reason', sa.Text(), nullable=True),
    sa.Column('respond_by', sa.DateTime(timezone=True), nullable=True),
    sa.Column('hold', sa.Text(), nullable=True),
    sa.Column('is_held', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('channel_hold_reason', sa.Text(), nullable=True),
    sa.Column('channel_hold_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('not_shippable', sa.Text(), nullable=True),
    sa.Column('print_status', sa.Text(), server_default='not_printed', nullable=False),
    sa.Column('is_linked', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('is_cod', sa.Boolean(), nullable=False),
    sa.Column('is_returned', sa.Boolean(), nullable=False),
    sa.Column('processed_outside', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('pick_pack', sa.Text(), nullable=True),
    sa.Column('placed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ship_by', sa.DateTime(timezone=True), nullable=True),
    sa.Column('channel_updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('read_started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('payment_method', sa.Text(), nullable=True),
    sa.Column('total_amount', sa.Numeric(precision=18, scale=2), nullable=True),
    sa.Column('total_basis', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('amounts', postgresql.JSON(astext_type=sa.Text()), nullable=False),
    sa.Column('line_count', sa.Integer(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('buyer_username', sa.Text(), nullable=True),
    sa.Column('buyer_name', sa.Text(), nullable=True),
    sa.Column('buyer_username_masked', sa.Text(), nullable=True),
    sa.Column('buyer_name_masked', sa.Text(), nullable=True),
    sa.Column('buyer_message', sa.Text(), nullable=True),
    sa.Column('recipient', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('sender_name', sa.Text(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('tags', postgresql.ARRAY(sa.TEXT()), server_default='{}', nullable=False),
    sa.Column('courier', sa.Text(), nullable=True),
    sa.Column('tracking_number', sa.Text(), nullable=True),
    sa.Column('handover', sa.Text(), nullable=True),
    sa.Column('lines_summary', postgresql.JSON(astext_type=sa.Text()), nullable=False),
    sa.Column('packages_summary', postgresql.JSON(astext_type=sa.Text()), nullable=False),
    sa.Column('search', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id', 'account_id'], ['accounts.merchant_id', 'accounts.id'], name=op.f('fk_orders_merchant_id_account_id')),
    sa.ForeignKeyConstraint(['merchant_id', 'shop_id'], ['shops.merchant_id', 'shops.id'], name=op.f('fk_orders_merchant_id_shop_id')),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_orders')),
    sa.UniqueConstraint('merchant_id', 'account_id', 'external_id', name=op.f('uq_orders_merchant_id_account_id_external_id'))
    )
    op.create_index('ix_orders_all', 'orders', ['merchant_id', sa.literal_column('placed_at desc'), sa.literal_column('id desc')], unique=False, postgresql_where=sa.text('is_visible'))
    op.create_index('ix_orders_couriers', 'orders', ['merchant_id', 'courier'], unique=False, postgresql_where=sa.text("strpos(courier, '; ') > 0"))
    op.create_index('ix_orders_deadline', 'orders', ['merchant_id', 'ship_by'], unique=False, postgresql_where=sa.text("status in ('ordered', 'ready_to_ship') and stage is distinct from 'processed'"))
    op.create_index('ix_orders_filter', 'orders', ['merchant_id', 'status', 'stage', 'channel', 'shop_id', 'courier', 'print_status', 'handover', 'is_linked', 'is_cod', 'cancellation', 'is_held'], unique=False, postgresql_using='gin')
    op.create_index('ix_orders_number', 'orders', ['merchant_id', 'order_number'], unique=False)
    op.create_index('ix_orders_respond_by', 'orders', ['merchant_id', 'respond_by', 'id'], unique=False, postgresql_where=sa.text("cancellation = 'requested'"))
    op.create_index('ix_orders_search', 'orders', ['merchant_id', 'search'], unique=False, postgresql_using='gin', postgresql_ops={'search': 'gin_trgm_ops'})
    op.create_index('ix_orders_ship_by', 'orders', ['merchant_id', 'status', 'ship_by', 'id'], unique=False)
    op.create_index('ix_orders_stage', 'orders', ['merchant_id', 'status', 'stage', sa.literal_column('placed_at desc'), sa.literal_column('id desc')], unique=False, postgresql_where=sa.text('stage is not null'))
    op.create_index('ix_orders_status', 'orders', ['merchant_id', 'status', sa.literal_column('placed_at desc'), sa.literal_column('id desc')], unique=False)
    op.create_index('ix_orders_updated', 'orders', ['merchant_id', 'updated_at', 'id'], unique=False)
    op.create_table('order_lines',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('item_external_id', sa.Text(), nullable=False),
    sa.Column('model_external_id', sa.Text(), nullable=False),
    sa.Column('sku', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('variation', sa.Text(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('unit_price', sa.Numeric(precision=18, scale=2), nullable=True),
    sa.Column('listing_id', sa.Uuid(), nullable=True),
    sa.Column('product_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id', 'order_id'], ['orders.merchant_id', 'orders.id'], name=op.f('fk_order_lines_merchant_id_order_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_order_lines')),
    sa.UniqueConstraint('merchant_id', 'order_id', 'external_id', name=op.f('uq_order_lines_merchant_id_order_id_external_id'))
    )
    op.create_table('packages',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('package_number', sa.Text(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('channel_status', sa.Text(), nullable=False),
    sa.Column('courier', sa.Text(), nullable=True),
    sa.Column('service', sa.Text(), nullable=True),
    sa.Column('tracking_number', sa.Text(), nullable=True),
    sa.Column('handover', sa.Text(), nullable=True),
    sa.Column('lines', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('is_gone', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('effect_state', sa.Text(), nullable=True),
    sa.Column('effect_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('effect_base_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('open_intent', sa.Uuid(), nullable=True),
    sa.Column('tracking_read_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id', 'order_id'], ['orders.merchant_id', 'orders.id'], name=op.f('fk_packages_merchant_id_order_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('merchant_id', 'id', name=op.f('pk_packages')),
    sa.UniqueConstraint('merchant_id', 'order_id', 'package_number', name=op.f('uq_packages_merchant_id_order_id_package_number'))
    )
    op.create_index('ix_packages_tracking_number', 'packages', ['merchant_id', 'tracking_number'], unique=False, postgresql_where=sa.text('tracking_number is not null'))
    op.create_table('labels',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('package_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('tracking_number', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('sha256', sa.Text(), nullable=True),
    sa.Column('size', sa.Integer(), nullable=True),
    sa.Column('pages', sa.Integer(), nullable=True),
    sa.Column('fetched_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id', 'package_id'], ['packages.merchant_id', 'packages.id'], name=op.f('fk_labels_merchant_id_package_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('merchant_id', 'package_id', name=op.f('pk_labels'))
    )
    op.create_table('tracking_events',
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('package_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('location', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id', 'package_id'], ['packages.merchant_id', 'packages.id'], name=op.f('fk_tracking_events_merchant_id_package_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('merchant_id', 'package_id', 'at', 'code', name=op.f('pk_tracking_events'))
    )
