"""A WooCommerce store behind the contract of app.channels: client, wire, mapping."""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from app.channels import decoding
from app.channels.contract import (
    CancellationReason,
    ChannelAccount,
    ChannelFacts,
    ChannelShop,
    ConsentStart,
    GrantedCredential,
    Handover,
    ListingPage,
    OrderListPage,
    OrdersReading,
    OrderToCancel,
    PackageRef,
    PushMessage,
    PushRequest,
    ShipmentReading,
    ShippingMethod,
    ShippingOptions,
    ShopAccess,
    Tokens,
)
from app.channels.errors import AlreadyDone, ChannelError, Malformed, Rejected, Unauthorized, Unknown
from app.connectors.plugo_store import addresses, feed, stock, webhooks, wire
from app.connectors.plugo_store.client import Client
from app.connectors.plugo_store.mapping import fulfilment, orders
from app.connectors.plugo_store.mapping.orders import Rules
from app.connectors.plugo_store.settings import PlugoStoreSettings
from app.connectors.plugo_store.signing import store_secret

BATCH = 100
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Keys of a store do not expire."""
REASONS = (
    CancellationReason("out_of_stock", "Out of stock", "Stok habis"),
    CancellationReason("customer_request", "Requested by the buyer", "Permintaan pembeli"),
    CancellationReason("undeliverable", "The address cannot be reached", "Alamat tidak terjangkau"),
)
_METHODS = (
    ShippingMethod("pickup"),
    ShippingMethod("dropoff"),
    ShippingMethod("manual", required=("tracking_number",)),
)
_PLUGIN = "wc-shipment-tracking/v3"


def build_facts(client: Client, settings: PlugoStoreSettings) -> ChannelFacts:
    """What a store of one's own is like."""
    return ChannelFacts(
        channel="plugo_store",
        api="plugo_store",
        title="PlugoStore",
        first_step="none",
        handovers=("pickup", "dropoff", "manual"),
        document_types=(),
        window=timedelta(days=90),
        detail_batch=BATCH,
        label_batch=BATCH,
        settle_seconds=settings.settle_seconds,
        cancellation_response=None,
        rates=client.rates,
        state_parameter="user_id",
        needs_store_url=True,
        posts_credentials=True,
    )


class PlugoStoreConnector:
    """Everything a store can do; there is no app and no server of the channel's own."""

    def __init__(self, client: Client, settings: PlugoStoreSettings) -> None:
        assert settings.push_secret is not None, "without it no connector is built"
        self._client = client
        self._settings = settings
        self._push_secret = settings.push_secret.get_secret_value()
        self._rules = Rules(settings.status_map, settings.ship_by_working_days)
        self.facts = build_facts(client, settings)

    # --- authorisation ------------------------------------------------------------------------------------------------

    async def find_store(self, store_url: str) -> str:
        asked = addresses.normalise(store_url)
        await addresses.check(asked, is_production=self._settings.is_production)
        try:
            index = await self._client.index(asked)
        except (Rejected, Malformed) as error:
            raise _no_store() from error
        if not isinstance(index, dict) or "wc/v3" not in (index.get("namespaces") or ()):
            raise _no_store()
        told = index.get("url")
        own = addresses.normalise(told) if isinstance(told, str) and told else asked
        await addresses.check(own, is_production=self._settings.is_production)
        return own

    def authorization_url(self, start: ConsentStart) -> str:
        assert start.store_url is not None, "asked for by facts.needs_store_url"
        query = {
            "app_name": self._settings.app_name,
            "scope": "read_write",
            "user_id": start.state,
            "return_url": start.redirect_uri,
            "callback_url": start.redirect_uri,
        }
        return f"{start.store_url}/wc-auth/v1/authorize?{urlencode(query)}"

    async def exchange(self, callback: Mapping[str, str]) -> tuple[GrantedCredential, ...]:
        """The posted keys are not signed: only a call with them shows that they are the store's."""
        key, secret, store_url = (callback.get(name, "") for name in ("consumer_key", "consumer_secret", "store_url"))
        if not (key and secret and store_url):
            raise Rejected("no_keys", "The shop gave no keys.", meaning="consent_refused")
        if not (key.isascii() and secret.isascii()) or ":" in key:
            raise Rejected("odd_keys", "These are no keys of a store.", meaning="consent_refused")
        token = f"{key}:{secret}"
        try:
            await self._client.read("/orders", ShopAccess(store_url, token), {"per_page": "1"})
        except Unauthorized as error:
            raise Rejected(error.code, error.reason, meaning="consent_refused") from error
        return (GrantedCredential(Tokens(token, "", NEVER), (store_url,)),)

    async def refresh(self, account_id: str, tokens: Tokens) -> Tokens:
        raise Unauthorized("keys_revoked", "Keys of a store are not renewed.", is_final=True)

    async def fetch_account(self, access: ShopAccess) -> ChannelAccount:
        index = await self._client.index(access.external_id)
        await self._client.read("/orders", access, {"per_page": "1", "_fields": "id"})
        name = orders.text_of(index.get("name")) if isinstance(index, dict) else None
        shop = ChannelShop("plugo_store", access.external_id, name or access.external_id)
        return ChannelAccount(access.external_id, (shop,))

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
        position = feed.Position.read(cursor, since)
        try:
            answer = await self._client.read("/orders", access, feed.to_query(position, until, by=by))
        except Rejected as error:
            if by == "created" or position.is_by_id or error.code != "rest_invalid_param":
                raise
            position = feed.Position(since, is_by_id=True)
            answer = await self._client.read("/orders", access, feed.to_query(position, until, by=by))
        rows = _rows(answer.body)
        reading = orders.to_orders_reading(access.external_id, None, rows, self._rules)
        known = [row for row in rows if isinstance(row, dict) and row.get("status") not in orders.NOT_ORDERS]
        ids = tuple(order_id for row in known if (order_id := orders.id_of(row)) is not None)
        following = feed.next_position(position, rows, by=by)
        is_beyond = following is not None and following.since > until
        return OrderListPage(ids, None if following is None or is_beyond else following.write(), answer.at, reading)

    async def get_orders(self, access: ShopAccess, external_ids: Sequence[str]) -> OrdersReading:
        """One call; those it lacks may lie in the trash, which no other list shows."""
        asked = list(dict.fromkeys(external_ids))
        known = [one for one in asked if one.isascii() and one.isdigit() and one[0] != "0"]
        rows = await self._fetch_orders(access, known, "any")
        found = {orders.id_of(row) for row in rows}
        left = [one for one in known if one not in found]
        if left:
            rows += await self._fetch_orders(access, left, "trash")
        return orders.to_orders_reading(access.external_id, asked, rows, self._rules)

    async def _fetch_orders(self, access: ShopAccess, ids: Sequence[str], status: str) -> list[Any]:
        if not ids:
            return []
        query = {"include": ",".join(ids), "per_page": str(BATCH), "status": status}
        return _rows((await self._client.read("/orders", access, query)).body)

    async def find_orders(self, access: ShopAccess, order_numbers: Sequence[str]) -> Mapping[str, str]:
        """The number is mostly the id; where a plugin numbers otherwise the store is searched."""
        wanted = list(dict.fromkeys(order_numbers))
        found: dict[str, str] = {}
        for start in range(0, len(wanted), BATCH):
            reading = await self.get_orders(access, wanted[start : start + BATCH])
            found |= {order.order_number: order.external_id for order in reading.orders}
        for number in [one for one in wanted if one not in found]:
            rows = _rows((await self._client.read("/orders", access, {"search": number, "per_page": "20"})).body)
            reading = orders.to_orders_reading(access.external_id, None, rows, self._rules)
            found |= {order.order_number: order.external_id for order in reading.orders}
        return {number: found[number] for number in wanted if number in found}

    # --- shipping -----------------------------------------------------------------------------------------------------

    async def fetch_shipping_options(self, access: ShopAccess, package: PackageRef) -> ShippingOptions:
        order = await self._fetch(access, package.order_external_id)
        is_open = fulfilment.refusal(order, self._rules, step="processed", needs="to_process") is None
        return ShippingOptions(_METHODS if is_open else ())

    async def reserve(self, access: ShopAccess) -> None:
        await self._client.reserve(access)

    async def arrange_shipment(self, access: ShopAccess, package: PackageRef, handover: Handover) -> None:
        """One PUT carries everything. What was read right before says whether it still may."""
        order = await self._fetch(access, package.order_external_id, tries=1)
        refused = fulfilment.refusal(order, self._rules, step="processed", needs="to_process")
        if refused is not None:
            raise refused
        has_plugin = bool(handover.tracking_number) and not handover.is_own_number and await self._has_plugin(access)
        meta = fulfilment.arrange_meta(order, handover, datetime.now(UTC), has_plugin=has_plugin)
        told = await self._put(access, package.order_external_id, {"meta_data": meta})
        wanted = {entry["key"]: entry["value"] for entry in meta}
        if orders.meta_of(told).get(fulfilment.SHIPMENT_ID) != wanted[fulfilment.SHIPMENT_ID]:
            raise Unknown("not_kept", "The store's answer lacks what was written.")

    async def _has_plugin(self, access: ShopAccess) -> bool:
        try:
            index = await self._client.index(access.external_id)
        except ChannelError:
            return False  # the number stands in our own keys all the same
        return isinstance(index, dict) and _PLUGIN in (index.get("namespaces") or ())

    async def read_shipments(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, ShipmentReading]:
        ids = list(dict.fromkeys(package.order_external_id for package in packages))
        rows = await self._fetch_orders(access, ids, "any")
        left = [one for one in ids if one not in {orders.id_of(row) for row in rows}]
        rows += await self._fetch_orders(access, left, "trash")
        found: dict[str, wire.Order] = {}
        for row in rows:
            try:
                found[orders.id_of(row) or ""] = decoding.read(wire.Order, row)
            except ValueError:
                continue
        return {
            package.package_number: fulfilment.to_reading(package, found[package.order_external_id], self._rules)
            for package in packages
            if package.order_external_id in found
        }

    async def mark_dispatched(self, access: ShopAccess, package: PackageRef, at: datetime) -> None:
        await self._mark(access, package, "dispatched", "processed", {}, at)

    async def mark_delivered(self, access: ShopAccess, package: PackageRef, at: datetime) -> None:
        await self._mark(access, package, "delivered", "dispatched", {"status": "completed"}, at)

    async def _mark(
        self, access: ShopAccess, package: PackageRef, step: str, needs: str, more: Mapping[str, str], at: datetime
    ) -> None:
        order = await self._fetch(access, package.order_external_id)
        refused = fulfilment.refusal(order, self._rules, step=step, needs=needs)
        if refused is not None:
            raise refused
        meta = {orders.FULFILMENT: step, f"plugosync_{step}_at": fulfilment.stamp(at)}
        body = {"meta_data": [{"key": key, "value": value} for key, value in meta.items()], **more}
        await self._client.reserve(access)
        await self._put(access, package.order_external_id, body)

    # --- cancellation -------------------------------------------------------------------------------------------------

    def cancellation_reasons(self) -> tuple[CancellationReason, ...]:
        return REASONS

    async def fetch_rejection_reasons(
        self, access: ShopAccess, order_external_id: str
    ) -> tuple[CancellationReason, ...]:
        """Any text will do."""
        return ()

    async def cancel_order(self, access: ShopAccess, order: OrderToCancel, reason: str) -> None:
        if reason not in [known.code for known in REASONS]:
            raise Rejected("", "The reason is unknown.", meaning="missing_parameter")
        now = await self._fetch(access, order.external_id)
        if now.status in ("cancelled", "refunded", "trash"):
            raise AlreadyDone("", "The order is cancelled.")
        if fulfilment.step_of(now) > 1 or now.status == "completed":
            raise Rejected("", "The parcel has left.", meaning="wrong_state")
        meta = [{"key": "plugosync_cancel_reason", "value": reason}]
        await self._put(access, order.external_id, {"status": "cancelled", "meta_data": meta})

    async def answer_cancellation(
        self, access: ShopAccess, order_external_id: str, decision: Literal["approve", "reject"], reason: str | None
    ) -> None:
        order = await self._fetch(access, order_external_id)
        if not orders.is_cancel_requested(order, self._rules):
            raise AlreadyDone("", "There is no request that waits for an answer.")
        word = "accepted" if decision == "approve" else "rejected"
        told = {orders.CANCEL_REQUEST: word, "plugosync_cancel_answered_at": fulfilment.stamp(datetime.now(UTC))}
        if reason:
            told["plugosync_cancel_answer"] = reason
        body: dict[str, Any] = {"meta_data": [{"key": key, "value": value} for key, value in told.items()]}
        if decision == "approve":
            body["status"] = "cancelled"
        elif order.status not in ("processing", "on-hold"):  # a status of the shop's own stood for the request
            body["status"] = orders.text_of(orders.meta_of(order).get("plugosync_prev_status")) or "processing"
        await self._put(access, order_external_id, body)

    # --- stock --------------------------------------------------------------------------------------------------------

    async def list_listings(self, access: ShopAccess, cursor: str | None) -> ListingPage:
        return await stock.list_listings(self._client, access, cursor)

    async def push_stock(self, access: ShopAccess, item_id: str, model_id: str, quantity: int) -> None:
        await stock.push_stock(self._client, access, item_id, model_id, quantity)

    # --- pushes -------------------------------------------------------------------------------------------------------

    async def subscribe_pushes(self, access: ShopAccess, url: str) -> None:
        await webhooks.subscribe(self._client, access, url, store_secret(self._push_secret, access.external_id))

    def verify_push(self, request: PushRequest) -> bool:
        if webhooks.is_ping(request):
            return True
        source = webhooks.source_of(request)
        if source is None:
            return False
        try:
            given = base64.b64decode(request.headers.get("x-wc-webhook-signature", ""), validate=True)
        except (binascii.Error, ValueError):
            return False
        # A webhook typed in by hand carries the secret itself, which no shop gets to know from another.
        secrets = (store_secret(self._push_secret, source), self._push_secret)
        return any(hmac.compare_digest(given, webhooks.digest(secret, request.body)) for secret in secrets)

    def parse_push(self, request: PushRequest) -> PushMessage:
        return webhooks.to_push_message(request)

    # --- single orders ------------------------------------------------------------------------------------------------

    async def _fetch(self, access: ShopAccess, order_id: str, *, tries: int = 3) -> wire.Order:
        """One order, fresh. Raises Rejected(not_found)."""
        if not (order_id.isascii() and order_id.isdigit()):
            raise Rejected("", "The store has no such order.", meaning="not_found")
        read = self._client.read_once if tries == 1 else self._client.read
        return decoding.read_answer(wire.Order, (await read(f"/orders/{order_id}", access)).body)

    async def _put(self, access: ShopAccess, order_id: str, body: Mapping[str, Any]) -> wire.Order:
        """The order as it is after the write."""
        answer = await self._client.write(f"/orders/{order_id}", access, body)
        try:
            return decoding.read(wire.Order, answer.body)
        except ValueError as error:
            raise Unknown("unreadable_answer", str(error)) from error


def _no_store() -> Rejected:
    return Rejected("no_store", "No WooCommerce REST API (wc/v3) answers there.", meaning="store_not_found")


def _rows(body: Any) -> list[Any]:
    if not isinstance(body, list):
        raise Malformed("unreadable_answer", "not a list")
    return list(body)
