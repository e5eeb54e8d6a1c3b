"""Who calls: HTTP Basic where the site sees TLS, one-legged OAuth 1.0a everywhere, checked in the real order."""

import base64
import binascii
import hmac
import re
import time
from dataclasses import dataclass
from urllib.parse import unquote

from app.sandbox.plugo_store.answers import Refused
from app.sandbox.plugo_store.calls import Spec
from app.sandbox.plugo_store.signing import HASHES, Query, base_string, sign_request
from app.sandbox.plugo_store.world import Key, Shop, World

WINDOW_SECONDS = 900
_OAUTH = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
_HEADER_PARTS = re.compile(r'(oauth_[a-z_-]*)=(?:"([^"]*)"|([^,]*))')
_NOT_ALLOWED = {
    "list": ("view", "Sorry, you cannot list resources."),
    "view": ("view", "Sorry, you cannot view this resource."),
    "edit": ("edit", "Sorry, you are not allowed to edit this resource."),
    "create": ("create", "Sorry, you are not allowed to create resources."),
    "delete": ("delete", "Sorry, you are not allowed to delete this resource."),
    "batch": ("batch", "Sorry, you are not allowed to batch manipulate this resource."),
}


@dataclass(frozen=True)
class Visit:
    """A request as far as authentication looks at it. `url` is the one the shop would write itself."""

    shop: Shop
    method: str
    url: str
    query: Query
    authorization: str
    is_tls: bool


class Gate:
    """Keys of all shops, and the nonces each used lately. Signatures are judged on wall time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._nonces: dict[str, dict[str, float]] = {}

    def identify(self, visit: Visit) -> tuple[str, Key] | None:
        """The key and its name; None is an anonymous request. Raises Refused."""
        found = self._by_basic(visit) if visit.is_tls else None
        found = found or self._by_oauth(visit)
        if found is not None:
            _check_permissions(visit.method, found[1])
        return found

    def admit(self, spec: Spec, shop: Shop, key: tuple[str, Key] | None) -> None:
        """Raises Refused unless the key's user may do that."""
        if spec.access == "public" or (key is not None and self.world.switches(shop).user_can):
            return
        word, message = _NOT_ALLOWED[spec.access]
        raise Refused(401 if key is None else 403, f"woocommerce_rest_cannot_{word}", message)

    def _by_basic(self, visit: Visit) -> tuple[str, Key] | None:
        name, secret = visit.query.get("consumer_key"), visit.query.get("consumer_secret")
        if not (name and secret):
            name, secret = _read_basic(visit.authorization)
        key = self._key(visit.shop, name)
        if key is None:
            return None  # an unknown key is nobody, not an error
        if not hmac.compare_digest(key["secret"].encode(), str(secret).encode()):
            raise _failed("Consumer secret is invalid.")
        return str(name), key

    def _by_oauth(self, visit: Visit) -> tuple[str, Key] | None:
        params = {**visit.query, **_read_oauth(visit.authorization)}
        missing = [name for name in _OAUTH if not params.get(name)]
        if len(missing) == len(_OAUTH):
            return None
        if missing:
            message = f"Missing OAuth parameter{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
            raise Refused(401, "woocommerce_rest_authentication_missing_parameter", message)
        name = str(params["oauth_consumer_key"])
        key = self._key(visit.shop, name)
        if key is None:
            raise _failed("Consumer key is invalid.")
        _check_signature(visit, params, key)
        self._check_freshness(name, str(params["oauth_timestamp"]), str(params["oauth_nonce"]))
        return name, key

    def _check_freshness(self, name: str, stamp: str, nonce: str) -> None:
        now = time.time()
        if not re.fullmatch(r"[0-9]{1,12}", stamp) or abs(now - int(stamp)) > WINDOW_SECONDS:
            raise _failed("Invalid timestamp.")
        used = self._nonces.setdefault(name, {})
        while used and (oldest := next(iter(used))) and used[oldest] < now - 2 * WINDOW_SECONDS:
            del used[oldest]
        if nonce in used:
            raise _failed("Invalid nonce - nonce has already been used.")
        used[nonce] = now

    def _key(self, shop: Shop, name: object) -> Key | None:
        key = self.world.keys.get(name) if isinstance(name, str) else None
        return key if key is not None and key["shop_id"] == shop["shop_id"] else None


def _check_signature(visit: Visit, params: Query, key: Key) -> None:
    given = unquote(str(params["oauth_signature"]).replace(" ", "+"))
    algorithm = str(params["oauth_signature_method"])
    if algorithm not in HASHES:
        raise _failed("Invalid signature - signature method is invalid.")
    expected = sign_request(key["secret"], base_string(visit.method, visit.url, params), algorithm)
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise _failed("Invalid signature - provided signature does not match.")


def _check_permissions(method: str, key: Key) -> None:
    if method == "OPTIONS":
        return
    needed = "read" if method in ("GET", "HEAD") else "write"
    if key["permissions"] not in (needed, "read_write"):
        raise _failed(f"The API key provided does not have {needed} permissions.")


def _read_basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _read_oauth(header: str) -> dict[str, str]:
    if not header.strip().lower().startswith("oauth "):
        return {}
    return {match[1]: unquote(match[2] or match[3] or "") for match in _HEADER_PARTS.finditer(header)}


def _failed(message: str) -> Refused:
    return Refused(401, "woocommerce_rest_authentication_error", message)
