"""TikTok Shop's signatures ("Sign your API request", "Webhook configuration guide")."""

import hashlib
import hmac
from collections.abc import Mapping


def sign_call(secret: str, path: str, query: Mapping[str, str], body: bytes) -> str:
    """HMAC-SHA256, lower-case hex: secret, path, sorted decoded query, raw body, secret."""
    names = sorted(name for name in query if name not in ("sign", "access_token"))
    text = secret + path + "".join(name + query[name] for name in names)
    return hmac.new(secret.encode(), text.encode() + body + secret.encode(), hashlib.sha256).hexdigest()


def sign_push(app_key: str, secret: str, body: bytes) -> str:
    """HMAC-SHA256, lower-case hex, over the app key and the body."""
    return hmac.new(secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()
