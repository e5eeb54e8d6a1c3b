"""How a shop answers: JSON as PHP writes it, WordPress' error envelope, and HTML where a host speaks."""

import json
from typing import Any

from starlette.responses import Response

_EXPOSED = {"Access-Control-Expose-Headers": "X-WP-Total, X-WP-TotalPages, Link", "X-Robots-Tag": "noindex"}


class Refused(Exception):
    """A call that answers with an error code. `data` stands beside the status."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.data = status, code, message, data

    @property
    def body(self) -> dict[str, Any]:
        """The envelope."""
        return {"code": self.code, "message": self.message, "data": {"status": self.status, **self.data}}


class RefusedAsNumber(Refused):
    """Refunds hand the status on as a bare number: it is not understood, and the answer is a 500."""

    @property
    def body(self) -> dict[str, Any]:
        """The envelope, whose data is no object."""
        return {"code": self.code, "message": self.message, "data": self.status}


def php_json(value: Any) -> bytes:
    """One line; slashes and everything beyond ASCII escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def success(value: Any, status: int = 200, **headers: str) -> Response:
    """A JSON answer."""
    return Response(php_json(value), status, {**_EXPOSED, **headers}, media_type="application/json")


def refusal(refused: Refused) -> Response:
    """The error as it leaves."""
    status = 500 if isinstance(refused, RefusedAsNumber) else refused.status
    answer = success(refused.body, status)
    if refused.message == "Consumer secret is invalid.":
        answer.headers["WWW-Authenticate"] = 'Basic realm="WooCommerce API. Use a consumer key in the username field."'
    return answer


def page(status: int, text: str, **headers: str) -> Response:
    """HTML, for browsers and for what a host says in place of its shop."""
    body = f"<!doctype html><html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>"
    return Response(body, status, headers, media_type="text/html")


def throttled() -> Response:
    """The shop has no limit of its own: this is the host in front of it."""
    return page(429, "Too Many Requests", **{"Retry-After": "2"})


def invalid_id(kind: str, status: int, message: str = "Invalid ID.") -> Refused:
    """No such thing: 404 for reads, 400 for updates."""
    return Refused(status, f"woocommerce_rest_{kind}_invalid_id", message)
