"""Import, poll and pushes against the simulated Shopee over real HTTP: what is here follows what is true there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.channels.http import open_http
from app.channels.limiter import Limiter
from app.connectors.shopee.client import Client
from app.connectors.shopee.connector import ShopeeConnector
from app.connectors.shopee.settings import ShopeeSettings
from app.core.db import Database
from app.sync import pushing
from tests.fixtures.marketplace import SimulatedShop
from tests.sync.market import Market
from tests.sync.receiver import Receiver
from tests.sync.scene import Scene, found, open_context
from tests.sync.test_importing import items, open_import, operation


@dataclass
class Shopee:
    """A new shop at the simulated Shopee, connected to a new merchant."""

    scene: Scene
    shop: SimulatedShop
    connector: ShopeeConnector


@pytest.fixture
async def shopee(database: Database, owner_url: str, sandbox_url: str, tmp_path: Path) -> AsyncIterator[Shopee]:
    async with httpx.AsyncClient(base_url=sandbox_url, trust_env=False) as control, open_http(1.0) as http:
        keys = (await control.get("/_control/credentials")).json()["shopee"]
        settings = ShopeeSettings(
            base_url=keys["base_url"],
            auth_url=keys["auth_url"],
            partner_id=int(keys["app_key"]),
            partner_key=keys["app_secret"],
            push_key=keys["push_secret"],
        )
        assert settings.partner_id is not None
        assert settings.partner_key is not None
        client = Client(
            http,
            Limiter(None, workers=1, override=1000),
            base_url=settings.base_url,
            partner_id=settings.partner_id,
            partner_key=settings.partner_key.get_secret_value(),
        )
        connector = ShopeeConnector(client, settings)
        made = (await control.post("/_control/shopee/shops", json={"name": "Toko Uji"})).json()
        async with open_context(database, tmp_path, {"shopee": connector}) as context:
            scene = await found(
                context,
                Market(),
                owner_url,
                str(made["shop_id"]),
                channel="shopee",
                access_token=made["access_token"],
            )
            shop = SimulatedShop(control, "shopee", str(made["shop_id"]))
            offset = (await control.get("/_control/clock")).json()["offset_seconds"]
            await scene.sql("select set_clock_offset($2) where $1::uuid is not null", offset)
            yield Shopee(scene, shop, connector)
            await scene.sql("select set_clock_offset(0) where $1::uuid is not null")
            await shop.heal()


async def counts(shopee: Shopee, **body: Any) -> dict[str, int]:
    opened = await open_import(shopee.scene, channel="shopee", **body)
    await shopee.scene.work()
    await shopee.scene.later()  # a list that runs in a circle is read again
    seen = await operation(shopee.scene, opened)
    assert seen["state"] in ("succeeded", "partially_succeeded"), seen
    result: dict[str, int] = seen["result"]["import"]
    return result


async def test_everything_in_the_shop_is_imported_once(shopee: Shopee) -> None:
    numbers = await shopee.shop.place_orders(7, lines=2)
    unpaid = await shopee.shop.place_order(state="unpaid")

    first = await counts(shopee)
    second = await counts(shopee)

    assert first == {"found": 8, "new": 8, "updated": 0, "unchanged": 0, "failed": 0}
    assert second == {"found": 8, "new": 0, "updated": 0, "unchanged": 8, "failed": 0}
    row = await shopee.scene.order(numbers[0])
    assert (row["status"], row["stage"], row["line_count"]) == ("ready_to_ship", "to_process", 2)
    assert (await shopee.scene.order(unpaid))["is_visible"] is False


@pytest.mark.parametrize("mode", ["throttle", "error_before", "timeout_before", "malformed", "truncated", "disconnect"])
@pytest.mark.parametrize("name", ["list_orders", "get_order"])
async def test_a_channel_that_fails_once_costs_no_order(shopee: Shopee, name: str, mode: str) -> None:
    await shopee.shop.place_orders(3)
    await shopee.shop.plan_fault(name, mode, times=1)
    opened = await open_import(shopee.scene, channel="shopee")

    await shopee.scene.work()
    await shopee.scene.later()

    seen = await operation(shopee.scene, opened)
    assert (seen["state"], seen["result"]["import"]["new"]) == ("succeeded", 3)
    assert await shopee.shop.injected(mode) == 1


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("list_orders", "omit_item"),
        ("list_orders", "shifting_page"),
        ("list_orders", "duplicate_page"),
        ("get_order", "omit_item"),
    ],
)
async def test_answers_that_leave_out_or_repeat_orders_lose_none(shopee: Shopee, name: str, mode: str) -> None:
    await shopee.shop.place_orders(104)
    await shopee.shop.plan_fault(name, mode, times=2)  # the first page of a list cannot shift

    assert await counts(shopee) == {"found": 104, "new": 104, "updated": 0, "unchanged": 0, "failed": 0}
    assert await shopee.shop.injected(mode) == 2


async def test_a_poll_follows_what_happens_at_the_shop(shopee: Shopee) -> None:
    scene, shop = shopee.scene, shopee.shop
    [moved, cancelled, outside] = await shop.place_orders(3)
    await scene.ask("sync.poll")
    await scene.work()

    await shop.advance(outside, "arranged")
    await shop.advance(moved, "collected")
    await shop.advance(cancelled, "cancel_requested")
    await scene.later()

    assert (await scene.order(moved))["status"] == "on_delivery"
    assert (await scene.order(cancelled))["cancellation"] == "requested"
    assert (await scene.order(cancelled))["respond_by"] is not None
    row = await scene.order(outside)
    assert (row["stage"], row["processed_outside"]) == ("processed", True)
    await shop.advance(cancelled, "cancelled")
    await scene.later()
    assert (await scene.order(cancelled))["status"] == "cancelled"


async def test_a_push_of_the_shop_is_verified_and_makes_its_order_current(shopee: Shopee) -> None:
    scene, shop = shopee.scene, shopee.shop
    number = await shop.place_order()
    async with Receiver() as receiver:
        await shop.pushes(enabled=True, url=receiver.url)
        await shop.advance(number, "collected")
        await shop.push(number, "forged")
        pushes = await receiver.wait_for(2)
        await shop.pushes(enabled=False)
    verdicts = [shopee.connector.verify_push(push) for push in pushes]
    assert False in verdicts, "the forged one"
    for push, is_genuine in zip(pushes, verdicts, strict=True):
        if is_genuine:
            await pushing.accept(scene.context.database, scene.context.connectors, "shopee", push)

    await pushing.route_pushes(scene.context)
    await scene.work()

    assert (await scene.order(number))["status"] == "on_delivery"


async def test_numbers_of_the_shop_are_imported_and_unknown_ones_named(shopee: Shopee) -> None:
    numbers = await shopee.shop.place_orders(2)
    opened = await open_import(shopee.scene, channel="shopee", order_numbers=[*numbers, "2611220000NONE"])

    await shopee.scene.work()

    outcomes = await items(shopee.scene, opened)
    assert outcomes == {
        numbers[0]: ("succeeded", None),
        numbers[1]: ("succeeded", None),
        "2611220000NONE": ("failed", "not_found"),
    }
