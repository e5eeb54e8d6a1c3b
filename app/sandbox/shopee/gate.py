"""Who may call: the checks every call passes, in the order the real one makes them."""

import hmac
import re
import time

from app.sandbox.shopee.answers import Refused, rate_limited
from app.sandbox.shopee.calls import Query, Spec
from app.sandbox.shopee.signing import sign
from app.sandbox.shopee.tokens import Tokens
from app.sandbox.shopee.world import PARTNER_ID, PARTNER_KEY, Shop, World

SKEW_SECONDS = 300
RATE, BURST = 20.0, 40.0
_STAMP = re.compile(r"[0-9]{1,10}")


class Bucket:
    """Calls an app may make: RATE a second, BURST at once. Real time, as every rate limit."""

    def __init__(self) -> None:
        self._tokens, self._filled_at = BURST, time.monotonic()

    def take(self) -> bool:
        """Whether one more call is within the limit."""
        now = time.monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._filled_at) * RATE)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Gate:
    """One app, hence one bucket."""

    def __init__(self, world: World, tokens: Tokens) -> None:
        self.world = world
        self.tokens = tokens
        self._bucket = Bucket()

    def check(self, path: str, spec: Spec, query: Query) -> Shop:
        """The calling shop; empty for public APIs. Raises Refused with the first thing that is wrong."""
        shop = self._check_caller(path, query, is_public=spec.is_public)
        if self.world.engine.has_rate_limit and not self._bucket.take():
            raise rate_limited()
        return shop

    def _check_caller(self, path: str, query: Query, *, is_public: bool) -> Shop:
        partner = _required(query, "partner_id", "There is no partner_id in query.")
        if partner != str(PARTNER_ID):
            raise Refused("invalid_partner_id", "partner_id is invalid.")
        stamp = check_timestamp(query)
        given = _required(query, "sign", "There is no sign in query.")
        token, shop_id = query.get("access_token", [""])[0], query.get("shop_id", [""])[0]
        # Some apps sign public calls with their token as well, and send it; that is accepted.
        if not is_public or (token and shop_id and not _is_signed(given, partner, path, stamp)):
            check_sign(given, partner, path, stamp, token, shop_id)
        else:
            check_sign(given, partner, path, stamp)
        if is_public:
            return {}
        _required(query, "access_token", "There is no access_token in query.")
        _required(query, "shop_id", "There is no shop_id in query.")
        return self._check_token(token, shop_id)

    def _check_token(self, token: str, shop_id: str) -> Shop:
        owner, named = self.tokens.owner(token), self.world.shops.get(shop_id)
        if owner is not None and owner is not named:
            raise Refused("error_auth", "Invalid partner_id or shopid.")
        if named is not None and not self.tokens.is_linked(named):
            raise Refused("error_auth", "Invalid partner_id or shopid.")
        if owner is None or not self.tokens.is_alive(owner, token):
            raise Refused("invalid_acceess_token", "Invalid access_token, please have a check.")
        return owner


def check_timestamp(query: Query) -> str:
    """The signature's time is judged on wall time: callers sign with their own clock."""
    stamp = _required(query, "timestamp", "There is no timestamp in query.")
    if not _STAMP.fullmatch(stamp):
        raise Refused("error_param", "Invalid timestamp.")
    if abs(time.time() - int(stamp)) > SKEW_SECONDS:
        raise Refused("error_param", "Timestamp is expired.")
    return stamp


def check_sign(given: str, *parts: str) -> None:
    """Raises Refused when the signature is not the app's."""
    if not _is_signed(given, *parts):
        raise Refused("error_sign", "Wrong sign.")


def _is_signed(given: str, *parts: str) -> bool:
    return hmac.compare_digest(given.encode(), sign(PARTNER_KEY, *parts).encode())


def _required(query: Query, name: str, message: str) -> str:
    value = query.get(name, [""])[0]
    if not value:
        raise Refused("error_param", message)
    return value
