"""A channel under test: its connector, a new shop at its simulator, and the controls."""

import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

import app.connectors
from app.channels.contract import (
    ArrangesShipments,
    Authorises,
    ChannelOrder,
    Connector,
    Connectors,
    ConsentStart,
    GrantedCredential,
    Handover,
    PackageRef,
    Receives,
    ShipmentState,
    ShopAccess,
)
from app.channels.discovery import load_connectors
from app.channels.errors import ChannelError
from app.channels.http import open_http
from app.channels.limiter import Limiter
from app.dev.environment import channel_environment
from tests.connectors.contract.callback import approve, listen

_CALL_SECONDS = 0.4
A_WHILE = 120
"""Seconds within which couriers give numbers and labels are made."""
WISHES = {
    "pickup": Handover("pickup"),
    "dropoff": Handover("dropoff"),
    "manual": Handover("manual", courier="JNE", tracking_number="AK224200239740W"),
}


class Stand:
    """Speaks to one channel as the service does, and to its simulator as buyer, courier and saboteur."""

    def __init__(self, control: httpx.AsyncClient, connector: Connector, described: dict[str, Any]) -> None:
        self.control, self.connector, self.described = control, connector, described
        self.channel = connector.facts.channel
        self.shop_id = str(described["shop_id"])
        self.granted: GrantedCredential
        self.access: ShopAccess

    # --- the simulator

    async def post(self, path: str, **body: Any) -> Any:
        answer = await self.control.post(f"/_control/{path}", json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.control.get(f"/_control/{path}", params=query)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def place(self, count: int = 1, **wishes: Any) -> list[str]:
        """Buyers order."""
        body = {"count": count, "shop_id": self.shop_id, **wishes}
        numbers: list[str] = (await self.post(f"{self.channel}/orders", **body))["order_numbers"]
        return numbers

    async def advance(self, number: str, *steps: str) -> None:
        for step in steps:
            await self.post(f"{self.channel}/orders/{number}/advance", to=step)
            await self.pass_time(A_WHILE)

    async def truth(self, number: str) -> dict[str, Any]:
        view: dict[str, Any] = await self.get(f"{self.channel}/orders/{number}")
        return view

    async def pass_time(self, seconds: float) -> None:
        await self.post("clock", advance_seconds=seconds)

    async def now(self) -> datetime:
        return datetime.fromisoformat((await self.get("clock"))["now"])

    async def fault(self, operation: str, mode: str, **more: Any) -> None:
        await self.post("faults", channel=self.channel, operation=operation, mode=mode, **{"times": 1, **more})

    async def effects(self, operation: str, number: str | None = None) -> int:
        """Effective calls in the simulator's ledger."""
        # Tokens belong to the API, whichever of its channels is looked at.
        query = {"operation": operation, **({} if operation == "token_refresh" else {"channel": self.channel})}
        rows = (await self.get("ledger", **query, **({"order_number": number} if number else {})))["data"]
        return sum(row["effective"] for row in rows)

    # --- the connector

    @property
    def ships(self) -> ArrangesShipments:
        assert isinstance(self.connector, ArrangesShipments)
        return self.connector

    async def ids(self, numbers: Sequence[str]) -> list[str]:
        """The ids of orders by their numbers."""
        page_ids = {order.order_number: order.external_id for order in await self.list_orders()}
        return [page_ids[number] for number in numbers]

    async def list_orders(self) -> list[ChannelOrder]:
        """Everything that changed lately, each order once."""
        ids = await self.list_ids()
        found: list[ChannelOrder] = []
        for start in range(0, len(ids), self.connector.facts.detail_batch):
            part = ids[start : start + self.connector.facts.detail_batch]
            found += (await self.connector.get_orders(self.access, part)).orders
        return found

    async def list_ids(self, by: Any = "updated") -> list[str]:
        """Ids of the last two weeks, as the pages give them, doubles removed."""
        now = await self.now()
        window = min(self.connector.facts.window, timedelta(days=14))
        found: dict[str, None] = {}
        cursor = None
        while True:
            page = await self.connector.list_orders(
                self.access, by=by, since=now - window, until=now + timedelta(minutes=5), cursor=cursor
            )
            assert abs(page.channel_now - now) < timedelta(minutes=2)
            if page.reading is not None:
                told = {one.external_id for one in page.reading.orders}
                assert told <= set(page.external_ids)
            found |= dict.fromkeys(page.external_ids)
            cursor = page.next_cursor
            if cursor is None:
                return list(found)

    async def read(self, number: str) -> ChannelOrder:
        """One order, fresh."""
        [external_id] = [number] if await self._is_id(number) else await self.ids([number])
        reading = await self.connector.get_orders(self.access, [external_id])
        assert len(reading.orders) == 1, reading
        return reading.orders[0]

    async def _is_id(self, number: str) -> bool:
        reading = await self.connector.get_orders(self.access, [number])
        return any(order.order_number == number for order in reading.orders)

    async def packages(self, number: str) -> list[PackageRef]:
        """The order's packages as the service would name them."""
        order = await self.read(number)
        return [
            PackageRef(
                order.external_id,
                parcel.package_number,
                is_only_package=len(order.packages) == 1,
                tracking_number=parcel.tracking_number,
                courier=parcel.courier,
            )
            for parcel in order.packages
        ]

    async def ready(self, **wishes: Any) -> tuple[str, list[PackageRef]]:
        """A new order that can be arranged, received where that is a call."""
        [number] = await self.place(**wishes)
        packages = await self.packages(number)
        if isinstance(self.connector, Receives):
            outcomes = await self.connector.receive_packages(self.access, packages)
            assert set(outcomes.values()) == {None}, outcomes
            packages = await self.packages(number)
        return number, packages

    async def choose(self, package: PackageRef, method: str) -> Handover | None:
        """A hand-over from what the channel offers; None when it does not offer this one."""
        options = await self.ships.fetch_shipping_options(self.access, package)
        offered = next((one for one in options.methods if one.method == method), None)
        if offered is None:
            return None
        wish = dataclasses.replace(WISHES[method], reference="01937c1e-0000-7000-8000-000000000001")
        if offered.addresses:
            address = offered.addresses[0]
            slot = address.slots[0].id if address.slots else None
            wish = dataclasses.replace(wish, address_id=address.id, slot_id=slot)
        if offered.branches and "branch_id" in offered.required:
            wish = dataclasses.replace(wish, branch_id=offered.branches[0].id)
        return wish

    async def first_choice(self, package: PackageRef) -> Handover:
        """Any hand-over the channel offers."""
        for method in self.connector.facts.handovers:
            wish = await self.choose(package, method)
            if wish is not None:
                return wish
        raise AssertionError("nothing is offered")

    async def arrange(self, package: PackageRef) -> None:
        """By whatever is offered."""
        await self.ships.arrange_shipment(self.access, package, await self.first_choice(package))

    async def state_of(self, package: PackageRef) -> ShipmentState:
        return (await self.ships.read_shipments(self.access, [package]))[package.package_number].state

    async def consent(self) -> GrantedCredential:
        """Through the browser, as the seller would."""
        assert isinstance(self.connector, Authorises)
        store_url = self.described.get("base_url") if self.connector.facts.needs_store_url else None
        async with listen(f"/v1/connections/callback/{self.channel}") as listener:
            start = ConsentStart("st4te-0123456789abcdef", listener.url, await self.now(), store_url)
            await approve(self.connector.authorization_url(start), self.shop_id)
            parameters = listener.parameters()
        assert parameters[self.connector.facts.state_parameter] == "st4te-0123456789abcdef"
        callback = parameters | ({"store_url": store_url} if store_url else {})
        (granted,) = await self.connector.exchange(callback)
        return granted


async def raised(awaitable: Any) -> ChannelError | None:
    """The error of a call; None when it went well."""
    try:
        await awaitable
    except ChannelError as error:
        return error
    return None


@asynccontextmanager
async def open_connectors(sandbox_url: str, *more_folders: str) -> AsyncIterator[Connectors]:
    """Every connector as discovery builds it from the sandbox's credentials."""
    async with open_http(_CALL_SECONDS) as http:
        with pytest.MonkeyPatch.context() as patch:
            credentials = httpx.get(f"{sandbox_url}/_control/credentials", trust_env=False).json()
            for name, value in channel_environment(credentials).items():
                patch.setenv(name, value)
            patch.setattr(app.connectors, "__path__", [*app.connectors.__path__, *more_folders])
            connectors = load_connectors(app.connectors, http, Limiter(None, workers=1, override=1000))
        yield connectors


@asynccontextmanager
async def open_stand(control: httpx.AsyncClient, connector: Connector) -> AsyncIterator[Stand]:
    """A new shop at the channel, connected."""
    channel = connector.facts.channel
    answer = await control.post(f"/_control/{channel}/shops", json={"name": "Toko Uji"})
    assert answer.status_code == 201, answer.text
    stand = Stand(control, connector, answer.json())
    stand.granted = await stand.consent()
    [account_id] = stand.granted.account_ids
    access = ShopAccess(account_id, stand.granted.tokens.access_token)
    assert isinstance(connector, Authorises)
    account = await connector.fetch_account(access)
    stand.access = dataclasses.replace(access, cipher=account.cipher)
    try:
        yield stand
    finally:
        await control.delete("/_control/faults")
