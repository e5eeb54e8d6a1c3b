"""Pushes: what is sent, how it is signed, and what happens when nobody takes it."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.shopee.conftest import Caller, Control
from tests.sandbox.shopee.receiver import Received, Receiver, open_receiver

LOST = "/api/v2/push/get_lost_push_message"
CONSUME = "/api/v2/push/confirm_consumed_lost_push_message"


@pytest.fixture
async def receiver(control: Control) -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        await control.post("shopee/pushes", enabled=True, url=opened.url)
        yield opened
        await control.post("shopee/pushes", enabled=False)


def messages(pushes: list[Received]) -> list[Any]:
    return [json.loads(push.body) for push in pushes]


def is_genuine(push: Received, receiver: Receiver, caller: Caller) -> bool:
    text = receiver.url.encode() + b"|" + push.body
    expected = hmac.new(caller.credentials["push_secret"].encode(), text, hashlib.sha256).hexdigest()
    return push.headers["authorization"] == expected


async def wait_until_lost(caller: Caller, count: int) -> Any:
    """The lost-push queue once it holds so many."""
    async with asyncio.timeout(5):
        while True:
            answer = (await caller.http.get(LOST, params=caller.public_query(LOST))).json()["response"]
            if len(answer["push_message_list"]) >= count:
                return answer
            await asyncio.sleep(0.01)


async def test_a_life_of_pushes_signed_over_url_and_raw_body(
    control: Control, caller: Caller, receiver: Receiver
) -> None:
    [number] = await control.place(caller.shop)
    await caller.ship(number)
    await control.pass_time(30)
    tracking = (await control.truth(number))["packages"][0]["tracking_number"]
    entry = {"order_sn": number, "tracking_number": tracking}
    await caller.write("logistics/create_shipping_document", order_list=[entry])
    await control.pass_time(10)
    await control.advance(number, "cancel_requested")

    pushes = await receiver.wait_for(7)

    assert all(is_genuine(push, receiver, caller) for push in pushes)
    told = messages(pushes)
    assert {one["shop_id"] for one in told} == {int(caller.shop["shop_id"])}
    assert {one["data"]["ordersn"] for one in told} == {number}
    facts = {
        (one["code"], one["data"].get("status") or one["data"].get("fulfillment_status") or one["data"]["tracking_no"])
        for one in told
    }
    assert facts == {
        (3, "READY_TO_SHIP"), (30, "LOGISTICS_READY"), (3, "PROCESSED"), (30, "LOGISTICS_REQUEST_CREATED"),
        (4, tracking), (15, "READY"), (3, "IN_CANCEL"),
    }  # fmt: skip
    assert len({one["msg_id"] for one in told}) == 7


async def test_consent_and_its_end_are_told_without_a_shop_at_the_top(
    control: Control, caller: Caller, receiver: Receiver
) -> None:
    code = (await control.post("shopee/consent", shop_id=caller.shop["shop_id"]))["code"]
    await caller.exchange(code)
    await receiver.wait_for(1)
    await control.fault("revoke_token", "list_orders")
    await caller.get("order/get_order_list")

    granted, ended = messages(await receiver.wait_for(2))

    assert (granted["code"], ended["code"]) == (1, 2)
    assert "shop_id" not in granted and granted["partner_id"] == int(caller.credentials["app_key"])
    assert granted["data"]["shop_id"] == ended["data"]["shop_id"] == int(caller.shop["shop_id"])


@pytest.mark.parametrize(
    ("mode", "genuine", "ids"), [("normal", [True], 1), ("duplicate", [True] * 2, 1), ("reordered", [True] * 2, 2)]
)
async def test_pushes_on_request(
    control: Control, caller: Caller, receiver: Receiver, mode: str, genuine: list[bool], ids: int
) -> None:
    await control.post("shopee/pushes", enabled=False)  # on request they come nevertheless
    [number] = await control.place(caller.shop)

    await control.post("shopee/push", order_number=number, mode=mode)

    assert [is_genuine(push, receiver, caller) for push in receiver.received] == genuine
    told = messages(receiver.received)
    assert len({one["msg_id"] for one in told}) == ids
    moments = [one["data"]["update_time"] for one in told]
    assert moments == sorted(moments, reverse=True)


async def test_a_forged_push_does_not_verify(control: Control, caller: Caller, receiver: Receiver) -> None:
    [number] = await control.place(caller.shop)
    await receiver.wait_for(2)

    await control.post("shopee/push", order_number=number, mode="forged")

    assert not is_genuine(receiver.received[-1], receiver, caller)


async def test_without_an_address_or_an_order_there_is_no_push(control: Control, caller: Caller) -> None:
    assert await control.status("shopee/push", order_number="NOPE") == 404
    assert await control.status("shopee/pushes", enabled=True, url="ftp://nowhere") == 422


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"ok":true}',
    ],
)
async def test_a_push_nobody_takes_is_retried_thrice_and_then_kept(
    control: Control, caller: Caller, receiver: Receiver, answer: bytes
) -> None:
    receiver.answer = answer
    [_] = await control.place(caller.shop, state="unpaid")
    for tries, seconds in enumerate((300, 1800, 10_800), start=1):
        await receiver.wait_for(tries)
        await settled(control)
        await control.pass_time(seconds - 2)
        await settled(control)
        assert len(receiver.received) == tries, "not a second too early"
        await control.pass_time(3)

    lost = await wait_until_lost(caller, 1)

    assert len({push.body for push in receiver.received}) == 1 and len(receiver.received) == 4
    [kept] = lost["push_message_list"]
    assert kept["data"] == receiver.received[0].body.decode()
    await consume(caller, lost["last_message_id"])
    assert (await caller.http.get(LOST, params=caller.public_query(LOST))).json()["response"] == {
        "push_message_list": [], "has_next_page": False, "last_message_id": 0
    }  # fmt: skip


async def settled(control: Control) -> None:
    """The sandbox has read the receiver's last answer: its retry is planned on the clock."""
    for _ in range(5):
        await control.get("clock")
        await asyncio.sleep(0.01)


async def consume(caller: Caller, last: int) -> None:
    await caller.http.post(CONSUME, params=caller.public_query(CONSUME), json={"last_message_id": last})


async def test_an_app_chooses_what_it_is_told(control: Control, caller: Caller, receiver: Receiver) -> None:
    path = "/api/v2/push/set_app_push_config"

    async def configure(**body: Any) -> None:
        answer = await caller.http.post(path, params=caller.public_query(path), json=body)
        assert answer.json()["error"] == ""

    await configure(set_push_config_off=[30])
    [number] = await control.place(caller.shop)
    await control.advance(number, "edited")
    await receiver.wait_for(3)
    await configure(set_push_config_on=[30])

    *told, moved = sorted(messages(receiver.received), key=lambda one: int(one["code"]))
    assert [one["code"] for one in told] == [3, 3]
    old, new = (moved["data"][side]["ship_by_date"] for side in ("old", "new"))
    assert (moved["code"], moved["data"]["order_sn"], new - old) == (47, number, 86_400)
