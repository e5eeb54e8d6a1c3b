"""Imports every models.py, so that Base.metadata is whole (migrations, tests)."""

from app.core.db import Base
from app.documents import models as documents
from app.fulfilment import models as fulfilment
from app.identity import models as identity
from app.journal import models as journal
from app.operations import models as operations
from app.orders import models as orders
from app.products import models as products
from app.shops import models as shops
from app.stock import models as stock
from app.sync import models as sync
from app.work import models as work

__all__ = [
    "Base",
    "documents",
    "fulfilment",
    "identity",
    "journal",
    "operations",
    "orders",
    "products",
    "shops",
    "stock",
    "sync",
    "work",
]

GLOBAL_TABLES = frozenset(
    {
        "api_key_index",
        "login_failures",
        "logins",
        "merchants",
        "oauth_states",
        "push_inbox",
        "schedule",
        "shop_claims",
        "worker_heartbeats",
    }
)
"""Tables without row-level security, reached only through definer functions. `clock` belongs to the migrations."""
