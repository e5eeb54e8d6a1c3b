"""Another merchant's id is told like an absent one, on every route that takes an id."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from app.core.openapi import scopes_of
from app.main import create_app
from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World

BODIES: dict[str, dict[str, Any]] = {
    "hold_order": {"reason": "Check the address"},
    "change_order": {"note": "Mine now"},
    "take_pick_pack_step": {"action": "packed"},
    "change_user": {"name": "Mine now"},
    "change_shop": {"name": "Mine now"},
    "change_product": {"name": "Mine now"},
    "change_view": {"name": "Mine now"},
    "adjust_stock": {"change": 1},
    "link_listing": {"product_id": f"prd_{'0' * 32}"},
    "answer_cancellation": {"decision": "approve"},
    "cancel_order": {"reason": "OUT_OF_STOCK"},
}
"""What the route must be sent before it looks at the id."""


def _routes_with_ids() -> Iterator[tuple[str, str, str]]:
    """Operation, method and path of every guarded route that takes an id."""
    for route in iter_route_contexts(create_app().routes):
        if scopes_of(route) is not None and "{" in str(route.path):
            for method in sorted(route.methods or ()):
                yield str(route.name), method, str(route.path)


ROUTES = list(_routes_with_ids())


async def _things_of(world: World, merchant: Merchant, shop: SimulatedShop) -> dict[str, str]:
    """One id of everything a path may name."""
    number = await shop.place_order()
    await merchant.import_orders()
    await world.work()
    pack = await merchant.bulk("print_invoices", [number])
    await world.work()
    me = await merchant.get("/v1/me")
    key = await merchant.post("/v1/api-keys", {"name": "Program", "scopes": ["orders:read"]}, expect=201)
    order = await merchant.order(number)
    view = await merchant.post("/v1/views", {"name": "Semua", "filter": {}}, expect=201)
    product = await merchant.post("/v1/products", {"sku": "KAOS", "name": "Kaos"}, expect=201)
    return {
        "order_id": order["id"],
        "package_id": order["packages"][0]["id"],
        "product_id": product["id"],
        "view_id": view["id"],
        "listing_id": order["lines"][0]["listing_id"],
        "shop_id": (await merchant.get("/v1/shops"))["data"][0]["id"],
        "connection_id": (await merchant.get("/v1/connections"))["data"][0]["id"],
        "operation_id": pack,
        "document_id": (await merchant.operation(pack))["result"]["documents"][0]["id"],
        "user_id": me["user"]["id"],
        "api_key_id": key["id"],
    }


def _fill(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: ids[match[1]], path)


async def test_no_route_gives_or_changes_another_merchants_things(
    world: World, merchant: Merchant, other_merchant: Merchant, shop: SimulatedShop
) -> None:
    theirs = await _things_of(world, merchant, shop)
    absent = {name: re.sub(r"_[0-9a-f]{32}$", f"_{uuid.uuid4().hex}", value) for name, value in theirs.items()}
    leaks: list[str] = []

    for operation, method, path in ROUTES:
        answers = []
        for ids in (theirs, absent):
            answer = await other_merchant.http.request(
                method,
                _fill(path, ids),
                json=BODIES.get(operation),
                headers={"Idempotency-Key": str(uuid.uuid4()), "If-Match": '"1"'},
            )
            answers.append((answer.status_code, {**answer.json(), "request_id": ""} if answer.content else None))
        if answers[0] != answers[1] or answers[0][0] != 404:
            leaks.append(f"{operation}: {answers}")

    assert leaks == []
    for operation, method, path in ROUTES:  # the ids are real: their owner can read them
        if method == "GET" and not path.endswith("/events"):
            answer = await merchant.http.get(_fill(path, theirs))
            assert answer.status_code == 200, f"{operation}: {answer.status_code} {answer.text[:200]}"


@pytest.mark.parametrize("value", ["x", "ord_'; drop table orders; --", "ord_" + "0" * 5000, "ord_\u202e", "%00"])
async def test_a_malformed_id_names_nothing(merchant: Merchant, value: str) -> None:
    wrong: list[str] = []

    for operation, method, path in ROUTES:
        answer = await merchant.http.request(
            method,
            re.sub(r"\{\w+\}", value, path),
            json=BODIES.get(operation),
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        if (answer.status_code, answer.json()["code"]) != (404, "not_found"):
            wrong.append(f"{operation}: {answer.status_code} {answer.text[:100]}")

    assert wrong == []
