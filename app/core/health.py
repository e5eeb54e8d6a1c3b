"""`/healthz`: the process lives. `/readyz`: it can serve. `/metrics`: figures."""

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.declared import check_declared
from app.core.deps import DatabaseDep, SettingsDep
from app.core.errors import NotFound, Unavailable
from app.core.metrics import CONTENT_TYPE

router = APIRouter(tags=["service"], dependencies=[Depends(check_declared)])

_HEARTBEAT_AGE = timedelta(seconds=30)
_Word = Literal["up", "down"]


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether this process should get requests, and what is missing.

    `unready` (503): without PostgreSQL, or with tables of another version, nothing can be served. `degraded` (200):
    without Valkey or a living worker requests are served and stored as ever, and what they ask for is done later;
    taking the API away would help nobody.
    """

    status: Literal["ready", "degraded", "unready"]
    postgres: _Word
    migration: Literal["current", "other", "unknown"]
    valkey: _Word
    worker: _Word


@router.get("/healthz")
async def check_health() -> Alive:
    """Whether the process lives. Asks no other server."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Not ready: keep requests away."}})
async def check_readiness(request: Request, response: Response, database: DatabaseDep) -> Readiness:
    """Whether the process can serve: PostgreSQL, its migration level, Valkey, and a worker seen within 30 s."""
    valkey = await _ping(request.app.state.redis)
    try:
        level, beat_at = await database.transact_globally(_look)
    except Unavailable:
        response.status_code = 503
        return Readiness(status="unready", postgres="down", migration="unknown", valkey=valkey, worker="down")
    is_current = level == request.app.state.migration_level
    worker: _Word = "up" if beat_at is not None and datetime.now(UTC) - beat_at <= _HEARTBEAT_AGE else "down"
    status: Literal["ready", "degraded", "unready"] = "ready" if (valkey, worker) == ("up", "up") else "degraded"
    if not is_current:
        response.status_code = 503
        status = "unready"
    return Readiness(
        status=status, postgres="up", migration="current" if is_current else "other", valkey=valkey, worker=worker
    )


async def _look(session: AsyncSession) -> tuple[str | None, datetime | None]:
    level = await session.scalar(text("select version_num from alembic_version"))
    return level, await session.scalar(text("select last_heartbeat()"))


async def _ping(redis: Redis) -> _Word:
    try:
        await redis.ping()
    except (RedisError, OSError, TimeoutError):
        return "down"
    return "up"


@router.get("/metrics", include_in_schema=False)
async def read_metrics(request: Request, database: DatabaseDep, settings: SettingsDep) -> Response:
    """Prometheus text format, for callers on this machine only; with a port of its own it is not here at all."""
    if settings.metrics_port is not None or not _is_from_here(request):
        raise NotFound()
    return Response(await request.app.state.metrics.render(database), media_type=CONTENT_TYPE)


def _is_from_here(request: Request) -> bool:
    # A proxy on this machine speaks for the outside world.
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
