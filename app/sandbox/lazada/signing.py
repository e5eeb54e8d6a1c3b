"""Lazada's signatures ("Signature algorithm", "Push mechanism")."""

import hashlib
import hmac
from collections.abc import Mapping


def sign_call(secret: str, path: str, parameters: Mapping[str, str]) -> str:
    """HMAC-SHA256, upper-case hex: path, then every name and value but `sign`, sorted by name."""
    text = path + "".join(name + parameters[name] for name in sorted(parameters) if name != "sign")
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest().upper()


def sign_push(app_key: str, secret: str, body: bytes) -> str:
    """HMAC-SHA256, lower-case hex, over the app key and the body."""
    return hmac.new(secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()
