"""Lazada behind the contract of app.channels: client, wire, mapping."""

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
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
    ShippingMethod,
    ShippingOptions,
    ShopAccess,
    Tokens,
    TrackingEvent,
)
from app.channels.errors import ChannelError, Malformed, Rejected, Unauthorized, Unknown
from app.connectors.lazada import cancelling, items, packaging, wire
from app.connectors.lazada.client import RATES, Answer, Client
from app.connectors.lazada.mapping import orders, products, pushes, shipping
from app.connectors.lazada.settings import LazadaSettings

WINDOW = timedelta(days=15)
PAGE = 100
BATCH = 50
CALL_BATCH = 20
_LAST_OFFSET = 4900
"""offset and limit together stay below 5000; then the window begins anew at the last row."""
WORTH_A_LIST = 4
"""As many orders are worth a call that may contain none of them."""
_PRODUCT_PAGE = 50
_EITHER = (ShippingMethod("pickup"), ShippingMethod("dropoff"))
"""Pickup or drop-off is set at the seller centre; no call chooses it."""


def build_facts(settings: LazadaSettings) -> ChannelFacts:
    """What Lazada is like."""
    return ChannelFacts(
        channel="lazada",
        api="lazada",
        title="Lazada",
        first_step="receive",
        handovers=("pickup", "dropoff"),
        document_types=("label",),
        window=WINDOW,
        detail_batch=BATCH,
        label_batch=CALL_BATCH,
        settle_seconds=settings.settle_seconds,
        cancellation_response=timedelta(hours=48),
        rates=RATES,
        arrange_batch=CALL_BATCH,
        receive_batch=CALL_BATCH,
        push_horizon=timedelta(hours=6),
        decides_handover=True,
    )


class LazadaConnector:
    """Everything Lazada can do for one app."""

    def __init__(self, client: Client, settings: LazadaSettings) -> None:
        self._client = client
        self._auth_url = settings.auth_url
        self._country = settings.country
        self.facts = build_facts(settings)

    # --- authorisation ------------------------------------------------------------------------------------------------

    def authorization_url(self, start: ConsentStart) -> str:
        query = {
            "response_type": "code",
            "force_auth": "true",
            "redirect_uri": start.redirect_uri,
            "client_id": self._client.app_key,
            "state": start.state,
        }
        return f"{self._auth_url}?{urlencode(query)}"

    async def exchange(self, callback: Mapping[str, str]) -> tuple[GrantedCredential, ...]:
        code = callback.get("code", "")
        if not code:
            raise Rejected(callback.get("error", "no_code"), "The seller did not agree.", meaning="consent_refused")
        answer = await self._client.trade("/auth/token/create", {"code": code})
        told, tokens = _read_tokens(answer)
        users = told.country_user_info or told.country_user_info_list
        sellers = [one for one in (users.values() if isinstance(users, dict) else users) if one.seller_id]
        # A cross-border token is good for sellers of six markets; this gateway serves one.
        here = [one for one in sellers if one.country.lower() == self._country] or sellers
        ids = tuple(dict.fromkeys(one.seller_id for one in here))
        if not ids:
            seller = await self._fetch_seller(ShopAccess("", tokens.access_token))
            ids = (seller.seller_id,)
        return (GrantedCredential(tokens, ids),)

    async def refresh(self, account_id: str, tokens: Tokens) -> Tokens:
        answer = await self._client.trade("/auth/token/refresh", {"refresh_token": tokens.refresh_token})
        return _read_tokens(answer)[1]

    async def fetch_account(self, access: ShopAccess) -> ChannelAccount:
        seller = await self._fetch_seller(access)
        if seller.seller_id != access.external_id:
            raise Unauthorized("other_seller", "The token is another seller's.", is_final=True)
        name = seller.name or seller.name_company or seller.seller_id
        return ChannelAccount(seller.seller_id, (ChannelShop("lazada", seller.seller_id, name),))

    async def _fetch_seller(self, access: ShopAccess) -> wire.Seller:
        answer = await self._client.read("/seller/get", access, {})
        return decoding.read_answer(wire.Seller, answer.data)

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
        begin, offset = _read_cursor(cursor, since)
        word, column = ("created", "created_at") if by == "created" else ("update", "updated_at")
        parameters = {
            f"{word}_after": _iso(begin),
            f"{word}_before": _iso(until),
            "sort_by": column,
            "sort_direction": "ASC",
            "offset": str(offset),
            "limit": str(PAGE),
        }
        answer = await self._client.read("/orders/get", access, parameters)
        data = answer.data if isinstance(answer.data, dict) else {}
        rows = _list(data.get("orders"))
        found = {order_id: row for row in rows if (order_id := orders.id_of(row)) is not None}
        units, requests = await asyncio.gather(
            items.fetch_items(self._client, access, list(found)), self._fetch_requests(access)
        )
        reading = orders.to_orders_reading(access.external_id, list(found), found, units, requests)
        following = _next_cursor(rows, data.get("countTotal"), begin, offset, column)
        return OrderListPage(tuple(found), following, answer.at, reading)

    async def get_orders(self, access: ShopAccess, external_ids: Sequence[str]) -> OrdersReading:
        asked = list(dict.fromkeys(external_ids))
        known = [one for one in asked if one.isascii() and one.isdigit()]
        requests = await self._fetch_requests(access)
        answered, stopped_by = await self._fetch_orders(access, known)
        if stopped_by is not None:
            asked = [one for one in asked if one in answered or one not in known]
        found = {one: element for one, element in answered.items() if element is not None}
        units = await items.fetch_items(self._client, access, list(found))
        reading = orders.to_orders_reading(access.external_id, asked, found, units, requests)
        return replace(reading, stopped_by=stopped_by)

    async def _fetch_requests(self, access: ShopAccess) -> dict[str, wire.ReverseOrder]:
        return {one.trade_order_id: one for one in await cancelling.fetch_requests(self._client, access)}

    async def _fetch_orders(
        self, access: ShopAccess, order_ids: Sequence[str]
    ) -> tuple[dict[str, Any], ChannelError | None]:
        """There is no call for several orders: of many, most are usually among those that changed last.

        None for an order that is not there; without what a pause of the channel's kept from being asked for.
        """
        found: dict[str, Any] = {}
        if len(order_ids) >= WORTH_A_LIST:
            answer = await self._client.read("/orders/get", access, _latest(datetime.now(UTC)))
            rows = _list(answer.data.get("orders")) if isinstance(answer.data, dict) else []
            found = {one: row for row in rows if (one := orders.id_of(row)) is not None and one in order_ids}
        left = [one for one in order_ids if one not in found]
        single, stopped_by = await turns.read_each(lambda one: self._fetch_order(access, one), left)
        if stopped_by is not None and not (found or single):
            raise stopped_by
        return found | single, stopped_by

    async def _fetch_order(self, access: ShopAccess, order_id: str) -> Any:
        try:
            answer = await self._client.read("/order/get", access, {"order_id": order_id})
        except Rejected as error:
            if error.meaning != "not_found":
                raise
            return None
        return answer.data if orders.id_of(answer.data) == order_id else None

    # --- shipping -----------------------------------------------------------------------------------------------------

    async def reserve(self, access: ShopAccess) -> None:
        await self._client.reserve(access)

    async def receive_packages(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Outcomes:
        return await packaging.pack(self._client, access, packages)

    async def read_receipts(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, ShipmentReading]:
        units = await items.fetch_units(self._client, access, [one.order_external_id for one in packages])
        told = [shipping.to_receipt(one, units.get(one.order_external_id, ())) for one in packages]
        return {reading.package_number: reading for reading in told if reading is not None}

    async def fetch_shipping_options(self, access: ShopAccess, package: PackageRef) -> ShippingOptions:
        reading = (await self.read_shipments(access, [package])).get(package.package_number)
        is_open = reading is not None and reading.state in ("absent", "undecided")
        return ShippingOptions(_EITHER if is_open else ())

    async def arrange_shipment(self, access: ShopAccess, package: PackageRef, handover: Handover) -> None:
        outcomes = await packaging.make_ready(self._client, access, [package])
        error = outcomes.get(package.package_number, Unknown("not_mentioned", "The answer does not mention it."))
        if error is not None:
            raise error

    def batch_of(self, package: PackageRef, handover: Handover) -> str | None:
        return "ready_to_ship"

    async def arrange_shipments(self, access: ShopAccess, parcels: Sequence[tuple[PackageRef, Handover]]) -> Outcomes:
        return await packaging.make_ready(self._client, access, [package for package, _ in parcels])

    async def read_shipments(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, ShipmentReading]:
        units = await items.fetch_units(self._client, access, [one.order_external_id for one in packages])
        told = [shipping.to_shipment(one, units.get(one.order_external_id, ())) for one in packages]
        return {reading.package_number: reading for reading in told if reading is not None}

    # --- papers -------------------------------------------------------------------------------------------------------

    async def request_labels(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, LabelStatus]:
        """Lazada makes them by itself."""
        return await self.poll_labels(access, packages)

    async def poll_labels(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, LabelStatus]:
        return await packaging.poll_labels(self._client, access, packages)

    async def fetch_label(self, access: ShopAccess, package: PackageRef) -> bytes:
        return await packaging.fetch_label(self._client, access, package)

    async def fetch_tracking(self, access: ShopAccess, package: PackageRef) -> tuple[TrackingEvent, ...]:
        parameters = {"order_id": package.order_external_id, "locale": "id"}
        try:
            answer = await self._client.read("/logistic/order/trace", access, parameters)
        except Rejected:
            return ()  # nothing to trace before it is ready to ship
        modules = _list(answer.result.get("module") or answer.result.get("data"))
        traced = [
            one
            for module in modules
            for one in decoding.read_answer(wire.TracedModule, module).package_detail_info_list
        ]
        return shipping.to_events(traced, package.package_number)

    # --- cancellation -------------------------------------------------------------------------------------------------

    def cancellation_reasons(self) -> tuple[CancellationReason, ...]:
        return cancelling.REASONS

    async def fetch_rejection_reasons(
        self, access: ShopAccess, order_external_id: str
    ) -> tuple[CancellationReason, ...]:
        return await cancelling.fetch_rejection_reasons(self._client, access, order_external_id)

    async def cancel_order(self, access: ShopAccess, order: OrderToCancel, reason: str) -> None:
        await cancelling.cancel(self._client, access, order.external_id, reason)

    async def answer_cancellation(
        self, access: ShopAccess, order_external_id: str, decision: Literal["approve", "reject"], reason: str | None
    ) -> None:
        await cancelling.answer(self._client, access, order_external_id, decision, reason)

    # --- stock --------------------------------------------------------------------------------------------------------

    async def list_listings(self, access: ShopAccess, cursor: str | None) -> ListingPage:
        offset = int(cursor or 0)
        parameters = {"filter": "live", "limit": str(_PRODUCT_PAGE), "offset": str(offset)}
        page = decoding.read_answer(
            wire.Products, (await self._client.read("/products/get", access, parameters)).data or {}
        )
        following = offset + len(page.products)
        has_more = bool(page.products) and following < page.total_products
        return ListingPage(products.to_listings(page.products), str(following) if has_more else None)

    async def push_stock(self, access: ShopAccess, item_id: str, model_id: str, quantity: int) -> None:
        await self._client.reserve(access)
        payload = {"payload": products.stock_payload(item_id, model_id, quantity)}
        answer = await self._client.write("/product/stock/sellable/update", access, payload)
        for failure in _list(answer.payload.get("detail")):
            # The envelope says success all the same.
            told = failure if isinstance(failure, dict) else {}
            raise Rejected(str(told.get("code", "detail")), str(told.get("message", ""))[:500])

    # --- pushes -------------------------------------------------------------------------------------------------------

    def verify_push(self, request: PushRequest) -> bool:
        given = request.headers.get("authorization", "").strip().lower().encode()
        return hmac.compare_digest(given, self._client.push_signature(request.body).encode())

    def parse_push(self, request: PushRequest) -> PushMessage:
        try:
            return pushes.to_push_message(decoding.read(wire.Push, decoding.parse(request.body)))
        except ValueError as error:
            raise Malformed("unreadable_push", str(error)) from error


def _read_tokens(answer: Answer) -> tuple[wire.TokenAnswer, Tokens]:
    try:
        told = decoding.read(wire.TokenAnswer, answer.payload)
    except ValueError as error:
        raise Unknown("unreadable_answer", str(error)) from error  # the old token is spent all the same
    refresh_ends = answer.at + timedelta(seconds=told.refresh_expires_in) if told.refresh_expires_in else None
    expires_at = answer.at + timedelta(seconds=told.expires_in)
    return told, Tokens(told.access_token, told.refresh_token, expires_at, refresh_ends)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _latest(now: datetime) -> dict[str, str]:
    """The query of the orders that changed last."""
    return {
        "update_after": _iso(now - timedelta(days=14)),
        "sort_by": "updated_at",
        "sort_direction": "DESC",
        "offset": "0",
        "limit": str(PAGE),
    }


def _read_cursor(cursor: str | None, since: datetime) -> tuple[datetime, int]:
    if cursor is None:
        return since, 0
    begin, _, offset = cursor.rpartition("|")
    return datetime.fromisoformat(begin), int(offset)


def _next_cursor(rows: Sequence[Any], total: Any, begin: datetime, offset: int, column: str) -> str | None:
    """A full page has a next one, a short one when the total says so; rows may be left out of a page.

    Too deep, the window begins anew at the last row's time, unless that stands still.
    """
    following = offset + len(rows)
    is_told_more = str(total).isdigit() and following < int(total)
    if not rows or (len(rows) < PAGE and not is_told_more):
        return None
    if following <= _LAST_OFFSET:
        return f"{_iso(begin)}|{following}"
    try:
        last = orders.parse_time(str(rows[-1][column]))
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed("unreadable_answer", f"{column}: no time") from error
    if last <= begin:
        raise Malformed("endless_list", "More orders changed in one second than Lazada lists.")
    return f"{_iso(last)}|0"


def _list(value: Any) -> list[Any]:
    """A list that is left out is empty."""
    if value is not None and not isinstance(value, list):
        raise Malformed("unreadable_answer", "not a list")
    return value or []
