"""What may be done, and which role may do it."""

from typing import Literal

Role = Literal["owner", "manager", "packer", "viewer"]
Scope = Literal[
    "orders:read",
    "orders:write",
    "shipments:write",
    "documents:read",
    "reports:read",
    "products:read",
    "products:write",
    "shops:read",
    "shops:write",
    "imports:write",
    "operations:read",
    "users:write",
    "keys:write",
    "buyer:read",
    "metrics:read",
]

SCOPES: dict[str, str] = {
    "orders:read": "Search and read orders.",
    "orders:write": "Hold, release, note, tag and pick orders.",
    "shipments:write": "Arrange shipments, print, and steer operations.",
    "documents:read": "Read labels, invoices and packs.",
    "reports:read": "Export reports.",
    "products:read": "Read products, listings and stock.",
    "products:write": "Change products, links and stock.",
    "shops:read": "Read channels, shops and their health.",
    "shops:write": "Connect and change shops.",
    "imports:write": "Import orders.",
    "operations:read": "Follow operations.",
    "users:write": "Manage the merchant's users.",
    "keys:write": "Manage the merchant's API keys.",
    "buyer:read": "See buyer data unmasked.",
    "metrics:read": "Read figures about the merchant's use.",
}

ROLES: dict[str, frozenset[str]] = {
    "owner": frozenset(SCOPES),
    "manager": frozenset(SCOPES) - {"users:write", "keys:write"},
    "packer": frozenset(
        {
            "orders:read",
            "orders:write",
            "shipments:write",
            "documents:read",
            "operations:read",
            "products:read",
            "shops:read",
        }
    ),
    "viewer": frozenset(
        {"orders:read", "operations:read", "documents:read", "reports:read", "products:read", "shops:read"}
    ),
}
