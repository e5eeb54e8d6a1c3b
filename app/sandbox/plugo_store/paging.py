"""Pages of a list: numbers, headers, and the fields asked for."""

import math
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from app.sandbox.plugo_store import params
from app.sandbox.plugo_store.answers import success
from app.sandbox.plugo_store.calls import StoreCall
from app.sandbox.plugo_store.world import World

SCHEMA: params.Schema = {
    "page": params.integer(1),
    "per_page": params.integer(1, 100),
    "offset": params.integer(0),
    "order": params.choice("asc", "desc"),
    "search": params.text,
    "include": params.ids,
    "exclude": params.ids,
}
DEFAULTS = {"page": 1, "per_page": 10, "order": "desc"}


def cut(call: StoreCall, rows: list[Any], asked: dict[str, Any]) -> list[Any]:
    """The rows of the page, with what may go wrong with it."""
    size = asked["per_page"]
    start = asked.get("offset", (asked["page"] - 1) * size)
    if "duplicate_page" in call.strange:
        start = max(0, start - size)
    if "shifting_page" in call.strange:
        start += 1
    page = rows[start : start + size]
    return page[:-1] if "omit_item" in call.strange else page


def answer(world: World, call: StoreCall, shown: list[Any], total: int, asked: dict[str, Any]) -> Response:
    """A bare list; how much there is stands in the headers."""
    pages = math.ceil(total / asked["per_page"])
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    query = {name: value for name, value in call.query.items() if not name.startswith(("oauth_", "consumer_"))}
    links = []
    for word, number in (("prev", asked["page"] - 1), ("next", asked["page"] + 1)):
        if 1 <= number <= pages:
            url = f"{world.site_url(call.shop)}/wp-json{call.route}?{urlencode({**query, 'page': number}, doseq=True)}"
            links.append(f'<{url}>; rel="{word}"')
    if links:
        headers["Link"] = ", ".join(links)
    return success([choose(call, one) for one in shown], 200, **headers)


def choose(call: StoreCall, thing: dict[str, Any]) -> dict[str, Any]:
    """`_fields` leaves out the rest; the id always stays."""
    wanted = call.query.get("_fields")
    if not wanted:
        return thing
    names = {name.strip().partition(".")[0] for name in params.split("_fields", wanted)}
    return {name: value for name, value in thing.items() if name in names or name == "id"}
