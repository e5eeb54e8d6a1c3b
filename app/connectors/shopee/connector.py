"""Shopee behind the contract of app.channels: client, wire, mapping."""

import hmac
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from app.channels import decoding
from app.channels.contract import (
    CancellationReason,
    ChannelAccount,
    ChannelFacts,
    ChannelListing,
    ChannelShop,
    ConsentStart,
    GrantedCredential,
    Handover,
    LabelStatus,
    ListingPage,
    OrderListPage,
    OrdersReading,
    OrderToCancel,
    Outcomes,
    PackageRef,
    PushMessage,
    PushRequest,
    ShipmentReading,
    ShippingOptions,
    ShopAccess,
    Tokens,
    TrackingEvent,
)
from app.channels.errors import ChannelError, Malformed, Rejected, Unknown
from app.connectors.shopee import arranging, failures, printing, wire
from app.connectors.shopee.client import RATES, Answer, Client, Json
from app.connectors.shopee.mapping import orders, pushes, shipping, statuses, stock
from app.connectors.shopee.settings import ShopeeSettings
from app.connectors.shopee.signing import sign_push
from app.core.clock import from_epoch

WINDOW = timedelta(days=15)
BATCH = 50
PAGE = 100
REFRESH_LIFE = timedelta(days=30)
ORDER_FIELDS = (
    "buyer_user_id,buyer_username,estimated_shipping_fee,recipient_address,actual_shipping_fee,"
    "actual_shipping_fee_confirmed,item_list,pay_time,dropshipper,split_up,buyer_cancel_reason,cancel_by,cancel_reason,"
    "fulfillment_flag,pickup_done_time,package_list,shipping_carrier,checkout_shipping_carrier,payment_method,"
    "total_amount,reverse_shipping_fee"
)
REASONS = (
    CancellationReason("OUT_OF_STOCK", "Out of stock", "Stok habis"),
    CancellationReason("CUSTOMER_REQUEST", "Requested by the buyer", "Permintaan pembeli"),
)
UNKNOWN_PACKAGE = ("error_not_found", "package_not_exist", "package_number_not_found")
NOT_ARRANGEABLE = ("not to_process", "only be obtained when package is ready")


def build_facts(settings: ShopeeSettings) -> ChannelFacts:
    """What Shopee is like."""
    return ChannelFacts(
        channel="shopee",
        api="shopee",
        title="Shopee",
        first_step="none",
        handovers=("pickup", "dropoff", "manual"),
        document_types=("label",),
        window=WINDOW,
        detail_batch=BATCH,
        label_batch=BATCH,
        settle_seconds=settings.settle_seconds,
        cancellation_response=timedelta(hours=settings.auto_cancel_hours),
        rates=RATES,
        arrange_batch=BATCH,
    )


class ShopeeConnector:
    """Everything Shopee can do for one app."""

    def __init__(self, client: Client, settings: ShopeeSettings) -> None:
        self._client = client
        self._auth_url = settings.auth_url
        keys = (settings.push_key, settings.partner_key)
        # The console's push key is the younger one; apps from before it sign with the partner key.
        self._push_keys = tuple(key.get_secret_value() for key in keys if key is not None)
        self.facts = build_facts(settings)

    # --- authorisation ------------------------------------------------------------------------------------------------

    def authorization_url(self, start: ConsentStart) -> str:
        """The consent page; the older, signed form has no `state` of its own, so it travels in the redirect."""
        path = urlsplit(self._auth_url).path
        if path.endswith("/auth_partner"):
            separator = "&" if "?" in start.redirect_uri else "?"
            redirect = f"{start.redirect_uri}{separator}{urlencode({'state': start.state})}"
            return f"{self._auth_url}?{urlencode({**self._client.signed(path), 'redirect': redirect})}"
        query = {
            "partner_id": self._client.partner_id,
            "auth_type": "seller",
            "redirect_uri": start.redirect_uri,
            "response_type": "code",
            "state": start.state,
        }
        return f"{self._auth_url}?{urlencode(query)}"

    async def exchange(self, callback: Mapping[str, str]) -> tuple[GrantedCredential, ...]:
        """A main account opens several shops; its refresh token works once for each of them."""
        owner = next((name for name in ("shop_id", "main_account_id") if _is_id(callback.get(name, ""))), None)
        if owner is None or not callback.get("code"):
            raise Rejected("", "The callback names no code or no shop.")
        body = {"code": callback["code"], "partner_id": self._client.partner_id, owner: int(callback[owner])}
        answer = await self._client.write_public("/api/v2/auth/token/get", body)
        granted, tokens = _to_tokens(answer)
        shop_ids = granted.shop_id_list if owner == "main_account_id" else (int(callback[owner]),)
        return tuple(GrantedCredential(tokens, (str(shop_id),)) for shop_id in shop_ids)

    async def refresh(self, account_id: str, tokens: Tokens) -> Tokens:
        body = {
            "refresh_token": tokens.refresh_token,
            "partner_id": self._client.partner_id,
            "shop_id": int(account_id),
        }
        answer = await self._client.write_public("/api/v2/auth/access_token/get", body)
        return _to_tokens(answer)[1]

    async def fetch_account(self, access: ShopAccess) -> ChannelAccount:
        answer = await self._client.read("/api/v2/shop/get_shop_info", access)
        shop = decoding.read_answer(wire.ShopInfo, answer.payload)
        return ChannelAccount(
            external_id=access.external_id,
            shops=(ChannelShop("shopee", access.external_id, shop.shop_name or f"Shopee {access.external_id}"),),
            authorization_expires_at=orders.moment(shop.expire_time),
        )

    # --- orders -------------------------------------------------------------------------------------------------------

    async def list_orders(
        self,
        access: ShopAccess,
        *,
        by: Literal["created", "updated"],
        since: datetime,
        until: datetime,
        cursor: str | None,
    ) -> OrderListPage:
        first = int(since.timestamp())
        last = min(max(math.ceil(until.timestamp()), first + 1), first + int(WINDOW.total_seconds()))
        query: Json = {
            "time_range_field": "create_time" if by == "created" else "update_time",
            "time_from": first,
            "time_to": last,
            "page_size": PAGE,
            "request_order_status_pending": "true",
        }
        if cursor:
            query["cursor"] = cursor
        answer = await self._client.read("/api/v2/order/get_order_list", access, query)
        page = decoding.read_answer(wire.OrderList, answer.response)
        following = page.next_cursor if page.more and page.next_cursor else None
        if following is not None and following == cursor:
            raise Malformed("endless_list", "The list points to the page it just gave.")
        return OrderListPage(tuple(row.order_sn for row in page.order_list), following, answer.at)

    async def get_orders(self, access: ShopAccess, external_ids: Sequence[str]) -> OrdersReading:
        elements = await self._fetch_orders(access, external_ids)
        details = await self._fetch_packages(access, orders.package_numbers(elements))
        return orders.to_orders_reading(access.external_id, external_ids, elements, details)

    async def _fetch_orders(self, access: ShopAccess, numbers: Sequence[str]) -> list[Any]:
        """Raw elements of `get_order_detail`; none when Shopee knows none of the numbers."""
        query = {
            "order_sn_list": ",".join(dict.fromkeys(numbers)),
            "response_optional_fields": ORDER_FIELDS,
            "request_order_status_pending": "true",
        }
        try:
            answer = await self._client.read("/api/v2/order/get_order_detail", access, query)
        except Rejected as error:
            if failures.bare(error.code) == "error_not_found":
                return []
            raise
        return _elements(answer.response, "order_list")

    async def _fetch_packages(self, access: ShopAccess, numbers: Sequence[str]) -> dict[str, Any]:
        """Raw elements of `get_package_detail` by number. A number that is gone by now is simply not among them."""
        found: dict[str, Any] = {}
        for start in range(0, len(numbers), BATCH):
            query = {"package_number_list": ",".join(numbers[start : start + BATCH])}
            try:
                answer = await self._client.read("/api/v2/order/get_package_detail", access, query)
            except Rejected as error:
                if failures.bare(error.code) not in UNKNOWN_PACKAGE:
                    raise
                continue
            found |= shipping.by_package_number(answer.response)
        return found

    # --- shipping -----------------------------------------------------------------------------------------------------

    async def fetch_shipping_options(self, access: ShopAccess, package: PackageRef) -> ShippingOptions:
        try:
            answer = await self._client.read(
                "/api/v2/logistics/get_shipping_parameter", access, shipping.package_query(package)
            )
        except Rejected as error:
            if any(text in error.reason.lower() for text in NOT_ARRANGEABLE):
                return ShippingOptions(())
            raise
        return shipping.to_shipping_options(decoding.read_answer(wire.ShippingParameter, answer.response))

    async def reserve(self, access: ShopAccess) -> None:
        await self._client.reserve(access)

    async def arrange_shipment(self, access: ShopAccess, package: PackageRef, handover: Handover) -> None:
        await arranging.arrange(
            self._client, access, package, handover, lambda one: self._has_failed_pickup(access, one)
        )

    def batch_of(self, package: PackageRef, handover: Handover) -> str | None:
        return arranging.batch_of(package, handover)

    async def arrange_shipments(self, access: ShopAccess, parcels: Sequence[tuple[PackageRef, Handover]]) -> Outcomes:
        return await arranging.arrange_together(
            self._client, access, parcels, lambda package, handover: self.arrange_shipment(access, package, handover)
        )

    async def _has_failed_pickup(self, access: ShopAccess, package: PackageRef) -> bool:
        """Such a package is arranged again, with another call; whatever else refused `ship_order` is read back."""
        try:
            details = await self._fetch_packages(access, [package.package_number])
        except ChannelError:
            return False
        detail = _read_or_none(wire.PackageDetail, details.get(package.package_number))
        return detail is not None and detail.fulfillment_status == statuses.PICKUP_RETRY

    async def read_shipments(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, ShipmentReading]:
        """Package detail and order detail: the one has the flag, the other an open cancellation."""
        details = await self._fetch_packages(access, [package.package_number for package in packages])
        numbers = list(dict.fromkeys(package.order_external_id for package in packages))
        found: dict[str, Any] = {}
        for start in range(0, len(numbers), BATCH):
            for element in await self._fetch_orders(access, numbers[start : start + BATCH]):
                found[orders.order_number(element) or ""] = element
        readings = {}
        for package in packages:
            order = _read_or_none(wire.OrderDetail, found.get(package.order_external_id))
            detail = _read_or_none(wire.PackageDetail, details.get(package.package_number))
            reading = shipping.to_shipment_reading(package, order, detail)
            if reading is not None:
                readings[package.package_number] = reading
        return readings

    async def request_labels(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, LabelStatus]:
        return await printing.request(self._client, access, packages)

    async def poll_labels(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, LabelStatus]:
        return await printing.poll(self._client, access, packages)

    async def fetch_label(self, access: ShopAccess, package: PackageRef) -> bytes:
        return await printing.fetch(self._client, access, package)

    async def fetch_tracking(self, access: ShopAccess, package: PackageRef) -> tuple[TrackingEvent, ...]:
        query = shipping.package_query(package)
        try:
            answer = await self._client.read("/api/v2/logistics/get_tracking_info", access, query)
        except Rejected as error:
            if failures.bare(error.code) == "error_status_limit":  # too early
                return ()
            raise
        return shipping.to_tracking_events(decoding.read_answer(wire.TrackingInfo, answer.response))

    # --- cancellation -------------------------------------------------------------------------------------------------

    def cancellation_reasons(self) -> tuple[CancellationReason, ...]:
        return REASONS

    async def fetch_rejection_reasons(
        self, access: ShopAccess, order_external_id: str
    ) -> tuple[CancellationReason, ...]:
        """Shopee takes none."""
        return ()

    async def cancel_order(self, access: ShopAccess, order: OrderToCancel, reason: str) -> None:
        if reason not in [known.code for known in REASONS]:
            raise Rejected("", "Shopee does not accept this reason.", meaning="missing_parameter")
        body: Json = {"order_sn": order.external_id, "cancel_reason": reason}
        if reason == "OUT_OF_STOCK":
            body["item_list"] = [
                {"item_id": int(item_id), "model_id": int(model_id)} for item_id, model_id in dict.fromkeys(order.skus)
            ]
        await self._client.write("/api/v2/order/cancel_order", access, body)

    async def answer_cancellation(
        self, access: ShopAccess, order_external_id: str, decision: Literal["approve", "reject"], reason: str | None
    ) -> None:
        """Shopee takes no reason for a rejection."""
        body = {"order_sn": order_external_id, "operation": "ACCEPT" if decision == "approve" else "REJECT"}
        await self._client.write("/api/v2/order/handle_buyer_cancellation", access, body)

    # --- stock --------------------------------------------------------------------------------------------------------

    async def list_listings(self, access: ShopAccess, cursor: str | None) -> ListingPage:
        query = {"offset": int(cursor or 0), "page_size": BATCH, "item_status": ["NORMAL", "UNLIST"]}
        answer = await self._client.read("/api/v2/product/get_item_list", access, query)
        page = decoding.read_answer(wire.ItemList, answer.response)
        listings: list[ChannelListing] = []
        if page.item:
            ids = {"item_id_list": ",".join(str(row.item_id) for row in page.item)}
            answer = await self._client.read("/api/v2/product/get_item_base_info", access, ids)
            for item in decoding.read_answer(wire.ItemInfos, answer.response).item_list:
                listings += await self._fetch_item(access, item)
        has_more = page.has_next_page and page.next_offset > int(cursor or 0)
        return ListingPage(tuple(listings), str(page.next_offset) if has_more else None)

    async def _fetch_item(self, access: ShopAccess, item: wire.ItemInfo) -> list[ChannelListing]:
        if not item.has_model:
            return [stock.item_listing(item)]
        answer = await self._client.read("/api/v2/product/get_model_list", access, {"item_id": item.item_id})
        return stock.model_listings(item, decoding.read_answer(wire.ModelList, answer.response))

    async def push_stock(self, access: ShopAccess, item_id: str, model_id: str, quantity: int) -> None:
        await self._client.reserve(access)
        model = {"model_id": int(model_id), "seller_stock": [{"stock": quantity}]}
        body = {"item_id": int(item_id), "stock_list": [model]}
        answer = await self._client.write("/api/v2/product/update_stock", access, body)
        try:
            failures_listed = decoding.read(wire.StockAnswer, answer.response).failure_list
        except ValueError as error:
            raise Unknown("unreadable_answer", str(error)) from error
        for failure in failures_listed:
            raise Rejected("failure_list", failure.failed_reason)

    # --- pushes -------------------------------------------------------------------------------------------------------

    def verify_push(self, request: PushRequest) -> bool:
        given = request.headers.get("authorization", "").strip().encode()
        expected = [sign_push(key, request.url, request.body).encode() for key in self._push_keys]
        if any(hmac.compare_digest(given, signature) for signature in expected):
            return True
        # The console's test message comes with a signature of its own kind, or none; it changes nothing here.
        try:
            return self.parse_push(request).kind == "verification"
        except Malformed:
            return False

    def parse_push(self, request: PushRequest) -> PushMessage:
        try:
            push = decoding.read(wire.Push, decoding.parse(request.body))
        except ValueError as error:
            raise Malformed("unreadable_push", str(error)) from error
        return pushes.to_push_message(push)


def _to_tokens(answer: Answer) -> tuple[wire.TokenAnswer, Tokens]:
    try:
        granted = decoding.read(wire.TokenAnswer, answer.payload)
    except ValueError as error:
        raise Unknown("unreadable_answer", str(error)) from error  # the old token is spent all the same
    expires_at = answer.at + timedelta(seconds=granted.expire_in)
    if granted.expire_in > 10**9:  # one documented sample has an absolute time
        expires_at = from_epoch(granted.expire_in)
    return granted, Tokens(granted.access_token, granted.refresh_token, expires_at, answer.at + REFRESH_LIFE)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _elements(response: Json, name: str) -> list[Any]:
    elements = response.get(name)
    if elements is not None and not isinstance(elements, list):
        raise Malformed("unreadable_answer", f"{name}: not a list")
    return elements or []


def _read_or_none(model: type[decoding.WireT], element: Any) -> decoding.WireT | None:
    """A broken element proves nothing, exactly like a missing one."""
    try:
        return decoding.read(model, element) if element is not None else None
    except ValueError:
        return None
