"""A channel of the tests' own that rotates tokens: a refresh token works once, only the newest access token opens."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from app.channels.contract import (
    ChannelAccount,
    ChannelFacts,
    ChannelShop,
    ConsentStart,
    GrantedCredential,
    OrderListPage,
    OrdersReading,
    ShopAccess,
    Tokens,
)
from app.channels.errors import ChannelError, Rejected, Unauthorized

CHANNEL = "testshop"
LIFE = timedelta(hours=4)


class RotatingChannel:
    """`plan` holds what happens to the next refreshes: an error, with or without a rotation that nobody hears of."""

    facts = ChannelFacts(
        channel=CHANNEL,
        api=CHANNEL,
        title="Test shop",
        first_step="none",
        handovers=("pickup",),
        document_types=(),
        window=timedelta(days=15),
        detail_batch=50,
        label_batch=50,
        settle_seconds=60,
        cancellation_response=None,
    )

    def __init__(self, ledger: Path, clock_offset: timedelta = timedelta(0)) -> None:
        self._clock_offset = clock_offset
        self.ledger = ledger  # a file, because other processes rotate too
        self.plan: list[tuple[ChannelError, bool]] = []
        self.seconds_per_refresh = 0.0
        self.is_asked = asyncio.Event()
        self.codes: dict[str, tuple[str, ...]] = {}
        self.exchanges = 0
        self.account_errors: list[ChannelError] = []
        self.authorization_expires_at: datetime | None = None
        self.revoked: set[str] = set()

    # --- what the tests do and ask

    def now(self) -> datetime:
        """The channel's clock goes with application time."""
        return datetime.now(UTC) + self._clock_offset

    def consent(self, *shop_ids: str) -> str:
        """The seller agrees; the code that comes back."""
        code = f"code-{len(self.codes)}-{'-'.join(shop_ids)}"
        self.codes[code] = shop_ids
        return code

    def refreshes(self, shop_id: str) -> list[str]:
        """Every refresh the channel has carried out for a shop."""
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        return [line for line in lines if line.startswith(f"{shop_id} ")]

    def newest(self, shop_id: str) -> str:
        """The access token that opens the shop."""
        return f"access-{shop_id}-{len(self.refreshes(shop_id))}"

    def check(self, access: ShopAccess) -> str:
        """What any call does first: the token, if it still opens the shop."""
        if access.external_id in self.revoked:
            raise Unauthorized("consent_revoked", "", is_final=True)
        if access.access_token != self.newest(access.external_id):
            raise Unauthorized("token_dead")
        return access.access_token

    # --- the contract

    def authorization_url(self, start: ConsentStart) -> str:
        return f"http://testshop.example/auth?redirect_uri={start.redirect_uri}&state={start.state}"

    async def exchange(self, callback: Mapping[str, str]) -> tuple[GrantedCredential, ...]:
        self.exchanges += 1
        await asyncio.sleep(self.seconds_per_refresh)
        shop_ids = self.codes.pop(callback.get("code", ""), None)
        if shop_ids is None:
            raise Rejected("invalid_code", "used or unknown")
        for shop_id in shop_ids:
            self.revoked.discard(shop_id)
        return tuple(GrantedCredential(self._tokens(shop_id), (shop_id,)) for shop_id in shop_ids)

    async def refresh(self, account_id: str, tokens: Tokens) -> Tokens:
        self.is_asked.set()
        await asyncio.sleep(self.seconds_per_refresh)
        error, rotates = self.plan.pop(0) if self.plan else (None, True)
        if rotates:
            if tokens.refresh_token != f"refresh-{account_id}-{len(self.refreshes(account_id))}":
                raise Unauthorized("refresh_token_spent", "", is_final=True)
            with self.ledger.open("a") as ledger:
                ledger.write(f"{account_id} {tokens.refresh_token}\n")
        if error is not None:
            raise error
        return self._tokens(account_id)

    def _tokens(self, shop_id: str) -> Tokens:
        n = len(self.refreshes(shop_id))
        ends_at = self.now() + LIFE
        return Tokens(f"access-{shop_id}-{n}", f"refresh-{shop_id}-{n}", ends_at, ends_at + timedelta(days=30))

    async def fetch_account(self, access: ShopAccess) -> ChannelAccount:
        if self.account_errors:
            raise self.account_errors.pop(0)
        self.check(access)
        return ChannelAccount(
            access.external_id,
            (ChannelShop(CHANNEL, access.external_id, f"Shop {access.external_id}"),),
            authorization_expires_at=self.authorization_expires_at,
        )

    async def list_orders(
        self,
        access: ShopAccess,
        *,
        by: Literal["created", "updated"],
        since: datetime,
        until: datetime,
        cursor: str | None,
    ) -> OrderListPage:
        self.check(access)
        return OrderListPage((), None, self.now())

    async def get_orders(self, access: ShopAccess, external_ids: Sequence[str]) -> OrdersReading:
        self.check(access)
        return OrdersReading((), (), tuple(external_ids))
