"""Shops on servers of their own, and storefronts that show up with their first order."""

import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from app.channels.contract import ConsentStart
from app.channels.errors import ChannelError, Rejected, Unavailable
from app.core.errors import DomainError
from app.shops import consent, service
from app.shops.errors import ChannelFailed, InvalidStoreUrl, StoreNotFound, StoreUrlNeeded, StoreUrlNotWanted
from tests.shops.channel import CHANNEL, RotatingChannel
from tests.shops.desk import RETURN_URL, Desk, new_shop_id


class StoreChannel(RotatingChannel):
    """Its shops stand elsewhere."""

    facts = replace(RotatingChannel.facts, needs_store_url=True, state_parameter="user_id")
    refusal: ChannelError | None = None

    async def find_store(self, store_url: str) -> str:
        if self.refusal is not None:
            raise self.refusal
        return store_url.rstrip("/").lower()

    def authorization_url(self, start: ConsentStart) -> str:
        return f"{start.store_url}/auth?state={start.state}"


@pytest.fixture
def stores(desk: Desk, tmp_path: Path) -> StoreChannel:
    channel = StoreChannel(tmp_path / "stores")
    desk.context.connectors[CHANNEL] = channel  # type: ignore[index]
    return channel


async def begin(desk: Desk, merchant_id: uuid.UUID, store_url: str | None) -> consent.Begun:
    return await consent.begin(
        desk.context, merchant_id, uuid.uuid4(), channel=CHANNEL, return_url=RETURN_URL, store_url=store_url
    )


async def test_consent_is_asked_at_the_store_as_it_knows_itself(desk: Desk, stores: StoreChannel) -> None:
    begun = await begin(desk, await desk.sign_up(), "https://Shop.example.id/")

    assert begun.connection.store_url == "https://shop.example.id"
    assert begun.authorization_url.startswith("https://shop.example.id/auth?")


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (Rejected("private", meaning="invalid_store_url"), InvalidStoreUrl),
        (Rejected("404", meaning="store_not_found"), StoreNotFound),
        (Unavailable("down"), ChannelFailed),
    ],
)
async def test_a_store_that_is_not_found_leaves_nothing_behind(
    desk: Desk, stores: StoreChannel, refusal: ChannelError, expected: type[DomainError]
) -> None:
    merchant_id, stores.refusal = await desk.sign_up(), refusal

    with pytest.raises(expected):
        await begin(desk, merchant_id, "https://10.0.0.1")

    assert await desk.sql("select 1 from connections where merchant_id = $1", merchant_id) == []


async def test_a_store_s_address_is_needed_there_and_only_there(desk: Desk, tmp_path: Path) -> None:
    merchant_id = await desk.sign_up()
    with pytest.raises(StoreUrlNotWanted):
        await begin(desk, merchant_id, "https://shop.example.id")
    desk.context.connectors[CHANNEL] = StoreChannel(tmp_path / "stores")  # type: ignore[index]
    with pytest.raises(StoreUrlNeeded):
        await begin(desk, merchant_id, None)


async def test_a_second_storefront_is_made_once_and_named_after_the_first(desk: Desk) -> None:
    merchant_id, shop_id = await desk.sign_up(), new_shop_id()
    await desk.connect(merchant_id, shop_id)
    account_id = await desk.account_id(merchant_id, shop_id)

    async def ensure(session, merchant_id):  # type: ignore[no-untyped-def]
        account = await service.get_account(session, merchant_id, account_id)
        return await service.ensure_storefront(session, merchant_id, account, "twin", shop_id, title="Twin")

    first, again = [await desk.context.database.transact(ensure, merchant_id) for _ in range(2)]

    assert first == again
    names = await desk.sql("select name from shops where merchant_id = $1 order by id", merchant_id)
    assert [row["name"] for row in names] == [f"Shop {shop_id}", f"Shop {shop_id} (Twin)"]
