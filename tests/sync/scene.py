"""A merchant with one connected shop of the tests' own channel, and the jobs of the worker run by hand."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import ChannelOrder, Connectors
from app.channels.errors import ChannelError
from app.core.db import Database
from app.core.ids import new_id
from app.core.security import Keyring
from app.core.settings import Settings
from app.orders import ingesting
from app.orders.ingesting import Ingested
from app.shops.models import AccountRow, ConnectionRow, CredentialRow, ShopRow
from app.sync.jobs import JOBS
from app.work import service as work
from app.work.context import Context
from app.work.service import Claimed
from tests.fixtures import owner
from tests.fixtures.keys import KEY
from tests.sync.market import CHANNEL, Market, now


@dataclass
class Scene:
    """One merchant, one account."""

    context: Context
    market: Market
    owner_url: str
    merchant_id: UUID
    account: AccountRow
    shop: ShopRow

    async def ingest(self, *orders: ChannelOrder, read_at: datetime | None = None) -> Ingested:
        """The upsert, in a transaction of its own."""
        return await self.context.database.transact(
            ingesting.ingest,
            self.merchant_id,
            self.account,
            orders,
            read_started_at=read_at or now(),
            cancellation_response=timedelta(hours=48),
        )

    async def work(self, *, most: int = 100) -> list[str]:
        """Run what is due for this merchant, as the worker does. Answers the kinds, in order."""
        kinds: list[str] = []
        while len(kinds) < most and (claimed := await self._claim()) is not None:
            kinds.append(claimed.kind)
            again_in, error = None, None
            try:
                again_in = await JOBS[claimed.kind](self.context, claimed)
            except ChannelError as refusal:
                again_in, error = timedelta(seconds=30), type(refusal).__name__
            await self.context.database.transact(work.finish, self.merchant_id, claimed, again_in=again_in, error=error)
        return kinds

    async def _claim(self) -> Claimed | None:
        rows = await self.sql(
            "update work set is_leased = true, due_at = app_now() + interval '1 minute', fence = fence + 1,"
            " attempts = attempts + 1 where merchant_id = $1 and id = (select id from work where merchant_id = $1"
            " and due_at <= app_now() order by priority, due_at limit 1)"
            " returning id, kind, ref, fence, wanted, attempts"
        )
        if not rows:
            return None
        [row] = rows
        work_id = UUID(int=row["id"].int)
        return Claimed(self.merchant_id, work_id, row["kind"], row["ref"], row["fence"], row["wanted"], row["attempts"])

    async def later(self) -> list[str]:
        """Whatever waits is due now, and is done."""
        await self.sql("update work set due_at = app_now() where merchant_id = $1 and due_at is not null")
        await self.sql("update read_requests set due_at = app_now(), last_due_at = app_now() where merchant_id = $1")
        return await self.work()

    async def ask(self, kind: str, ref: str | None = None) -> None:
        """Add a piece of work for the account."""
        ref = ref or str(self.account.id)
        await self.context.database.transact(work.add, self.merchant_id, kind, ref, lane=self.account.id)

    async def sql(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """As the database's owner; `$1` is the merchant."""
        return await owner.ask(self.owner_url, query, self.merchant_id, *args)

    async def order(self, number: str = "A1") -> asyncpg.Record:
        """The row of one order."""
        [row] = await self.sql("select * from orders where merchant_id = $1 and order_number = $2", number)
        return row

    async def packages(self, number: str = "A1") -> list[asyncpg.Record]:
        """Its packages, gone ones too."""
        return await self.sql(
            "select p.* from packages p join orders o on o.merchant_id = p.merchant_id and o.id = p.order_id"
            " where o.merchant_id = $1 and o.order_number = $2 order by p.position, p.package_number",
            number,
        )

    async def history(self, number: str = "A1") -> list[str]:
        """Types of its entries, oldest first."""
        rows = await self.sql(
            "select j.type from journal j join orders o on o.merchant_id = j.merchant_id and o.id = j.subject_id"
            " where o.merchant_id = $1 and o.order_number = $2 order by j.at, j.id",
            number,
        )
        return [row["type"] for row in rows]

    async def failures(self, number: str = "A1") -> list[tuple[str, str | None, str | None]]:
        """Its attempts that failed: type, our code, the channel's; oldest first."""
        rows = await self.sql(
            "select j.type, j.after->>'code' code, j.after->>'channel_code' theirs from journal j"
            " join orders o on o.merchant_id = j.merchant_id and o.id = j.subject_id"
            " where o.merchant_id = $1 and o.order_number = $2 and not j.succeeded order by j.at, j.id",
            number,
        )
        return [(row["type"], row["code"], row["theirs"]) for row in rows]


async def open_account(
    context: Context, merchant_id: UUID, external_id: str, *, channel: str = CHANNEL, access_token: str = "access"
) -> tuple[AccountRow, ShopRow]:
    """A connected shop of the merchant."""
    far = now() + timedelta(days=365)  # tests may have moved the application time by days
    connection = ConnectionRow(
        merchant_id=merchant_id, id=new_id(), channel=channel, state="connected", return_url="http://127.0.0.1/done"
    )
    credential = CredentialRow(
        merchant_id=merchant_id,
        id=new_id(),
        connection_id=connection.id,
        access_token=context.keyring.seal(access_token),
        refresh_token=context.keyring.seal("refresh"),
        access_issued_at=now(),
        access_expires_at=far,
    )
    account = AccountRow(
        merchant_id=merchant_id,
        id=new_id(),
        connection_id=connection.id,
        credential_id=credential.id,
        api=channel,
        channel=channel,
        external_id=external_id,
        is_active=True,
    )
    shop = ShopRow(
        merchant_id=merchant_id,
        id=new_id(),
        account_id=account.id,
        channel=channel,
        external_id=external_id,
        name="Toko",
        timezone="Asia/Jakarta",
        is_paused=False,
    )

    async def store(session: AsyncSession, merchant_id: UUID) -> None:
        for row in (connection, credential, account, shop):
            session.add(row)
            await session.flush()
        await session.execute(
            text("select claim_shop(:api, :external_id, :merchant, :account)"),
            {"api": channel, "external_id": external_id, "merchant": merchant_id, "account": account.id},
        )

    await context.database.transact(store, merchant_id)
    return account, shop


@asynccontextmanager
async def open_scene(database: Database, owner_url: str, home: Path) -> AsyncIterator[Scene]:
    """A new merchant with a shop at the tests' own channel."""
    market = Market()
    external_id = f"shop-{uuid.uuid4().hex[:12]}"
    async with open_context(database, home, {CHANNEL: market}) as context:
        yield await found(context, market, owner_url, external_id)


@asynccontextmanager
async def open_context(database: Database, home: Path, connectors: Connectors) -> AsyncIterator[Context]:
    """What a worker has, with these channels."""
    settings = Settings(home=home, port=26000, secret_keys=(KEY,), http_timeout_seconds=1, poll_seconds=60)
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Context(
            settings=settings,
            database=database,
            keyring=Keyring(settings.secret_keys),
            connectors=connectors,
            http=http,
        )


async def found(context: Context, market: Market, owner_url: str, external_id: str, **more: str) -> Scene:
    """A new merchant with this shop."""
    merchant_id = new_id()

    async def sign_up(session: AsyncSession) -> None:
        await session.execute(text("select create_merchant(:id, 'Toko')"), {"id": merchant_id})

    await context.database.transact_globally(sign_up)
    account, shop = await open_account(context, merchant_id, external_id, **more)
    return Scene(context, market, owner_url.replace("+asyncpg", ""), merchant_id, account, shop)
