"""The contract in Warung's words."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlencode

import httpx

from app.channels.contract import (
    ChannelAccount,
    ChannelAmount,
    ChannelFacts,
    ChannelLine,
    ChannelOrder,
    ChannelPackage,
    ChannelShop,
    ConsentStart,
    GrantedCredential,
    Handover,
    OrderListPage,
    OrdersReading,
    OrderStatus,
    PackageRef,
    PackageStatus,
    Rate,
    Recipient,
    ShipmentReading,
    ShipmentState,
    ShippingMethod,
    ShippingOptions,
    ShopAccess,
    Tokens,
)
from app.channels.errors import AlreadyDone, Malformed, Rejected, Throttled, Unauthorized, Unavailable, Unknown
from app.channels.http import HttpAnswer, send
from app.channels.limiter import Limiter

CHANNEL = "warung"
TRIES = 3
STATES: dict[str, tuple[OrderStatus, PackageStatus]] = {
    "unpaid": ("unpaid", "to_process"),
    "paid": ("ready_to_ship", "to_process"),
    "arranged": ("ready_to_ship", "processed"),
    "collected": ("on_delivery", "in_transit"),
    "in_transit": ("on_delivery", "in_transit"),
    "delivered": ("on_delivery", "delivered"),
    "completed": ("completed", "delivered"),
    "cancelled": ("cancelled", "cancelled"),
}


class WarungConnector:
    """Authorises, reads orders, arranges shipments."""

    facts = ChannelFacts(
        channel=CHANNEL,
        api=CHANNEL,
        title="Warung",
        first_step="none",
        handovers=("pickup",),
        document_types=(),
        window=timedelta(days=15),
        detail_batch=40,
        label_batch=1,
        settle_seconds=60,
        cancellation_response=None,
    )

    def __init__(self, http: httpx.AsyncClient, limiter: Limiter, base_url: str, secret: str) -> None:
        self._http, self._limiter, self._base_url, self._secret = http, limiter, base_url, secret

    # --- authorisation

    def authorization_url(self, start: ConsentStart) -> str:
        return f"{self._base_url}/authorize?{urlencode({'redirect_uri': start.redirect_uri, 'state': start.state})}"

    async def exchange(self, callback: Mapping[str, str]) -> tuple[GrantedCredential, ...]:
        told, at = await self._write("/token", None, {"secret": self._secret, "code": callback.get("code", "")})
        return (GrantedCredential(_tokens(told, at), (str(told["shop_id"]),)),)

    async def refresh(self, account_id: str, tokens: Tokens) -> Tokens:
        try:
            body = {"secret": self._secret, "refresh_token": tokens.refresh_token}
            return _tokens(*await self._write("/token", None, body))
        except Rejected as error:
            raise Unauthorized(error.code, error.reason, is_final=True) from error

    async def fetch_account(self, access: ShopAccess) -> ChannelAccount:
        told, _ = await self._read("/shop", access, {})
        shop_id = str(told["shop_id"])
        return ChannelAccount(shop_id, (ChannelShop(CHANNEL, shop_id, str(told["name"])),))

    # --- orders

    async def list_orders(
        self,
        access: ShopAccess,
        *,
        by: Literal["created", "updated"],
        since: datetime,
        until: datetime,
        cursor: str | None,
    ) -> OrderListPage:
        query = {"by": by, "since": since.timestamp(), "until": until.timestamp(), "start": cursor or "0"}
        told, at = await self._read("/orders", access, query)
        following = told["next"]
        return OrderListPage(tuple(told["ids"]), None if following is None else str(following), at)

    async def get_orders(self, access: ShopAccess, external_ids: Sequence[str]) -> OrdersReading:
        told, _ = await self._read("/read", access, {"ids": list(external_ids)}, is_posted=True)
        orders = tuple(_to_order(one) for one in told["orders"])
        found = {order.external_id for order in orders}
        return OrdersReading(orders, (), tuple(one for one in external_ids if one not in found))

    # --- shipping

    async def fetch_shipping_options(self, access: ShopAccess, package: PackageRef) -> ShippingOptions:
        reading = await self.read_shipments(access, [package])
        is_open = reading[package.package_number].state is ShipmentState.ABSENT
        return ShippingOptions((ShippingMethod("pickup"),) if is_open else ())

    async def reserve(self, access: ShopAccess) -> None:
        await self._limiter.acquire(f"{access.limiter_key}:write", Rate(5, 5), priority=access.priority)

    async def arrange_shipment(self, access: ShopAccess, package: PackageRef, handover: Handover) -> None:
        await self._write("/ship", access, {"package": package.package_number, "method": handover.method})

    async def read_shipments(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, ShipmentReading]:
        reading = await self.get_orders(access, [one.order_external_id for one in packages])
        return {package.package_number: _to_shipment(package) for order in reading.orders for package in order.packages}

    # --- calls

    async def _read(
        self, path: str, access: ShopAccess, parameters: dict[str, Any], *, is_posted: bool = False
    ) -> tuple[dict[str, Any], datetime]:
        for attempt in range(1, TRIES + 1):
            try:
                return await self._call(path, access, parameters, is_posted=is_posted, is_write=False)
            except (Unavailable, Malformed):
                if attempt == TRIES:
                    raise
        raise AssertionError("the last try answers or raises")

    async def _write(
        self, path: str, access: ShopAccess | None, body: dict[str, Any]
    ) -> tuple[dict[str, Any], datetime]:
        return await self._call(path, access, body, is_posted=True, is_write=True)

    async def _call(
        self, path: str, access: ShopAccess | None, parameters: dict[str, Any], *, is_posted: bool, is_write: bool
    ) -> tuple[dict[str, Any], datetime]:
        headers = {"Authorization": f"Bearer {access.access_token}"} if access else {}
        request = self._http.build_request(
            "POST" if is_posted else "GET",
            f"{self._base_url}{path}",
            headers=headers,
            json=parameters if is_posted else None,
            params=None if is_posted else parameters,
        )
        answer = await send(self._http, request, is_write=is_write)
        _raise_for_status(answer, is_write=is_write)
        try:
            told = json.loads(answer.body)
        except ValueError as error:
            raise (Unknown if is_write else Malformed)("unreadable_answer", str(error)) from error
        return told, answer.at


def _raise_for_status(answer: HttpAnswer, *, is_write: bool) -> None:
    code = f"http_{answer.status}"
    if answer.status >= 500:
        raise Unknown(code) if is_write else Unavailable(code)
    if answer.status == 429:
        raise Throttled(code, retry_after=answer.retry_after)
    if answer.status == 401:
        raise Unauthorized(code)
    if answer.status == 409:
        raise AlreadyDone(code)
    if answer.status >= 400:
        raise Rejected(code, answer.body.decode(errors="replace")[:200])


def _tokens(told: dict[str, Any], at: datetime) -> Tokens:
    return Tokens(told["access_token"], told["refresh_token"], at + timedelta(seconds=told["expires_in"]))


def _to_order(told: dict[str, Any]) -> ChannelOrder:
    status, package_status = STATES[told["state"]]
    lines = tuple(
        ChannelLine(
            external_id=one["id"],
            item_id=one["sku"],
            model_id="",
            sku=one["sku"],
            name=one["name"],
            variation="",
            quantity=one["quantity"],
            unit_price=Decimal(one["price"]),
        )
        for one in told["lines"]
    )
    total = Decimal(sum((line.unit_price or 0) * line.quantity for line in lines))
    placed_at = datetime.fromtimestamp(told["placed"], UTC)
    package = ChannelPackage(
        package_number=f"P{told['number']}",
        status=package_status,
        channel_status=told["state"],
        courier="Warung Kirim",
        tracking_number=told["tracking_number"],
        lines={line.external_id: line.quantity for line in lines},
    )
    return ChannelOrder(
        channel=CHANNEL,
        shop_external_id=told["shop_id"],
        external_id=told["number"],
        order_number=told["number"],
        status=status,
        channel_status=told["state"],
        updated_at=datetime.fromtimestamp(told["updated"], UTC),
        placed_at=placed_at,
        paid_at=None if status == "unpaid" else placed_at,
        ship_by=placed_at + timedelta(days=2),
        currency="IDR",
        total=ChannelAmount("total", total, "derived"),
        lines=lines,
        packages=(package,),
        recipient=Recipient(name=told["buyer"]),
    )


def _to_shipment(package: ChannelPackage) -> ShipmentReading:
    state = {"to_process": ShipmentState.ABSENT, "cancelled": ShipmentState.MOOT}.get(
        package.status, ShipmentState.ARRANGED
    )
    return ShipmentReading(package.package_number, state, package.channel_status, package.tracking_number)
