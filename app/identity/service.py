"""Rules of merchants, users and API keys."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.ids import new_id
from app.identity import events, repository
from app.identity.errors import EmailTaken, ExpiryInPast, LastOwner, ScopeNotHeld, UserNotFound
from app.identity.keys import KeyText
from app.identity.models import ApiKeyRow, UserRow
from app.identity.passwords import check_strength, generate_password, hash_password
from app.journal import service as journal


async def create_merchant(
    database: Database, name: str, email: str, password: str | None = None
) -> tuple[UUID, UUID, str]:
    """Found a merchant with its first owner: ids of both, and the password (made up when none is given).

    Raises EmailTaken or PasswordRefused.
    """
    password = password or generate_password()
    check_strength(password, email)
    password_hash = await hash_password(password)
    merchant_id, user_id = new_id(), new_id()
    await database.transact(found_merchant, merchant_id, user_id, name=name, email=email, password_hash=password_hash)
    return merchant_id, user_id, password


async def found_merchant(
    session: AsyncSession, merchant_id: UUID, user_id: UUID, *, name: str, email: str, password_hash: str
) -> None:
    """A new merchant and its first owner. Raises EmailTaken."""
    await repository.add_merchant(session, merchant_id, name)
    await create_user(
        session,
        merchant_id,
        user_id,
        email=email,
        name=email.partition("@")[0],
        role="owner",
        password_hash=password_hash,
    )


async def create_user(
    session: AsyncSession, merchant_id: UUID, user_id: UUID, *, email: str, name: str, role: str, password_hash: str
) -> UserRow:
    """A new user who can log in at once. Raises EmailTaken."""
    email = email.lower()
    if not await repository.claim_login(session, merchant_id, email, user_id):
        raise EmailTaken(pointer="/email")
    user = UserRow(
        merchant_id=merchant_id,
        id=user_id,
        email=email,
        name=name,
        role=role,
        password_hash=password_hash,
        token_version=1,
        created_at=await session.scalar(select(func.now())),
    )
    session.add(user)
    await session.flush()
    await journal.record(session, merchant_id, events.USER_CREATED(user_id, after=events.Role(role=role)))
    return user


async def change_user(
    session: AsyncSession,
    merchant_id: UUID,
    user_id: UUID,
    *,
    name: str | None = None,
    role: str | None = None,
    disabled: bool | None = None,
    password_hash: str | None = None,
) -> UserRow:
    """Change what is given. Another role, a new password or disabling ends the user's sessions and tokens at once.

    Raises UserNotFound or LastOwner.
    """
    users = await repository.lock_users(session, merchant_id)
    user = users.get(user_id)
    if user is None:
        raise UserNotFound()
    before, after = _changes(user, name=name, role=role, disabled=disabled, password_hash=password_hash)
    if not after:
        return user
    loses_ownership = user.role == "owner" and user.disabled_at is None and (after.get("role") or after.get("disabled"))
    if loses_ownership and not _has_other_owner(users.values(), user_id):
        raise LastOwner()

    user.name = name if name is not None else user.name
    user.role = role if role is not None else user.role
    if "disabled" in after:
        user.disabled_at = await session.scalar(select(func.now())) if disabled else None
    if password_hash is not None:
        user.password_hash = password_hash
    if after.keys() - {"name"}:
        user.token_version += 1
    if after.keys() & {"disabled", "password"}:
        await repository.revoke_sessions(session, merchant_id, user_id)
    changed = events.USER_CHANGED(user_id, events.UserFields(**before), events.ChangedUser(**after))
    await journal.record(session, merchant_id, changed)
    return user


def _changes(
    user: UserRow, *, name: str | None, role: str | None, disabled: bool | None, password_hash: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    wanted: dict[str, Any] = {"name": name, "role": role, "disabled": disabled}
    present: dict[str, Any] = {"name": user.name, "role": user.role, "disabled": user.disabled_at is not None}
    after = {key: value for key, value in wanted.items() if value is not None and value != present[key]}
    before = {key: present[key] for key in after}
    if password_hash is not None:
        after |= {"password": "changed"}
    return before, after


def _has_other_owner(users: Iterable[UserRow], user_id: UUID) -> bool:
    return any(user.id != user_id and user.role == "owner" and user.disabled_at is None for user in users)


async def create_key(
    session: AsyncSession,
    merchant_id: UUID,
    key: KeyText,
    *,
    name: str,
    scopes: Iterable[str],
    held: frozenset[str],
    created_by: UUID | None,
    expires_at: datetime | None = None,
) -> ApiKeyRow:
    """Store a key of at most the scopes `held` by its maker. Raises ScopeNotHeld or ExpiryInPast."""
    wanted = sorted(set(scopes))
    if excess := [scope for scope in wanted if scope not in held]:
        raise ScopeNotHeld(pointer="/scopes", scopes=", ".join(excess))
    now = await session.scalar(select(func.now()))
    assert now is not None
    if expires_at is not None and expires_at <= now:
        raise ExpiryInPast(pointer="/expires_at")
    row = ApiKeyRow(
        merchant_id=merchant_id,
        id=new_id(),
        name=name,
        key_id=key.key_id,
        secret_hash=key.secret_hash,
        scopes=wanted,
        created_by=created_by,
        created_at=now,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
    )
    session.add(row)
    await session.flush()
    await repository.register_key(session, merchant_id, key.key_id, row.id)
    grant = events.ApiKeyGrant(name=name, scopes=wanted)
    await journal.record(session, merchant_id, events.API_KEY_CREATED(row.id, after=grant))
    return row


async def revoke_key(session: AsyncSession, merchant_id: UUID, api_key_id: UUID) -> None:
    """End a key at once. Repeatable. Raises ApiKeyNotFound."""
    key = await repository.lock_key(session, merchant_id, api_key_id)
    if key.revoked_at is None:
        key.revoked_at = await session.scalar(select(func.now()))
        await journal.record(session, merchant_id, events.API_KEY_REVOKED(api_key_id))
