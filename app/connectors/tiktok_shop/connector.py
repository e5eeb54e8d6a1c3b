"""TikTok Shop behind the contract of app.channels: client, wire, mapping."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode

from app.channels import decoding, turns
from app.channels.contract import (
    CancellationReason,
    ChannelAccount,
    ChannelFacts,
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
from app.channels.errors import ChannelError, Malformed, Rejected, Throttled, Unauthorized, Unknown
from app.connectors.tiktok_shop import cancelling, shipping_calls, wire
from app.connectors.tiktok_shop.client import Client
from app.connectors.tiktok_shop.facts import DETAIL_BATCH, TIKTOK_SHOP, TOKOPEDIA
from app.connectors.tiktok_shop.mapping import orders, products, pushes, shipping
from app.connectors.tiktok_shop.settings import TikTokShopSettings
from app.core.clock import from_epoch

PAGE = "100"
SCOPES = ("seller.order.info", "seller.fulfillment.basic")
"""Without these a consent is of no use."""
_FAR = 253_402_300_799
_NOT_READY_SECONDS = 5.0


class TikTokShopConnector:
    """Everything the API can do for one app; either channel's connector speaks for the whole account."""

    def __init__(self, client: Client, settings: TikTokShopSettings, facts: ChannelFacts) -> None:
        self._client = client
        self._settings = settings
        self.facts = facts

    # --- authorisation ------------------------------------------------------------------------------------------------

    def authorization_url(self, start: ConsentStart) -> str:
        """The official link names the app only: the callback is registered with it. A local fake has no console."""
        query = {"service_id": self._settings.service_id or self._client.app_key, "state": start.state}
        if not self._settings.is_official:
            query["redirect_uri"] = start.redirect_uri
        return f"{self._settings.auth_url}?{urlencode(query)}"

    async def exchange(self, callback: Mapping[str, str]) -> tuple[GrantedCredential, ...]:
        code = callback.get("code") or callback.get("auth_code") or ""
        if code in ("", "null"):
            raise Rejected(callback.get("error", "no_code"), "The seller did not agree.", meaning="consent_refused")
        answer = await self._client.trade("/api/v2/token/get", {"auth_code": code, "grant_type": "authorized_code"})
        told = _read_tokens(answer.data)
        if told.granted_scopes and not set(SCOPES) <= set(told.granted_scopes):
            raise Rejected("105005", "The authorization is incomplete: scopes are missing.", meaning="scopes_missing")
        tokens = _to_tokens(told)
        shops = await self._fetch_shops(ShopAccess("", tokens.access_token))
        return (GrantedCredential(tokens, tuple(shop.id for shop in shops)),)

    async def refresh(self, account_id: str, tokens: Tokens) -> Tokens:
        query = {"refresh_token": tokens.refresh_token, "grant_type": "refresh_token"}
        try:
            answer = await self._client.trade("/api/v2/token/refresh", query)
        except Rejected as error:
            if error.meaning == "app_refused":
                raise
            raise Unauthorized(error.code, error.reason, is_final=True) from error
        return _to_tokens(_read_tokens(answer.data))

    async def fetch_account(self, access: ShopAccess) -> ChannelAccount:
        shop = next((one for one in await self._fetch_shops(access) if one.id == access.external_id), None)
        if shop is None:
            raise Unauthorized("101000", "The authorization no longer covers this shop.", is_final=True)
        name = shop.name or shop.id
        storefronts = [ChannelShop(TIKTOK_SHOP, shop.id, name)]
        opened = ShopAccess(shop.id, access.access_token, shop.cipher, access.limiter_key, access.priority)
        if await self._sells_on_tokopedia(opened):
            storefronts.append(ChannelShop(TOKOPEDIA, shop.id, f"{name} (Tokopedia)"))
        return ChannelAccount(shop.id, tuple(storefronts), cipher=shop.cipher)

    async def _fetch_shops(self, access: ShopAccess) -> tuple[wire.AuthorizedShop, ...]:
        answer = await self._client.read("/authorization/202309/shops", access, has_cipher=False)
        return decoding.read_answer(wire.AuthorizedShops, answer.data).shops

    async def _sells_on_tokopedia(self, access: ShopAccess) -> bool:
        """Where a warehouse delivers for, or what a product is listed on, tells. Neither is worth failing for."""
        try:
            if await self._delivers_for_tokopedia(access):
                return True
            body = {"status": "ACTIVATE"}
            answer = await self._client.read("/product/202502/products/search", access, {"page_size": PAGE}, body)
            listed = decoding.read_answer(wire.Products, answer.data).products
        except (Rejected, Malformed):
            return False
        return any(one.platform == "TOKOPEDIA" for product in listed for one in product.integrated_platform_statuses)

    async def _delivers_for_tokopedia(self, access: ShopAccess) -> bool:
        answer = await self._client.read("/logistics/202309/warehouses", access)
        places = decoding.read_answer(wire.Warehouses, answer.data).warehouses
        for place in [one for one in places if one.type != "RETURN_WAREHOUSE"][:3]:
            path = f"/logistics/202309/warehouses/{place.id}/delivery_options"
            answer = await self._client.read(path, access, {"scope": "WAREHOUSE"})
            options = decoding.read_answer(wire.DeliveryOptions, answer.data).delivery_options
            if any("TOKOPEDIA" in option.platform for option in options):
                return True
        return False

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
        field = "create_time" if by == "created" else "update_time"
        query = {"page_size": PAGE, "sort_field": field, "sort_order": "ASC"}
        if cursor is not None:
            query["page_token"] = cursor
        body = {f"{field}_ge": int(since.timestamp()), f"{field}_lt": int(until.timestamp()) + 1}
        answer = await self._client.read("/order/202309/orders/search", access, query, body)
        elements = _elements(answer.data, "orders")
        reading = orders.to_orders_reading(
            access.external_id, None, elements, await self._fetch_requests(access, elements)
        )
        ids = tuple(one for one in map(orders.id_of, elements) if one is not None)
        following = answer.data.get("next_page_token")
        next_cursor = following if isinstance(following, str) and following and following != cursor else None
        return OrderListPage(ids, next_cursor, answer.at, reading)

    async def get_orders(self, access: ShopAccess, external_ids: Sequence[str]) -> OrdersReading:
        asked = list(dict.fromkeys(external_ids))
        elements, left, stopped_by = await self._fetch_orders(access, asked)
        requests = await self._fetch_requests(access, elements)
        answered = [one for one in asked if one not in left]
        reading = orders.to_orders_reading(access.external_id, answered, elements, requests)
        return replace(reading, stopped_by=stopped_by)

    async def _fetch_orders(
        self, access: ShopAccess, ids: Sequence[str]
    ) -> tuple[list[Any], Sequence[str], ChannelError | None]:
        """Raw orders; those left to be asked for, and why.

        When one of several is another seller's the whole call is refused: then each is asked for.
        """
        known = [one for one in ids if one.isascii() and one.isdigit()][:DETAIL_BATCH]
        together = await self._fetch_together(access, known) if known else []
        if together is not None or len(known) == 1:
            return together or [], (), None
        single, stopped_by = await turns.read_each(lambda one: self._fetch_together(access, [one]), known)
        if stopped_by is not None and not single:
            raise stopped_by
        elements = [element for part in single.values() for element in part or ()]
        return elements, [one for one in known if one not in single], stopped_by

    async def _fetch_together(self, access: ShopAccess, ids: Sequence[str]) -> list[Any] | None:
        """None when the call is refused."""
        try:
            answer = await self._client.read("/order/202507/orders", access, {"ids": ",".join(ids)})
        except Rejected as error:
            if error.meaning != "not_found":
                raise
            return None
        return _elements(answer.data, "orders")

    async def _fetch_requests(self, access: ShopAccess, elements: Sequence[Any]) -> dict[str, wire.Cancellation]:
        """Open requests of those orders that have one, for reason and deadline."""
        asked = [orders.id_of(element) for element in elements if orders.asks_to_cancel(element)]
        return await cancelling.fetch_open(self._client, access, [one for one in asked if one is not None])

    # --- shipping -----------------------------------------------------------------------------------------------------

    async def fetch_shipping_options(self, access: ShopAccess, package: PackageRef) -> ShippingOptions:
        return await shipping_calls.fetch_options(self._client, access, package)

    async def reserve(self, access: ShopAccess) -> None:
        await self._client.reserve(access)

    async def arrange_shipment(self, access: ShopAccess, package: PackageRef, handover: Handover) -> None:
        await shipping_calls.ship(self._client, access, package, handover)

    def batch_of(self, package: PackageRef, handover: Handover) -> str | None:
        """A courier of the seller's own has to be looked up first, package by package."""
        return None if handover.method == "manual" else "platform"

    async def arrange_shipments(self, access: ShopAccess, parcels: Sequence[tuple[PackageRef, Handover]]) -> Outcomes:
        return await shipping_calls.ship_together(self._client, access, parcels)

    async def read_shipments(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, ShipmentReading]:
        """Order and package: the one has an open request, the other the state."""
        ids = list(dict.fromkeys(package.order_external_id for package in packages))
        found: dict[str, wire.Order] = {}
        for start in range(0, len(ids), DETAIL_BATCH):
            elements, _, stopped_by = await self._fetch_orders(access, ids[start : start + DETAIL_BATCH])
            if stopped_by is not None:
                raise stopped_by
            for element in elements:
                order = _read_or_none(wire.Order, element)
                if order is not None:
                    found[order.id] = order
        details = await shipping_calls.fetch_packages(self._client, access, [one.package_number for one in packages])
        readings = {}
        for package in packages:
            reading = shipping.to_reading(
                package, found.get(package.order_external_id), details.get(package.package_number)
            )
            if reading is not None:
                readings[package.package_number] = reading
        return readings

    # --- papers -------------------------------------------------------------------------------------------------------

    async def request_labels(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, LabelStatus]:
        """TikTok Shop makes them by itself."""
        return await self.poll_labels(access, packages)

    async def poll_labels(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, LabelStatus]:
        by_number = {package.package_number: package for package in packages}
        told, _ = await turns.read_each(lambda number: self._poll_label(access, by_number[number]), list(by_number))
        return {number: told.get(number) or LabelStatus(number, "processing") for number in by_number}

    async def _poll_label(self, access: ShopAccess, package: PackageRef) -> LabelStatus:
        number = package.package_number
        try:
            document = await shipping_calls.fetch_document(self._client, access, number)
        except Rejected as error:
            if error.meaning == "label_not_ready":
                return LabelStatus(number, "processing")
            code = error.meaning if error.meaning in ("not_arranged", "order_cancelled") else "label_refused"
            return LabelStatus(number, "failed", "label_not_ready" if code == "not_arranged" else code, error.code)
        return LabelStatus(number, "ready" if document.doc_url else "processing")

    async def fetch_label(self, access: ShopAccess, package: PackageRef) -> bytes:
        document = await shipping_calls.fetch_document(self._client, access, package.package_number)
        if not document.doc_url:
            raise Throttled("not_ready", "The label is being made.", retry_after=_NOT_READY_SECONDS)
        if not self._client.may_download(document.doc_url):
            raise Malformed("foreign_url", "The label lies on a host that is not TikTok's.")
        return await self._client.download(document.doc_url)

    async def fetch_tracking(self, access: ShopAccess, package: PackageRef) -> tuple[TrackingEvent, ...]:
        path = f"/fulfillment/202309/orders/{package.order_external_id}/tracking"
        answer = await self._client.read(path, access)
        return shipping.to_events(decoding.read_answer(wire.Tracking, answer.data).tracking)

    # --- cancellation -------------------------------------------------------------------------------------------------

    def cancellation_reasons(self) -> tuple[CancellationReason, ...]:
        return cancelling.REASONS

    async def fetch_rejection_reasons(
        self, access: ShopAccess, order_external_id: str
    ) -> tuple[CancellationReason, ...]:
        return await cancelling.fetch_rejection_reasons(self._client, access, order_external_id)

    async def cancel_order(self, access: ShopAccess, order: OrderToCancel, reason: str) -> None:
        await cancelling.cancel(self._client, access, order, reason)

    async def answer_cancellation(
        self, access: ShopAccess, order_external_id: str, decision: Literal["approve", "reject"], reason: str | None
    ) -> None:
        await cancelling.answer(self._client, access, order_external_id, decision, reason)

    # --- stock --------------------------------------------------------------------------------------------------------

    async def list_listings(self, access: ShopAccess, cursor: str | None) -> ListingPage:
        query = {"page_size": PAGE, **({"page_token": cursor} if cursor else {})}
        answer = await self._client.read("/product/202502/products/search", access, query, {"status": "ALL"})
        page = decoding.read_answer(wire.Products, answer.data)
        return ListingPage(products.to_listings(page.products), page.next_page_token or None)

    async def push_stock(self, access: ShopAccess, item_id: str, model_id: str, quantity: int) -> None:
        if not (item_id.isascii() and item_id.isdigit()):
            raise Rejected("", "TikTok Shop has no such product.", meaning="not_found")
        answer = await self._client.read(f"/product/202309/products/{item_id}", access)
        product = decoding.read_answer(wire.Product, {"id": item_id, **answer.data})
        sku = next((one for one in product.skus if one.id == model_id), None)
        if sku is None:
            raise Rejected("", "The product has no such SKU.", meaning="not_found")
        await self._client.reserve(access)
        path = f"/product/202309/products/{item_id}/inventory/update"
        told = await self._client.write(path, access, products.stock_body(sku, quantity))
        for failure in shipping_calls.read_failures(told.data):
            raise Rejected(str(failure.code), failure.message)

    # --- pushes -------------------------------------------------------------------------------------------------------

    def verify_push(self, request: PushRequest) -> bool:
        given = request.headers.get("authorization", "").strip().encode()
        return hmac.compare_digest(given, self._client.push_signature(request.body).encode())

    def parse_push(self, request: PushRequest) -> PushMessage:
        try:
            return pushes.to_push_message(decoding.read(wire.Push, decoding.parse(request.body)))
        except ValueError as error:
            raise Malformed("unreadable_push", str(error)) from error


def _read_tokens(data: Mapping[str, Any]) -> wire.TokenAnswer:
    try:
        return decoding.read(wire.TokenAnswer, data)
    except ValueError as error:
        raise Unknown("unreadable_answer", str(error)) from error


def _to_tokens(told: wire.TokenAnswer) -> Tokens:
    ends = told.refresh_token_expire_in
    return Tokens(
        told.access_token,
        told.refresh_token,
        from_epoch(told.access_token_expire_in),
        from_epoch(min(ends, _FAR)) if ends > 0 else None,
    )


def _elements(data: Mapping[str, Any], name: str) -> list[Any]:
    """A list that is left out is empty."""
    elements = data.get(name)
    if elements is not None and not isinstance(elements, list):
        raise Malformed("unreadable_answer", f"{name}: not a list")
    return elements or []


def _read_or_none(model: type[decoding.WireT], element: Any) -> decoding.WireT | None:
    try:
        return decoding.read(model, element)
    except ValueError:
        return None
