"""Passwords: argon2id, refused when they are easy to guess.

Hashing runs on two threads, so that logins cannot eat the machine.
"""

import asyncio
import functools
import importlib.resources
import secrets
from concurrent.futures import ThreadPoolExecutor

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

from app.identity.errors import PasswordRefused

MIN_LENGTH = 12
MAX_LENGTH = 128

_HASHER = PasswordHash((Argon2Hasher(),))
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")

_COMMON_STEMS = frozenset(
    (importlib.resources.files("app.identity") / "common_passwords.txt").read_text(encoding="utf-8").split()
)
"""What is left of often leaked passwords without the digits and punctuation at their ends."""


def check_strength(password: str, email: str) -> None:
    """Raises PasswordRefused."""
    folded = password.casefold()
    stem = folded.strip("0123456789!@#$%^&*()_+-=.,?/ ")
    local = email.casefold().split("@")[0]
    if (
        not MIN_LENGTH <= len(password) <= MAX_LENGTH
        or len(set(folded)) < 5
        or stem in _COMMON_STEMS
        or stem == ""
        or folded in (email.casefold(), local)
        or (len(local) >= 5 and stem == local)
    ):
        raise PasswordRefused(pointer="/password")


def generate_password() -> str:
    """A password for somebody who did not choose one."""
    return secrets.token_urlsafe(15)


async def hash_password(password: str) -> str:
    """The argon2id hash, with its parameters inside."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, password)


async def verify_password(password: str, stored: str | None) -> bool:
    """Whether it fits. Without a stored hash the answer is no and takes as long."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _verify, password, stored)


def _verify(password: str, stored: str | None) -> bool:
    try:
        fits = _HASHER.verify(password, stored or _hash_of_nobody())
    except PwdlibError:
        return False
    return fits and stored is not None


@functools.cache
def _hash_of_nobody() -> str:
    return _HASHER.hash(secrets.token_hex(16))
