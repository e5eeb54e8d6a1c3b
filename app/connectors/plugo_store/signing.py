"""OAuth 1.0a of WooCommerce over plain HTTP (one-legged, HMAC-SHA256), and webhook signatures."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from urllib.parse import quote


def sign(method: str, url: str, parameters: Mapping[str, str], consumer_secret: str) -> str:
    """The `oauth_signature` over method, url without query and all parameters; values are encoded twice."""
    pairs = sorted((_encode(name), _encode(value)) for name, value in parameters.items() if name != "oauth_signature")
    query = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method.upper(), _encode(url), _encode(query)))
    return _digest(f"{consumer_secret}&".encode(), base.encode())


def sign_query(
    method: str, url: str, parameters: Mapping[str, str], consumer_key: str, consumer_secret: str
) -> dict[str, str]:
    """The parameters with a signature made now."""
    signed = {
        **parameters,
        "oauth_consumer_key": consumer_key,
        "oauth_timestamp": str(int(time.time())),
        "oauth_nonce": secrets.token_hex(16),
        "oauth_signature_method": "HMAC-SHA256",
    }
    return {**signed, "oauth_signature": sign(method, url, signed, consumer_secret)}


def sign_webhook(secret: str, body: bytes) -> str:
    """`X-WC-Webhook-Signature`."""
    return _digest(secret.encode(), body)


def store_secret(push_secret: str, store_url: str) -> str:
    """The webhook secret of one store: hex, so that no shop re-encodes it."""
    return hmac.new(push_secret.encode(), store_url.encode(), hashlib.sha256).hexdigest()


def _digest(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def _encode(text: str) -> str:
    return quote(text, safe="-._~")
