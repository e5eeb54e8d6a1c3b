"""Signatures of calls and pushes (TikTok Shop guide "Sign your API request", webhook configuration guide)."""

import hashlib
import hmac
from collections.abc import Mapping

_UNSIGNED = ("sign", "access_token")


def sign(secret: str, path: str, query: Mapping[str, str], body: bytes = b"") -> str:
    """Lower-case hex over path, sorted decoded query and the raw body, all between the secret."""
    pairs = "".join(f"{name}{query[name]}" for name in sorted(query) if name not in _UNSIGNED)
    message = secret.encode() + path.encode() + pairs.encode() + body + secret.encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def sign_push(app_key: str, secret: str, body: bytes) -> str:
    """Lower-case hex over the app key and the raw body."""
    return hmac.new(secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()
