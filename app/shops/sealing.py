"""The keys under which tokens are stored: check them at start, change them while the service runs."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.security import Keyring
from app.shops import repository


async def reseal_all(database: Database, keyring: Keyring) -> int:
    """Put every stored token under the newest key; how many secrets were rewritten. Safe to repeat and to interrupt.

    Raises WrongKey when one was sealed with a key that is not configured any more.
    """
    count = 0
    for merchant_id in await database.transact_globally(repository.list_sealing_merchants):
        count += await database.transact(_reseal_merchant, merchant_id, keyring)
    return count


async def _reseal_merchant(session: AsyncSession, merchant_id: UUID, keyring: Keyring) -> int:
    count = 0
    for connection in await repository.lock_sealed_connections(session, merchant_id):
        assert connection.callback is not None
        connection.callback = keyring.reseal(connection.callback)
        count += 1
    for credential in await repository.list_credentials(session, merchant_id):
        if credential.access_token:
            credential.access_token = keyring.reseal(credential.access_token)
            credential.refresh_token = keyring.reseal(credential.refresh_token)
            count += 2
    return count


async def assert_key_fits(database: Database, keyring: Keyring) -> None:
    """Refuse to start with keys that open nothing. Raises WrongKey."""
    for merchant_id in await database.transact_globally(repository.list_sealing_merchants, 1):
        await database.transact(_open_one, merchant_id, keyring)


async def _open_one(session: AsyncSession, merchant_id: UUID, keyring: Keyring) -> None:
    credentials = await repository.list_credentials(session, merchant_id)
    callbacks = [row.callback for row in await repository.lock_sealed_connections(session, merchant_id)]
    sealed = next(filter(None, [*(credential.access_token for credential in credentials), *callbacks]), None)
    if sealed is not None:
        keyring.open(sealed)
