"""One-legged OAuth 1.0a as a shop on plain HTTP checks it, and the signature of a webhook."""

import base64
import hmac
import html
from collections.abc import Mapping
from urllib.parse import quote

Query = dict[str, str | list[str]]
HASHES = {"HMAC-SHA256": "sha256", "HMAC-SHA1": "sha1"}


def base_string(method: str, url: str, query: Mapping[str, str | list[str]]) -> str:
    """What is signed. `query` as PHP reads it: every name once, lists under their name."""
    pairs: dict[str, str] = {}
    for name, value in query.items():
        if isinstance(value, list):  # PHP numbers the entries, and signs the numbers
            pairs |= {f"{name}[{position}]": entry for position, entry in enumerate(value)}
        else:
            pairs[name] = value
    pairs.pop("oauth_signature", None)
    joined = "&".join(f"{_encode(name)}={_encode(pairs[name])}" for name in sorted(pairs))
    return f"{method}&{_encode(url)}&{_encode(joined)}"


def sign_request(secret: str, text: str, method: str = "HMAC-SHA256") -> str:
    """The value of `oauth_signature`."""
    return _hmac(f"{secret}&", text.encode(), HASHES[method])


def sign_webhook(secret: str, body: bytes) -> str:
    """The value of X-WC-Webhook-Signature. A shop keeps special characters as entities and reads them back first."""
    return _hmac(html.unescape(secret), body, "sha256")


def _hmac(key: str, text: bytes, algorithm: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text, algorithm).digest()).decode()


def _encode(text: str) -> str:
    return quote(text, safe="-._~")
