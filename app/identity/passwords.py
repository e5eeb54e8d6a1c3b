"""Passwords: argon2id, refused when they are easy to guess. Hashing runs on two threads, so that logins cannot eat the machine."""

import asyncio
import functools
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

# The stems of lists of leaked passwords: what is left of one without digits and punctuation at its ends.
_COMMON_STEMS = frozenset(
    "password passwords passw0rd p@ssword p@ssw0rd katasandi katasandiku rahasia rahasiaku qwerty qwertyuiop qwertyuiopasdf asdfghjkl"
    " asdfghjkl;' zxcvbnm iloveyou iloveyouu letmein letmeinplease welcome welcomeback administrator admin adminadmin superman"
    " batman dragon monkey football baseball princess sunshine shadow master masterkey trustno changeme changemenow secret"
    " secretpassword mypassword passwordpassword login abc abcd abcde abcdef abcdefgh abcdefghijkl abcdefghijklm indonesia"
    " indonesiaraya bismillah alhamdulillah sayang sayangku cintaku doraemon persija tokopedia shopee lazada plugosync test testing"
    " testtest default user guest company qazwsx qazwsxedc qazwsxedcrfv correcthorsebatterystaple aku akucintakamu".split()
)


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
