"""Channels, connections and shops over HTTP."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.deps import ConnectorsDep
from app.core.deps import DatabaseDep, KeyringDep, SettingsDep
from app.core.errors import CursorMismatch, NotFound
from app.core.ids import ConnectionId, ShopId
from app.core.pagination import CursorText, Limit, Page, PageInfo, binding_of, id_after, page_by_id
from app.core.problems import problems
from app.identity.deps import Actor, needs
from app.shops import connections, consent, keys, service, views
from app.shops.errors import (
    AutoReceiveInvalid,
    ChannelFailed,
    ChannelUnknown,
    ConfirmationBusy,
    ConsentMissing,
    ConsentRefused,
    Disconnected,
    InvalidStateToken,
    InvalidStoreUrl,
    KeysNeeded,
    KeysRefused,
    OtherShopConsented,
    ReturnUrlNotAllowed,
    ShopAlreadyConnected,
    StoreNotFound,
    StoreUrlNeeded,
    StoreUrlNotWanted,
    TimezoneUnknown,
)
from app.shops.schemas import (
    ChangeShop,
    Channel,
    Connection,
    ConsentRequest,
    OpenConnection,
    ReopenConnection,
    Shop,
    ShopHealth,
)
from app.work.deps import ContextDep

router = APIRouter(prefix="/v1", tags=["shops"])

ReadActor = Annotated[Actor, needs("shops:read")]
WriteActor = Annotated[Actor, needs("shops:write")]

_REDIRECT: dict[int | str, dict[str, Any]] = {
    302: {
        "description": "On to `return_url`, with `connection_id` in its query.",
        "headers": {"Location": {"schema": {"type": "string"}}},
    }
}
_CHANNELS_LIMIT = 200

ChannelOfCallback = Annotated[
    str, Path(pattern="^[a-z_]{1,40}$", description="The channel that sends the browser back.")
]


@router.get("/channels", responses=problems())
async def list_channels(actor: ReadActor, connectors: ConnectorsDep, settings: SettingsDep) -> Page[Channel]:
    """The channels of this service and what can be done with their orders."""
    data = [views.to_channel(connectors[name], settings) for name in sorted(connectors)]
    return Page(data=data, page=PageInfo(next_cursor=None, limit=_CHANNELS_LIMIT))


# --- connections ------------------------------------------------------------------------------------------------------


@router.post(
    "/connections",
    status_code=201,
    responses=problems(
        ChannelUnknown,
        ReturnUrlNotAllowed,
        StoreUrlNeeded,
        StoreUrlNotWanted,
        InvalidStoreUrl,
        StoreNotFound,
        KeysNeeded,
        KeysRefused,
        ShopAlreadyConnected,
        ChannelFailed,
    ),
)
async def open_connection(body: OpenConnection, actor: WriteActor, context: ContextDep) -> ConsentRequest:
    """Begin to connect a shop: send the seller to the answer's `authorization_url`, then confirm.

    A store whose keys are given is connected at once.
    """
    if body.consumer_key is not None and body.consumer_secret is not None:
        connection = await keys.connect(
            context,
            actor.merchant_id,
            actor.id,
            channel=body.channel,
            store_url=body.store_url,
            consumer_key=body.consumer_key.get_secret_value(),
            consumer_secret=body.consumer_secret.get_secret_value(),
        )
        return views.to_connected(connection)
    if body.consumer_key is not None or body.consumer_secret is not None or body.return_url is None:
        missing = "consumer_key" if body.consumer_secret is not None else "consumer_secret"
        is_half = body.consumer_key is not None or body.consumer_secret is not None
        raise KeysNeeded(pointer=f"/{missing}" if is_half else "/return_url")
    begun = await consent.begin(
        context,
        actor.merchant_id,
        actor.id,
        channel=body.channel,
        return_url=body.return_url,
        store_url=body.store_url,
    )
    return views.to_consent_request(begun)


@router.get(
    "/connections/callback/{channel}",
    status_code=302,
    response_class=RedirectResponse,
    responses={**_REDIRECT, **problems(InvalidStateToken)},
)
async def receive_callback(channel: ChannelOfCallback, request: Request, context: ContextDep) -> RedirectResponse:
    """Where a channel sends the seller's browser after consent. Keeps what it says and sends the browser on."""
    return _on(await consent.accept_return(context, channel, dict(request.query_params)))


@router.post(
    "/connections/callback/{channel}",
    status_code=302,
    response_class=RedirectResponse,
    responses={**_REDIRECT, 200: {"description": "Posted as JSON: kept."}, **problems(InvalidStateToken)},
)
async def receive_posted_callback(channel: ChannelOfCallback, request: Request, context: ContextDep) -> Response:
    """The same for channels that post their callback: a form from the browser, or JSON from a store itself."""
    if request.headers.get("content-type", "").startswith("application/json"):
        await consent.accept_callback(context, channel, _read_json(await request.body()))
        return Response(status_code=200, headers={"Cache-Control": "no-store"})
    async with request.form(max_files=0, max_fields=50) as form:
        posted = {name: value for name, value in form.items() if isinstance(value, str)}
    return _on(await consent.accept_callback(context, channel, {**posted, **dict(request.query_params)}))


def _read_json(raw: bytes) -> dict[str, str]:
    """Texts and numbers of an object; anything else names no consent."""
    try:
        posted = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    pairs = posted.items() if isinstance(posted, dict) else ()
    return {name: str(value) for name, value in pairs if isinstance(value, str | int)}


def _on(url: str) -> RedirectResponse:
    return RedirectResponse(
        url, status_code=302, headers={"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    )


@router.get("/connections", responses=problems(CursorMismatch))
async def list_connections(
    actor: ReadActor, database: DatabaseDep, keyring: KeyringDep, limit: Limit = 50, cursor: CursorText = None
) -> Page[Connection]:
    """Connections of the merchant, newest first."""
    binding = binding_of(actor.merchant_id, "connections", None)
    before = id_after(keyring.cursor_key, binding, cursor)

    async def read(session: AsyncSession, merchant_id: UUID) -> list[Connection]:
        rows = await service.list_connections(session, merchant_id, limit=limit + 1, before=before)
        return [views.to_connection(row, shops) for row, shops in rows]

    found = await database.transact(read, actor.merchant_id)
    page = page_by_id(keyring.cursor_key, binding, [one.id for one in found], limit)
    return Page(data=found[:limit], page=page)


@router.get("/connections/{connection_id}", responses=problems(NotFound))
async def get_connection(connection_id: ConnectionId, actor: ReadActor, database: DatabaseDep) -> Connection:
    """One connection and its shops."""
    return await database.transact(views.view_connection, actor.merchant_id, connection_id)


@router.delete("/connections/{connection_id}", status_code=204, responses=problems(NotFound))
async def disconnect(connection_id: ConnectionId, actor: WriteActor, database: DatabaseDep) -> Response:
    """Stop reading the connection's shops and erase their tokens. Their orders stay."""
    await database.transact(connections.disconnect, actor.merchant_id, connection_id)
    return Response(status_code=204)


@router.post(
    "/connections/{connection_id}/reauthorize", responses=problems(NotFound, Disconnected, ReturnUrlNotAllowed)
)
async def reauthorize_connection(
    connection_id: ConnectionId, actor: WriteActor, context: ContextDep, body: ReopenConnection | None = None
) -> ConsentRequest:
    """Ask for a new consent for shops that need one, or will soon. What waits for them goes on once it is confirmed."""
    begun = await consent.begin_again(
        context, actor.merchant_id, actor.id, connection_id, return_url=body.return_url if body else None
    )
    return views.to_consent_request(begun)


@router.post(
    "/connections/{connection_id}/confirm",
    responses=problems(
        NotFound,
        InvalidStateToken,
        ConsentMissing,
        ConsentRefused,
        Disconnected,
        ShopAlreadyConnected,
        OtherShopConsented,
        ChannelFailed,
        ConfirmationBusy,
    ),
)
async def confirm_connection(connection_id: ConnectionId, actor: WriteActor, context: ContextDep) -> Connection:
    """Complete a consent: only whoever began it may. Connects the shops and begins to import their orders.

    Confirming again changes nothing and answers the same.
    """
    await consent.confirm(context, actor.merchant_id, actor.id, connection_id)
    return await context.database.transact(views.view_connection, actor.merchant_id, connection_id)


# --- shops ------------------------------------------------------------------------------------------------------------


@router.get("/shops", responses=problems(CursorMismatch))
async def list_shops(
    actor: ReadActor, database: DatabaseDep, keyring: KeyringDep, limit: Limit = 50, cursor: CursorText = None
) -> Page[Shop]:
    """Shops of the merchant, oldest first, disconnected ones too."""
    binding = binding_of(actor.merchant_id, "shops", None)
    after = id_after(keyring.cursor_key, binding, cursor)
    found = await database.transact(views.view_shops, actor.merchant_id, after=after, limit=limit + 1)
    page = page_by_id(keyring.cursor_key, binding, [one.id for one in found], limit)
    return Page(data=found[:limit], page=page)


@router.patch("/shops/{shop_id}", responses=problems(NotFound, AutoReceiveInvalid, TimezoneUnknown))
async def change_shop(shop_id: ShopId, body: ChangeShop, actor: WriteActor, database: DatabaseDep) -> Shop:
    """Change a shop's settings."""
    changes = body.model_dump(mode="json", exclude_none=True, exclude={"auto_receive", "cooling", "paused"})
    if body.paused is not None:
        changes["is_paused"] = body.paused
    if body.auto_receive is not None:
        changes["auto_receive"] = body.auto_receive.model_dump(mode="json")
    if body.cooling is not None:
        changes["cooling"] = body.cooling.model_dump(mode="json")

    async def change(session: AsyncSession, merchant_id: UUID) -> Shop:
        await service.change_shop(session, merchant_id, shop_id, changes)
        await session.flush()
        return await views.view_shop(session, merchant_id, shop_id)

    return await database.transact(change, actor.merchant_id)


@router.get("/shops/{shop_id}/health", responses=problems(NotFound))
async def get_shop_health(
    shop_id: ShopId, actor: ReadActor, database: DatabaseDep, connectors: ConnectorsDep, settings: SettingsDep
) -> ShopHealth:
    """Whether the shop's orders arrive: consent, pushes, how far behind, the last error, when it is read next."""
    return await database.transact(views.view_health, actor.merchant_id, shop_id, connectors, settings)
