"""Keys derived from the service's secrets: token encryption, signing, cursor signatures."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from app.core.settings import WrongSetting


class WrongKey(Exception):
    """A stored secret cannot be opened with any configured key."""


def derive(secret: str, purpose: str) -> bytes:
    """32 bytes bound to one purpose, so that one leaked use says nothing of another."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest()


class Keyring:
    """All keys of the service, newest first."""

    def __init__(self, secrets: Sequence[SecretStr]) -> None:
        if not secrets:
            raise WrongSetting("PLUGOSYNC_SECRET_KEYS is not set; it needs at least one key of 32 characters.")
        texts = [secret.get_secret_value() for secret in secrets]
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(derive(text, "encryption"))) for text in texts])
        self.signing_keys = [Ed25519PrivateKey.from_private_bytes(derive(text, "session-signing")) for text in texts]
        self.cursor_key = derive(texts[0], "cursor")

    def seal(self, plain: str) -> bytes:
        """Encrypt a secret for storage."""
        return self._fernet.encrypt(plain.encode())

    def open(self, sealed: bytes) -> str:
        """Decrypt a stored secret. Raises WrongKey."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise WrongKey("A stored secret was sealed with a key that is not in PLUGOSYNC_SECRET_KEYS.") from None

    def reseal(self, sealed: bytes) -> bytes:
        """The same secret under the newest key."""
        return self._fernet.rotate(sealed)
