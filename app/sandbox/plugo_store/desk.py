"""The stores' own control plane: how a shop is set up."""

from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from app.sandbox.plugo_store.switches import Switches
from app.sandbox.plugo_store.world import World


def serve_switches(world: World, shop_id: str, method: str, raw: bytes) -> Response:
    """`GET` shows them, `PUT` changes the ones it names."""
    shop = world.shops.get(shop_id)
    if shop is None or method not in ("GET", "PUT"):
        return JSONResponse({"detail": f"No store {shop_id}, or neither GET nor PUT."}, status_code=404)
    if method == "PUT":
        try:
            named = Switches.model_validate_json(raw or b"{}").model_dump(exclude_unset=True)
        except ValidationError as problem:
            return JSONResponse({"detail": problem.errors(include_url=False, include_context=False)}, status_code=422)
        with world.engine.store.transaction():
            shop["switches"] |= named
            world.save_shop(shop)
    return JSONResponse(world.switches(shop).model_dump())
