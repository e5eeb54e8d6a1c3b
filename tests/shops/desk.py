"""One process's view of the service with the tests' own channel: merchants, consents, rows as they are stored."""

import itertools
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.ids import new_id
from app.core.security import Keyring
from app.core.settings import Settings
from app.shops import access, consent
from app.shops.models import ConnectionRow
from app.work.context import Context
from tests.fixtures import owner
from tests.fixtures.keys import KEY
from tests.shops.channel import CHANNEL, RotatingChannel

RETURN_URL = "http://127.0.0.1:25000/done"
_numbers = itertools.count(1)


class Desk:
    """What a merchant does about connections, without HTTP."""

    def __init__(self, context: Context, channel: RotatingChannel, *, database_url: str, owner_url: str) -> None:
        self.context = context
        self.channel = channel
        self.database_url = database_url
        self._owner_url = plain(owner_url)

    async def sign_up(self) -> UUID:
        """A new merchant."""
        merchant_id = new_id()

        async def create(session: AsyncSession) -> None:
            await session.execute(text("select create_merchant(:id, 'Toko')"), {"id": merchant_id})

        await self.context.database.transact_globally(create)
        return merchant_id

    async def begin(self, merchant_id: UUID, user_id: UUID) -> tuple[UUID, str]:
        """A pending connection and its state."""
        begun = await consent.begin(self.context, merchant_id, user_id, channel=CHANNEL, return_url=RETURN_URL)
        return begun.connection.id, state_in(begun.authorization_url)

    async def come_back(self, state: str, *shop_ids: str, channel: str = CHANNEL) -> str:
        """The seller agrees for these shops and the browser comes back. Where it is sent."""
        return await consent.accept_callback(
            self.context, channel, {"state": state, "code": self.channel.consent(*shop_ids)}
        )

    async def connect(self, merchant_id: UUID, *shop_ids: str, user_id: UUID | None = None) -> ConnectionRow:
        """The whole flow."""
        user_id = user_id or uuid.uuid4()
        connection_id, state = await self.begin(merchant_id, user_id)
        await self.come_back(state, *shop_ids)
        return await consent.confirm(self.context, merchant_id, user_id, connection_id)

    async def consent_again(self, merchant_id: UUID, connection_id: UUID, *shop_ids: str) -> ConnectionRow:
        """Re-authorise."""
        user_id = uuid.uuid4()
        begun = await consent.begin_again(self.context, merchant_id, user_id, connection_id, return_url=None)
        await self.come_back(state_in(begun.authorization_url), *shop_ids)
        return await consent.confirm(self.context, merchant_id, user_id, connection_id)

    async def use(self, merchant_id: UUID, account_id: UUID) -> str:
        """A call to the channel; the token it was made with."""

        async def check(connector: Any, door: Any) -> str:
            return str(self.channel.check(door))

        return await access.call(self.context, merchant_id, account_id, check)

    async def account_id(self, merchant_id: UUID, shop_id: str) -> UUID:
        """Ours for a shop of the channel."""
        [row] = await self.sql(
            "select id from accounts where merchant_id = $1 and external_id = $2", merchant_id, shop_id
        )
        return UUID(int=row["id"].int)

    async def credential(self, merchant_id: UUID, shop_id: str) -> asyncpg.Record:
        """The stored credential of a shop."""
        [row] = await self.sql(
            "select c.*, a.id as account_id from credentials c join accounts a on a.credential_id = c.id"
            " where a.merchant_id = $1 and a.external_id = $2",
            merchant_id,
            shop_id,
        )
        return row

    async def age_token(self, merchant_id: UUID, shop_id: str, share: float) -> None:
        """Make the shop's access token `share` of its life old."""
        await self.sql(
            "update credentials c set access_issued_at = app_now() - make_interval(secs => 14400 * $3::float8),"
            " access_expires_at = app_now() + make_interval(secs => 14400 * (1 - $3::float8)) from accounts a"
            " where a.credential_id = c.id and a.merchant_id = $1 and a.external_id = $2",
            merchant_id,
            shop_id,
            share,
        )

    async def sql(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """As the database's owner: for what no function shows."""
        return await owner.ask(self._owner_url, query, *args)


async def read_clock_offset(owner_url: str) -> timedelta:
    """How far application time is ahead: other tests let time pass."""
    [row] = await owner.ask(owner_url, "select offset_seconds from clock")
    return timedelta(seconds=row["offset_seconds"])


def plain(url: str) -> str:
    """As asyncpg itself wants it."""
    return url.replace("postgresql+asyncpg:", "postgresql:")


def state_in(authorization_url: str) -> str:
    """The state in a consent link."""
    [state] = parse_qs(urlsplit(authorization_url).query)["state"]
    return state


def new_shop_id() -> str:
    """A shop of the channel that no other test has."""
    return f"{next(_numbers)}{uuid.uuid4().hex[:8]}"


@asynccontextmanager
async def open_desk(database_url: str, owner_url: str, home: Path) -> AsyncIterator[Desk]:
    """A desk at a database."""
    channel = RotatingChannel(home / "refreshes", await read_clock_offset(owner_url))
    async with httpx.AsyncClient(trust_env=False) as http:
        context = open_desk_context(database_url, channel, http, home)
        yield Desk(context, channel, database_url=database_url, owner_url=owner_url)
        await context.database.close()


def open_desk_context(database_url: str, channel: RotatingChannel, http: httpx.AsyncClient, home: Path) -> Context:
    """A process's context with the tests' channel."""
    settings = Settings(home=home, port=25000, secret_keys=(KEY,), http_timeout_seconds=1)
    return Context(
        settings=settings,
        database=Database(database_url, pool_size=8, read_pool_size=1, application="test"),
        keyring=Keyring(settings.secret_keys),
        connectors={CHANNEL: channel},
        http=http,
    )
