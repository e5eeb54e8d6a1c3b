"""Runs migrations on the connection that `app.core.migrations` hands over."""

from alembic import context

from app.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
