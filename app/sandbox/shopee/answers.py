"""Shopee's envelope."""

import secrets
from typing import Any

from starlette.responses import JSONResponse

RATE_LIMIT = "error_rate_limit"
RETRY_AFTER_SECONDS = 2
FORBIDDEN = frozenset({"error_sign", "invalid_acceess_token", "source_ip_undeclared"})


class Refused(Exception):
    """A call that answers with an error code."""

    def __init__(self, error: str, message: str, response: Any = None) -> None:
        super().__init__(error)
        self.error = error
        self.message = message
        self.response = response


def wrong_parameter(detail: str) -> Refused:
    """The code for every bad business parameter."""
    return Refused("error_param", f"Wrong parameters, detail: {detail}")


def not_found() -> Refused:
    """An order that is not this shop's."""
    return Refused("error_not_found", "Wrong parameters, detail: the order is not found.")


def success(response: Any = None, *, warning: Any = "", **top: Any) -> JSONResponse:
    """`response` is left out where the real one leaves it out; `top` are fields beside `error`."""
    body: dict[str, Any] = {"error": "", "message": "", "request_id": secrets.token_hex(16)}
    if response is not None:
        body |= {"warning": warning, "response": response}
    return JSONResponse(body | top)


def refusal(refused: Refused) -> JSONResponse:
    """403 for token and signature errors, 200 for everything else."""
    body: dict[str, Any] = {"error": refused.error, "message": refused.message, "request_id": secrets.token_hex(16)}
    if refused.response is not None:
        body["response"] = refused.response
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if refused.error == RATE_LIMIT else None
    return JSONResponse(body, status_code=403 if refused.error in FORBIDDEN else 200, headers=headers)


def rate_limited() -> Refused:
    """The burst limit; the request was not executed."""
    return Refused(RATE_LIMIT, "Too many requests. You have reached the rate limit.")
