"""Every guarded route × every role: allowed exactly when the role has the route's scope."""

import re
from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts

from app.core.deps import SettingsDep
from app.core.openapi import scopes_of
from app.identity.roles import ROLES, SCOPES
from app.main import PUBLIC, UnguardedRoute, refuse_unguarded_routes
from tests.fixtures.application import Desk, client_of

EVERYTHING = frozenset(SCOPES)
EXPECTED: dict[str, frozenset[str]] = {
    "owner": EVERYTHING,
    "manager": EVERYTHING - {"users:write", "keys:write"},
    "packer": frozenset(
        {
            "orders:read",
            "orders:write",
            "shipments:write",
            "documents:read",
            "operations:read",
            "products:read",
            "shops:read",
        }
    ),
    "viewer": frozenset(
        {"orders:read", "operations:read", "documents:read", "reports:read", "products:read", "shops:read"}
    ),
}


def _guarded(app: FastAPI) -> Iterator[tuple[str, str, list[str]]]:
    """Method, path with made-up ids, scopes."""
    for route in iter_route_contexts(app.routes):
        scopes = scopes_of(route)
        if scopes is None:
            assert route.path in PUBLIC
            continue
        path = re.sub(r"\{[^}]*\}", "0", str(route.path))
        for method in sorted(route.methods or ()):
            yield method, path, scopes


def test_roles_hold_what_is_agreed() -> None:
    assert ROLES == EXPECTED


@pytest.mark.parametrize("role", EXPECTED)
async def test_a_role_may_do_exactly_what_its_scopes_say(desk: Desk, role: str) -> None:
    client = await desk.client(role)
    wrong: list[str] = []
    refused = 0

    for method, path, scopes in _guarded(desk.app):
        answer = await client.request(method, path, json={} if method in ("POST", "PATCH") else None)
        is_refused = answer.status_code == 403
        refused += is_refused
        if is_refused is EXPECTED[role].issuperset(scopes) or answer.status_code in (401, 500):
            wrong.append(f"{method} {path} {scopes}: {answer.status_code}")

    assert wrong == []
    assert (refused == 0) is (role == "owner")


async def test_nobody_gets_past_any_guarded_route(application: FastAPI) -> None:
    open_doors: list[str] = []

    async with client_of(application) as nobody:
        for method, path, _ in _guarded(application):
            answer = await nobody.request(method, path, json={} if method in ("POST", "PATCH") else None)
            if (answer.status_code, answer.json().get("code")) != (401, "unauthenticated"):
                open_doors.append(f"{method} {path}: {answer.status_code}")

    assert open_doors == []


def test_a_route_without_a_scope_stops_the_start() -> None:
    router = APIRouter(prefix="/v1")

    @router.get("/forgotten")
    async def read_forgotten(settings: SettingsDep) -> dict[str, str]:
        return {"env": settings.env}

    app = FastAPI(openapi_url=None)
    app.include_router(router)

    with pytest.raises(UnguardedRoute, match="/v1/forgotten"):
        refuse_unguarded_routes(app)
