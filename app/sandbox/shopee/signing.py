"""Shopee's signatures, from the signature section of its documentation."""

import hashlib
import hmac


def sign(partner_key: str, *parts: str | int) -> str:
    """Lower-case hex HMAC-SHA256 over the parts without separators."""
    return hmac.new(partner_key.encode(), "".join(map(str, parts)).encode(), hashlib.sha256).hexdigest()


def sign_push(push_key: str, url: str, body: bytes) -> str:
    """Value of the push's Authorization header."""
    return hmac.new(push_key.encode(), url.encode() + b"|" + body, hashlib.sha256).hexdigest()
