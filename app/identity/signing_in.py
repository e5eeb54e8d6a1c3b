"""Log in with a password, go on with a refresh token. Hashing happens between the transactions."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import Caller, acting_as, caller
from app.core.db import Database
from app.core.ids import new_id
from app.identity import events, repository
from app.identity.errors import CredentialsInvalid, RefreshTokenInvalid, TooManyLogins
from app.identity.models import UserRow
from app.identity.passwords import verify_password
from app.identity.tokens import (
    REFRESH_DAYS,
    AccessClaims,
    RefreshToken,
    make_refresh_token,
    parse_refresh_token,
)
from app.journal import service as journal

MAX_FAILURES = 5
FAILURE_WINDOW = timedelta(minutes=15)
_LIFE = timedelta(days=REFRESH_DAYS)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A running session: for whom to issue an access token, and how to go on after it."""

    claims: AccessClaims
    role: str
    refresh_token: RefreshToken


async def sign_in(database: Database, email: str, password: str, client: str) -> SignedIn:
    """Check the password and open a session. Raises CredentialsInvalid or TooManyLogins.

    Only failures count, per account and address; after five even the right password has to wait. The count is read
    again after the check, so that guesses sent side by side gain nothing.
    """
    email = email.strip().lower()
    key = hashlib.sha256(f"{email}\n{client}".encode()).digest()
    login = await database.transact_globally(_look_up, email, key)
    stored = login.password_hash if login is not None and not login.is_disabled else None
    if not await verify_password(password, stored):
        await _refuse(database, login, key, client)
    assert login is not None
    return await database.transact(
        _open, login.merchant_id, login.user_id, key=key, checked_hash=login.password_hash, client=client
    )


async def _look_up(session: AsyncSession, email: str, key: bytes) -> repository.Login | None:
    if await repository.count_login_failures(session, key, FAILURE_WINDOW) >= MAX_FAILURES:
        raise TooManyLogins()
    return await repository.find_login(session, email)


async def _refuse(database: Database, login: repository.Login | None, key: bytes, client: str) -> NoReturn:
    if login is None:
        await database.transact_globally(repository.record_login_failure, key)
    else:
        await database.transact(_record_failure, login.merchant_id, login.user_id, key, client)
    raise CredentialsInvalid()


async def _record_failure(session: AsyncSession, merchant_id: UUID, user_id: UUID, key: bytes, client: str) -> None:
    await repository.record_login_failure(session, key)
    await journal.record(session, merchant_id, events.LOGIN_FAILED(user_id, after=events.Client(client=client)))


async def _open(
    session: AsyncSession, merchant_id: UUID, user_id: UUID, *, key: bytes, checked_hash: str, client: str
) -> SignedIn:
    if await repository.count_login_failures(session, key, FAILURE_WINDOW) >= MAX_FAILURES:
        raise TooManyLogins()
    user = await repository.get_user(session, merchant_id, user_id, keep=True)
    if user.disabled_at is not None or user.password_hash != checked_hash:
        raise CredentialsInvalid()  # changed while we were hashing
    with acting_as(_as(user)):
        await journal.record(session, merchant_id, events.LOGIN_SUCCEEDED(user_id, after=events.Client(client=client)))
    return await _link(session, merchant_id, user, family_id=new_id())


async def refresh(database: Database, text: str) -> SignedIn:
    """Spend a refresh token for the next one. A spent one ends its whole family. Raises RefreshTokenInvalid."""
    token = parse_refresh_token(text)
    signed_in = await database.transact(_spend, token.merchant_id, token) if token is not None else None
    if signed_in is None:
        raise RefreshTokenInvalid()
    return signed_in


async def _spend(session: AsyncSession, merchant_id: UUID, token: RefreshToken) -> SignedIn | None:
    """None when refused: an exception here would undo the revocation."""
    user_id = await repository.find_session_user(session, merchant_id, token.session_id)
    if user_id is None:
        return None
    user = await repository.get_user(session, merchant_id, user_id, keep=True)
    locked = await repository.lock_session(session, merchant_id, token.session_id)
    if locked is None:
        return None
    row, is_over = locked
    if not token.fits(row.secret_hash) or row.revoked_at is not None or is_over or user.disabled_at is not None:
        return None
    if row.used_at is not None:
        await repository.revoke_family(session, merchant_id, row.family_id)
        await journal.record(session, merchant_id, events.SESSION_REUSED(user.id))
        return None
    await repository.mark_session_used(session, merchant_id, row.id)
    return await _link(session, merchant_id, user, family_id=row.family_id)


async def _link(session: AsyncSession, merchant_id: UUID, user: UserRow, *, family_id: UUID) -> SignedIn:
    token = make_refresh_token(merchant_id)
    await repository.add_session(
        session,
        merchant_id,
        token.session_id,
        family_id=family_id,
        user_id=user.id,
        secret_hash=token.secret_hash,
        life=_LIFE,
    )
    return SignedIn(AccessClaims(merchant_id, user.id, user.token_version), user.role, token)


def _as(user: UserRow) -> Caller:
    who = caller()
    return Caller(type="user", id=user.id, name=user.name, request_id=who.request_id, language=who.language)
