"""Signatures of calls and pushes (Lazada Open Platform, "Signature algorithm" and "Push mechanism")."""

import hashlib
import hmac
from collections.abc import Mapping


def sign(secret: str, path: str, parameters: Mapping[str, str]) -> str:
    """Upper-case hex over the path and the sorted raw parameters, names and values without separators."""
    pairs = "".join(f"{name}{parameters[name]}" for name in sorted(parameters) if name != "sign")
    return hmac.new(secret.encode(), f"{path}{pairs}".encode(), hashlib.sha256).hexdigest().upper()


def sign_push(app_key: str, secret: str, body: bytes) -> str:
    """Lower-case hex over the app key and the raw body."""
    return hmac.new(secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()
