"""From rows and facts to what callers see."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import (
    ArrangesShipments,
    Authorises,
    Cancels,
    Connector,
    Connectors,
    KeepsStock,
    MarksDelivery,
    PrintsLabels,
    ReadsOrders,
    Receives,
    Tracks,
)
from app.core.clock import now
from app.core.context import caller
from app.core.errors import NotFound
from app.core.settings import Settings
from app.shops import repository, service
from app.shops.consent import Begun
from app.shops.models import AccountRow, ConnectionRow, ShopRow
from app.shops.repository import ShopWithAccount
from app.shops.schemas import (
    AuthHealth,
    AutoReceive,
    Channel,
    ChannelCaps,
    ChannelWindows,
    ComparisonHealth,
    ConnectedShop,
    Connection,
    ConsentRequest,
    Cooling,
    Lag,
    LastError,
    PushHealth,
    Quota,
    Shop,
    ShopAccount,
    ShopHealth,
)
from app.work import service as work

IMPORT_MAX_DAYS = 90
IMPORT_MAX_NUMBERS = 200
_OURS = (
    "print_invoices",
    "print_packing_slips",
    "print_pick_list",
    "hold",
    "release",
    "add_tags",
    "remove_tags",
    "set_note",
)
"""What needs nothing of a channel."""
_ABILITIES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (Authorises, ("connect",)),
    (ReadsOrders, ("import", "sync")),
    (ArrangesShipments, ("arrange_shipment",)),
    (Tracks, ("track",)),
    (MarksDelivery, ("mark_dispatched", "mark_delivered")),
    (Cancels, ("cancel", "approve_cancellation", "reject_cancellation")),
    (KeepsStock, ("import_listings", "push_stock")),
)


def to_channel(connector: Connector, settings: Settings) -> Channel:
    """Computed from what the connector is and can; nothing is declared twice."""
    facts = connector.facts
    actions = [action for ability, names in _ABILITIES if isinstance(connector, ability) for action in names]
    document_types = list(facts.document_types)
    if isinstance(connector, Receives) or facts.first_step == "receive":
        actions.append("receive")
    if isinstance(connector, PrintsLabels | ArrangesShipments):
        actions.append("print_labels")
    if isinstance(connector, ArrangesShipments) and "label" not in document_types:
        document_types.append("label")  # where the channel makes none, we do
    return Channel(
        channel=facts.channel,
        title=facts.title,
        actions=[*actions, *_OURS],
        first_step=facts.first_step,
        needs_store_url=facts.needs_store_url,
        handovers=list(facts.handovers),
        document_types=document_types,
        windows=ChannelWindows(order_list_days=facts.window.days, import_max_days=IMPORT_MAX_DAYS),
        caps=ChannelCaps(
            bulk_max_orders=settings.bulk_max_orders,
            import_max_numbers=IMPORT_MAX_NUMBERS,
            detail_batch=facts.detail_batch,
            label_batch=facts.label_batch,
        ),
    )


def to_consent_request(begun: Begun) -> ConsentRequest:
    """The answer to a connection that was begun."""
    connection = begun.connection
    return ConsentRequest(
        id=connection.id,
        channel=connection.channel,
        state=connection.state,
        authorization_url=begun.authorization_url,
        expires_at=begun.expires_at,
    )


def to_connected(connection: ConnectionRow) -> ConsentRequest:
    """The answer to a connection that needs no consent any more."""
    return ConsentRequest(
        id=connection.id,
        channel=connection.channel,
        state=connection.state,
        authorization_url=None,
        expires_at=None,
    )


def to_connection(row: ConnectionRow, shops: Sequence[ShopRow]) -> Connection:
    """With the shops reached through it."""
    return Connection(
        id=row.id,
        channel=row.channel,
        state=row.state,
        shops=[ConnectedShop(id=shop.id, name=shop.name, channel=shop.channel) for shop in shops],
        created_at=row.created_at,
        connected_at=row.connected_at,
        expires_at=row.expires_at,
    )


def to_shop(row: ShopWithAccount) -> Shop:
    """With its state."""
    shop, account = row.shop, row.account
    return Shop(
        id=shop.id,
        name=shop.name,
        channel=shop.channel,
        external_id=shop.external_id,
        connection_id=account.connection_id,
        account=ShopAccount(external_id=account.external_id),
        state=service.state_of(row),
        paused=shop.is_paused,
        auto_receive=AutoReceive.model_validate(shop.auto_receive),
        cooling=Cooling.model_validate(shop.cooling),
        timezone=shop.timezone,
        authorization_expires_at=account.authorization_expires_at,
    )


async def view_connection(session: AsyncSession, merchant_id: UUID, connection_id: UUID) -> Connection:
    """Raises NotFound."""
    return to_connection(*await service.get_connection(session, merchant_id, connection_id))


async def view_shop(session: AsyncSession, merchant_id: UUID, shop_id: UUID) -> Shop:
    """Raises NotFound."""
    return to_shop(await _get_row(session, merchant_id, shop_id))


async def view_shops(session: AsyncSession, merchant_id: UUID, *, after: UUID | None, limit: int) -> list[Shop]:
    """Oldest first."""
    rows = await repository.list_shops_with_accounts(session, merchant_id, after=after, limit=limit)
    return [to_shop(row) for row in rows]


_ERRORS = {
    "Throttled": (
        "throttled",
        "The channel allows no more calls for now; reading goes on by itself.",
        "Kanal membatasi jumlah panggilan; pembacaan dilanjutkan otomatis.",
    ),
    "Unauthorized": ("needs_reauth", "Connect the shop again.", "Hubungkan ulang toko ini."),
    "Malformed": (
        "answer_unreadable",
        "The channel's answer could not be understood; it is read again.",
        "Jawaban kanal tidak dapat dimengerti; dibaca ulang.",
    ),
    "Rejected": ("rejected_by_channel", "The channel refused to be read.", "Kanal menolak permintaan pembacaan."),
}
"""By the name of the error that was kept."""
_AWAY = (
    "channel_unavailable",
    "The channel could not be reached; it is tried again.",
    "Kanal tidak dapat dihubungi; dicoba lagi.",
)


def _to_last_error(account: AccountRow) -> LastError | None:
    if account.last_error is None:
        return None
    kind, _, channel_code = account.last_error.partition(": ")
    code, english, indonesian = _ERRORS.get(kind, _AWAY)
    text = indonesian if caller().language == "id" else english
    return LastError(at=account.last_error_at, code=code, channel_code=channel_code or None, text=text)


async def view_health(
    session: AsyncSession, merchant_id: UUID, shop_id: UUID, connectors: Connectors, settings: Settings
) -> ShopHealth:
    """Raises NotFound."""
    row = await _get_row(session, merchant_id, shop_id)
    account, at = row.account, await now(session)
    lag = max(0, round((at - account.checkpoint_at).total_seconds())) if account.checkpoint_at else None
    return ShopHealth(
        shop_id=shop_id,
        auth=_to_auth(row, at),
        push=PushHealth(last_received_at=account.last_push_at, subscribed_at=account.pushes_subscribed_at),
        lag=Lag(seconds=lag, complete_to=account.checkpoint_at),
        complete_back_to=account.complete_since,
        last_poll_at=account.last_poll_at,
        last_error=_to_last_error(account),
        comparison=ComparisonHealth(
            last_at=account.compared_at,
            missing=account.orders_missing,
            healed=account.orders_healed,
            refreshed=account.orders_refreshed,
        ),
        next_run=await work.find_next_run(session, merchant_id, "sync.poll", str(account.id)),
        quota=_to_quota(connectors, account.channel, settings),
        paused=row.shop.is_paused,
    )


def _to_auth(row: ShopWithAccount, at: datetime) -> AuthHealth:
    ends_at = row.account.authorization_expires_at
    return AuthHealth(
        state=service.authorization_of(row, at),
        since=row.credential.needs_reauth_since,
        reason=row.credential.needs_reauth_reason,
        expires_at=ends_at,
        expires_in_days=max(0, (ends_at - at).days) if ends_at is not None else None,
    )


def _to_quota(connectors: Connectors, channel: str, settings: Settings) -> dict[str, Quota]:
    connector = connectors.get(channel)
    rates = connector.facts.rates if connector is not None else {}
    override = settings.channel_requests_per_second
    return {
        family: Quota(per_second=override or rate.per_second, burst=round(override * 2) if override else rate.burst)
        for family, rate in rates.items()
    }


async def _get_row(session: AsyncSession, merchant_id: UUID, shop_id: UUID) -> ShopWithAccount:
    rows = await repository.list_shops_with_accounts(session, merchant_id, shop_ids=[shop_id])
    if not rows:
        raise NotFound()
    return rows[0]
