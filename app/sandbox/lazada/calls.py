"""What a Lazada call is, and how its parameters are read."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response

from app.sandbox.engine.gateway import Call
from app.sandbox.lazada.world import Order, Refused, Shop, World


@dataclass
class LazadaCall(Call):
    """One flat map of texts, whatever way it came."""

    shop: Shop = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A mandatory parameter. Raises Refused."""
        if not self.params.get(name):
            raise Refused("MissingParameter", f"The input parameter {name} that is mandatory is not supplied.")
        return self.params[name]

    def number(self, name: str, default: int, *, code: str, least: int, most: int) -> int:
        """A number within bounds. Raises Refused with the field's own code."""
        text = self.params.get(name, str(default))
        if not text.lstrip("-").isdecimal() or not least <= int(text) <= most:
            raise Refused(code, f"E{int(code):03d}: Invalid {name}", "ISP")
        return int(text)

    def object(self, name: str) -> dict[str, Any]:
        """JSON text inside one parameter. Raises Refused."""
        value = self._json(self.text(name))
        if not isinstance(value, dict):
            raise Refused("700004", f"{name} must be a JSON object", "ISP")
        return value

    def listed(self, name: str, code: str) -> list[str]:
        """A JSON array of ids, numbers or texts. Raises Refused."""
        value = self._json(self.text(name))
        if not isinstance(value, list):
            raise Refused(code, f"E{int(code):03d}: {name} must be an array", "ISP")
        return [str(one) for one in value]

    def _json(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise Refused("700004", "A parameter is not valid JSON", "ISP") from error


Endpoint = Callable[[LazadaCall], Response]


@dataclass(frozen=True)
class Spec:
    """How a path is called. `operation` is the control API's word for it."""

    operation: str
    endpoint: Endpoint
    verbs: tuple[str, ...] = ("GET", "POST")
    is_public: bool = False


def success(data: Any = None, **top: Any) -> Response:
    """The envelope with `data`; `top` goes beside it."""
    return JSONResponse({"code": "0", **({} if data is None else {"data": data}), "request_id": request_id(), **top})


def result(data: Any, **more: Any) -> Response:
    """The envelope of the fulfilment calls."""
    return JSONResponse({"code": "0", "request_id": request_id(), "result": {"success": True, "data": data, **more}})


def refusal(refused: Refused) -> Response:
    """Errors come with status 200."""
    said = {"code": refused.code, "type": refused.kind, "message": refused.message, "request_id": request_id()}
    return JSONResponse(said)


def request_id() -> str:
    """Another one for every answer."""
    return f"0b{secrets.token_hex(12)[:23]}"


def record(
    world: World,
    call: Call,
    order: Order | None,
    *,
    package: str | None = None,
    is_effective: bool,
    params: dict[str, Any],
) -> None:
    """A ledger row of the call's own operation."""
    world.engine.ledger.record(
        at=world.engine.clock.now(),
        channel="lazada",
        operation=call.operation,
        is_effective=is_effective,
        call_id=call.id,
        order_number=None if order is None else order["id"],
        package_number=package,
        params=params,
    )
