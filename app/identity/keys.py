"""The text of an API key: `pk_<env>_<id>_<secret>_<checksum>`.

The checksum lets secret scanners and us tell keys from noise.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass

_ID_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_FORM = re.compile(r"(pk_[a-z]+_([0-9a-z]{8})_([0-9a-f]{64}))_([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class KeyText:
    """A key taken apart: the public id and the digest of the secret."""

    key_id: str
    secret_hash: bytes

    def fits(self, stored: bytes) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.secret_hash, stored)


def make_key(env: str) -> tuple[str, KeyText]:
    """A new key as text, and what we keep of it."""
    key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(8))
    secret = secrets.token_hex(32)
    body = f"pk_{env}_{key_id}_{secret}"
    return f"{body}_{_checksum(body)}", KeyText(key_id, _digest(secret))


def parse_key(text: str) -> KeyText | None:
    """The key inside, or None when the text is no key."""
    match = _FORM.fullmatch(text)
    if match is None or not hmac.compare_digest(_checksum(match[1]), match[4]):
        return None
    return KeyText(match[2], _digest(match[3]))


def _digest(secret: str) -> bytes:
    # The secret has 256 random bits: a slow hash would protect nothing more.
    return hashlib.sha256(secret.encode()).digest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
