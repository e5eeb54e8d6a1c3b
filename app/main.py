"""The API process: routers, error answers, start-up and shutdown."""

import functools
import gc
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import redis.asyncio as redis
import uvicorn
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

import app.connectors
from app.channels.contract import Connectors
from app.channels.discovery import load_connectors
from app.channels.http import open_http
from app.channels.limiter import Limiter
from app.core import docs, fail, health
from app.core.db import Database
from app.core.http import BodyGuard, Edge
from app.core.logging import configure_logging
from app.core.metrics import Metrics, serve_metrics
from app.core.migrations import head_revision
from app.core.openapi import build_document, scopes_of
from app.core.problems import install_problem_handlers
from app.core.security import Keyring
from app.core.settings import Settings
from app.documents import endpoints as documents
from app.fulfilment import endpoints as fulfilment
from app.identity import endpoints as identity
from app.identity.roles import SCOPES
from app.identity.tokens import AccessTokens
from app.journal import catalogue
from app.operations import endpoints as operations
from app.orders import endpoints as orders
from app.products import endpoints as products
from app.reports import endpoints as reports
from app.shops import endpoints as shops
from app.shops import sealing
from app.stock import endpoints as stock
from app.sync import endpoints as sync
from app.work.context import Context
from app.work.waking import Waker

VERSION = "0.1.0"

# Fixed paths come before the ones with an id: /orders/export.csv before /orders/{order_id}. What is asked most comes
# first: routes are tried one after the other.
ROUTERS = (
    reports.router,
    sync.lookup_router,
    orders.router,
    health.router,
    docs.router,
    identity.router,
    shops.router,
    operations.router,
    fulfilment.router,
    documents.router,
    sync.router,
    orders.desk_router,
    stock.router,
    products.router,
)

PUBLIC = frozenset(
    {
        "/healthz",
        "/readyz",
        "/metrics",
        "/docs",
        "/docs/assets/{name}",
        "/openapi.json",
        "/v1/auth/token",
        "/v1/auth/refresh",
        "/v1/connections/callback/{channel}",
        "/v1/push/{channel}",
    }
)
"""Routes that ask nobody who they are. Any other route without `needs(scope)` stops the start."""

TAGS = (
    {"name": "identity", "description": "Log in, users, API keys."},
    {"name": "shops", "description": "Channels, connections and shops."},
    {"name": "orders", "description": "Search, read and prepare orders."},
    {"name": "fulfilment", "description": "Act on many orders; arrange shipments."},
    {"name": "products", "description": "Master Products and the channels' listings."},
    {"name": "stock", "description": "What is on hand, what links change, what the channels are told."},
    {"name": "imports", "description": "Bring orders in from the channels."},
    {"name": "operations", "description": "Follow work that outlives a request."},
    {"name": "documents", "description": "Labels, invoices, packing slips and packs."},
    {"name": "reports", "description": "Exports."},
    {"name": "push", "description": "For marketplaces only."},
    {"name": "service", "description": "Health of the service."},
)

DESCRIPTION = """\
The orders of all sales channels in one place: search, arrange shipment, print, track, report.

* **Ids** are prefixed strings (`ord_…`), **money** is a decimal string with its currency, **times** are UTC.
* **Lists** answer `data` and `page`; pass `page.next_cursor` as `cursor` to go on.
* **Errors** are `application/problem+json` with a stable `code`; texts are English or Indonesian by `Accept-Language`.
* **What takes longer** answers `202` with an operation, and needs an `Idempotency-Key`: sent twice, it is done once.
* `channel` is `shopee`, `lazada`, `tiktok_shop`, `tokopedia`, `plugo_store`, or one added later.
"""


class UnguardedRoute(RuntimeError):
    """A route that anybody could call."""


def create_app(settings: Settings | None = None, connectors: Connectors | None = None) -> FastAPI:
    """The application. Needs no server and no secret until it starts. Raises UnguardedRoute."""
    settings = settings or Settings()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await _open(api, settings, connectors, stack)
            yield

    middleware = [Middleware(Edge, metrics=metrics, is_https=settings.base_url.startswith("https://"))]
    if settings.cors_origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST", "PATCH", "DELETE"],
                allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "X-Request-Id"],
                expose_headers=["X-Request-Id", "Idempotency-Replayed", "Retry-After", "Content-Disposition"],
            )
        )
    middleware.append(Middleware(BodyGuard, json_max_bytes=settings.json_body_max_bytes))

    api = FastAPI(
        title="PlugoSync Orders",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        middleware=middleware,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    install_problem_handlers(api)
    for router in ROUTERS:
        api.include_router(router)
    refuse_unguarded_routes(api)
    api.state.settings = settings
    api.state.metrics = metrics
    api.state.openapi_document = functools.cache(lambda: render_openapi(api))
    return api


def refuse_unguarded_routes(api: FastAPI) -> None:
    """Raises UnguardedRoute for a route that neither asks for a scope nor is listed as public."""
    for route in iter_route_contexts(api.routes):
        if route.path not in PUBLIC and scopes_of(route) is None:
            raise UnguardedRoute(f"{route.path} declares no scope: give it needs(…), or list it as public.")


async def _open(api: FastAPI, settings: Settings, connectors: Connectors | None, stack: AsyncExitStack) -> None:
    """Every connection of the process. Raises UnsafeRole, WrongKey, ValueError (wrong settings) or Unavailable."""
    fail.arm(settings.failpoints, env=settings.env)
    keyring = Keyring(settings.secret_keys)
    redis_url = settings.require("redis_url")
    database = Database(
        settings.require("database_url"), pool_size=settings.database_pool_size, read_pool_size=settings.read_pool_size
    )
    stack.push_async_callback(database.close)
    valkey: redis.Redis = redis.Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1)
    stack.push_async_callback(valkey.aclose)
    waker = Waker(redis_url)
    stack.push_async_callback(waker.close)
    database.committed = waker.committed
    http = await stack.enter_async_context(open_http(settings.http_timeout_seconds))
    await database.assert_safe_role()
    await sealing.assert_key_fits(database, keyring)
    if connectors is None:
        connectors = load_connectors(
            app.connectors, http, Limiter(valkey, override=settings.channel_requests_per_second)
        )
    api.state.database = database
    api.state.redis = valkey
    api.state.keyring = keyring
    api.state.access_tokens = AccessTokens(keyring, issuer=settings.base_url)
    api.state.migration_level = head_revision()
    api.state.context = Context(settings=settings, database=database, keyring=keyring, connectors=connectors, http=http)
    if settings.metrics_port is not None:
        await stack.enter_async_context(
            serve_metrics(api.state.metrics, database, host=settings.host, port=settings.metrics_port)
        )


def render_openapi(api: FastAPI) -> bytes:
    """The contract as text; the same bytes for the same code."""
    document = build_document(api, scopes=SCOPES, tags=TAGS, schemas={"EventCatalogue": catalogue.to_json_schema()})
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def write_openapi(path: Path) -> None:
    """Write the contract to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(create_app().state.openapi_document())


def create_process_app() -> FastAPI:
    """What each API process serves; uvicorn starts as many as wanted by this name."""
    settings = Settings()
    configure_logging(settings)
    api = create_app(settings)
    gc.freeze()  # routes and schemas stay: no need to look through them again and again
    return api


def run(settings: Settings, *, workers: int = 1) -> None:
    """Serve until SIGTERM or SIGINT."""
    uvicorn.run(
        "app.main:create_process_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=workers,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,  # longer than a proxy or a client keeps one: who closes first loses no request
        timeout_graceful_shutdown=10,
    )
