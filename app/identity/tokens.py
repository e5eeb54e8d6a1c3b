"""Access tokens (EdDSA JWT, 15 minutes) and refresh tokens (opaque, one use)."""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic_core import PydanticCustomError

from app.core.errors import Unauthenticated
from app.core.ids import Prefixed, new_id
from app.core.security import Keyring

ACCESS_SECONDS = 900
REFRESH_DAYS = 30
AUDIENCE = "plugosync-api"
TYPE = "at+jwt"
_ALGORITHM = "EdDSA"
_LEEWAY_SECONDS = 30
_REQUIRED = ["iss", "aud", "sub", "jti", "iat", "nbf", "exp", "merchant", "version"]
_USER = Prefixed("usr")
_MERCHANT = Prefixed("mer")


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Who an access token was issued to, and at which version of their rights."""

    merchant_id: UUID
    user_id: UUID
    token_version: int


class AccessTokens:
    """Issues with the newest key, accepts those of every configured key. The token's own `alg` decides nothing."""

    def __init__(self, keyring: Keyring, *, issuer: str) -> None:
        self._issuer = issuer
        self._signing_key = keyring.signing_keys[0]
        self._kid = _key_id(self._signing_key.public_key())
        self._public_keys = {_key_id(key.public_key()): key.public_key() for key in keyring.signing_keys}

    def issue(self, claims: AccessClaims) -> str:
        """A token for the next 15 minutes."""
        now = int(time.time())
        payload = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": _USER.format(claims.user_id),
            "jti": new_id().hex,
            "iat": now,
            "nbf": now,
            "exp": now + ACCESS_SECONDS,
            "merchant": _MERCHANT.format(claims.merchant_id),
            "version": claims.token_version,
        }
        return jwt.encode(payload, self._signing_key, algorithm=_ALGORITHM, headers={"typ": TYPE, "kid": self._kid})

    def read(self, text: str) -> AccessClaims:
        """The claims of a token that is ours and valid now. Raises Unauthenticated."""
        try:
            header = jwt.get_unverified_header(text)
            key = self._public_keys.get(str(header.get("kid")))
            if key is None or header.get("typ") != TYPE:
                raise Unauthenticated()
            payload: dict[str, Any] = jwt.decode(
                text,
                key,
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
            return AccessClaims(
                merchant_id=_MERCHANT.parse(payload["merchant"]),
                user_id=_USER.parse(payload["sub"]),
                token_version=int(payload["version"]),
            )
        except (jwt.PyJWTError, PydanticCustomError, ValueError, TypeError):
            raise Unauthenticated() from None


def _key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link of a chain. The text tells us where to look; only the secret opens."""

    merchant_id: UUID
    session_id: UUID
    secret: bytes

    @property
    def secret_hash(self) -> bytes:
        """What is stored."""
        return hashlib.sha256(self.secret).digest()

    def fits(self, stored: bytes) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.secret_hash, stored)

    def __str__(self) -> str:
        raw = self.merchant_id.bytes + self.session_id.bytes + self.secret
        return "rt_" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def make_refresh_token(merchant_id: UUID) -> RefreshToken:
    """A fresh one for a new session row."""
    return RefreshToken(merchant_id, new_id(), secrets.token_bytes(32))


def parse_refresh_token(text: str) -> RefreshToken | None:
    """The parts, or None when the text is no refresh token."""
    if not text.startswith("rt_"):
        return None
    try:
        raw = base64.urlsafe_b64decode(text[3:] + "=" * (-len(text[3:]) % 4))
    except (ValueError, binascii.Error):
        return None
    if len(raw) != 64:
        return None
    return RefreshToken(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:])
