"""Every query of merchants, users, sessions and API keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.identity.errors import ApiKeyNotFound, UserNotFound
from app.identity.models import ApiKeyRow, SessionRow, UserRow


async def add_merchant(session: AsyncSession, merchant_id: UUID, name: str) -> None:
    """Found a merchant."""
    await session.execute(text("select create_merchant(:id, :name)"), {"id": merchant_id, "name": name})


async def get_merchant_name(session: AsyncSession, merchant_id: UUID) -> str:
    """The merchant's name."""
    return str(await session.scalar(text("select merchant_name(:id)"), {"id": merchant_id}))


async def claim_login(session: AsyncSession, merchant_id: UUID, email: str, user_id: UUID) -> bool:
    """Take the e-mail address for this user. False when it is taken."""
    query = text("select claim_login(:email, :merchant, :user)")
    return bool(await session.scalar(query, {"email": email, "merchant": merchant_id, "user": user_id}))


@dataclass(frozen=True, slots=True)
class Login:
    """Whom an e-mail address belongs to, and what their password must fit."""

    merchant_id: UUID
    user_id: UUID
    password_hash: str
    is_disabled: bool


async def find_login(session: AsyncSession, email: str) -> Login | None:
    """The account of an e-mail address, of whatever merchant."""
    query = text("select merchant_id, user_id, password_hash, is_disabled from find_login(:email)")
    row = (await session.execute(query, {"email": email})).first()
    return Login(*row) if row else None


async def count_login_failures(session: AsyncSession, key: bytes, since: timedelta) -> int:
    """Failed logins of the key (a digest of account and address)."""
    return int(
        await session.scalar(text("select count_login_failures(:key, :since)"), {"key": key, "since": since}) or 0
    )


async def record_login_failure(session: AsyncSession, key: bytes) -> None:
    """Count one failure."""
    await session.execute(text("select record_login_failure(:id, :key)"), {"id": new_id(), "key": key})


async def get_user(session: AsyncSession, merchant_id: UUID, user_id: UUID, *, keep: bool = False) -> UserRow:
    """The user; `keep` holds off changes until the transaction ends. Raises UserNotFound."""
    query = select(UserRow).where(UserRow.merchant_id == merchant_id, UserRow.id == user_id)
    user = await session.scalar(query.with_for_update(read=True) if keep else query)
    if user is None:
        raise UserNotFound()
    return user


async def lock_users(session: AsyncSession, merchant_id: UUID) -> dict[UUID, UserRow]:
    """All users of the merchant, locked in order of id: who is the last owner cannot change meanwhile."""
    query = select(UserRow).where(UserRow.merchant_id == merchant_id).order_by(UserRow.id).with_for_update()
    return {user.id: user for user in await session.scalars(query)}


async def list_users(session: AsyncSession, merchant_id: UUID, *, limit: int, after: UUID | None) -> Sequence[UserRow]:
    """Oldest first."""
    query = select(UserRow).where(UserRow.merchant_id == merchant_id).order_by(UserRow.id).limit(limit)
    return (await session.scalars(query.where(UserRow.id > after) if after else query)).all()


async def add_session(
    session: AsyncSession,
    merchant_id: UUID,
    session_id: UUID,
    *,
    family_id: UUID,
    user_id: UUID,
    secret_hash: bytes,
    life: timedelta,
) -> None:
    """Remember a refresh token."""
    session.add(
        SessionRow(
            merchant_id=merchant_id,
            id=session_id,
            family_id=family_id,
            user_id=user_id,
            secret_hash=secret_hash,
            expires_at=func.now() + life,
        )
    )
    await session.flush()


async def find_session_user(session: AsyncSession, merchant_id: UUID, session_id: UUID) -> UUID | None:
    """Whose session it is."""
    query = select(SessionRow.user_id).where(SessionRow.merchant_id == merchant_id, SessionRow.id == session_id)
    return await session.scalar(query)


async def lock_session(session: AsyncSession, merchant_id: UUID, session_id: UUID) -> tuple[SessionRow, bool] | None:
    """The session, locked, and whether its time is over."""
    query = select(SessionRow, SessionRow.expires_at <= func.now()).where(
        SessionRow.merchant_id == merchant_id, SessionRow.id == session_id
    )
    row = (await session.execute(query.with_for_update())).first()
    return (row[0], bool(row[1])) if row else None


async def mark_session_used(session: AsyncSession, merchant_id: UUID, session_id: UUID) -> None:
    """Its refresh token is spent."""
    await session.execute(
        update(SessionRow)
        .where(SessionRow.merchant_id == merchant_id, SessionRow.id == session_id)
        .values(used_at=func.now())
    )


async def revoke_family(session: AsyncSession, merchant_id: UUID, family_id: UUID) -> None:
    """End every link of one chain."""
    await session.execute(
        update(SessionRow)
        .where(
            SessionRow.merchant_id == merchant_id, SessionRow.family_id == family_id, SessionRow.revoked_at.is_(None)
        )
        .values(revoked_at=func.now())
    )


async def revoke_sessions(session: AsyncSession, merchant_id: UUID, user_id: UUID) -> None:
    """End every session of a user."""
    await session.execute(
        update(SessionRow)
        .where(SessionRow.merchant_id == merchant_id, SessionRow.user_id == user_id, SessionRow.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )


async def register_key(session: AsyncSession, merchant_id: UUID, key_id: str, api_key_id: UUID) -> None:
    """Make the key findable by its public part."""
    await session.execute(
        text("select register_api_key(:key, :merchant, :id)"),
        {"key": key_id, "merchant": merchant_id, "id": api_key_id},
    )


async def list_keys(session: AsyncSession, merchant_id: UUID, *, limit: int, after: UUID | None) -> Sequence[ApiKeyRow]:
    """Oldest first, revoked ones too."""
    query = select(ApiKeyRow).where(ApiKeyRow.merchant_id == merchant_id).order_by(ApiKeyRow.id).limit(limit)
    return (await session.scalars(query.where(ApiKeyRow.id > after) if after else query)).all()


async def lock_key(session: AsyncSession, merchant_id: UUID, api_key_id: UUID) -> ApiKeyRow:
    """One key, locked. Raises ApiKeyNotFound."""
    query = select(ApiKeyRow).where(ApiKeyRow.merchant_id == merchant_id, ApiKeyRow.id == api_key_id)
    key = await session.scalar(query.with_for_update())
    if key is None:
        raise ApiKeyNotFound()
    return key


async def touch_key(session: AsyncSession, merchant_id: UUID, api_key_id: UUID) -> None:
    """Record that the key is in use; of many callers at once one writes."""
    await session.execute(
        update(ApiKeyRow)
        .where(
            ApiKeyRow.merchant_id == merchant_id,
            ApiKeyRow.id == api_key_id,
            or_(ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at < func.now() - timedelta(seconds=60)),
        )
        .values(last_used_at=func.now())
    )
