"""Shopee's two signatures: on our calls and on its pushes."""

import hashlib
import hmac


def sign(partner_key: str, *parts: str | int) -> str:
    """Lower-case hex HMAC-SHA256 over the parts, concatenated without separators.

    Public calls: partner_id, path, timestamp. Shop calls: the same, then access_token, shop_id.
    Source: Shopee Open Platform, "API calls", "Signature". Neither query nor body is covered.
    """
    return _hex(partner_key, "".join(str(part) for part in parts).encode())


def sign_push(push_key: str, callback_url: str, body: bytes) -> str:
    """The `Authorization` header of a push: over the registered URL, `|` and the raw body."""
    return _hex(push_key, callback_url.encode() + b"|" + body)


def _hex(key: str, message: bytes) -> str:
    # The key is text even when it looks like hex; the console likes to add blanks around it.
    return hmac.new(key.strip().encode(), message, hashlib.sha256).hexdigest()
