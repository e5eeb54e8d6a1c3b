"""Shopee's envelope."""

import secrets
from typing import Any

from starlette.responses import JSONResponse

FORBIDDEN = frozenset({"error_sign", "invalid_acceess_token", "source_ip_undeclared"})


class Refused(Exception):
    """A call that answers with an error code."""

    def __init__(self, error: str, message: str, response: Any = None) -> None:
        super().__init__(error)
        self.error = error
        self.message = message
        self.response = response


def success(response: Any = None, **top: Any) -> JSONResponse:
    """`response` is left out where the real one leaves it out; `top` are fields beside `error`."""
    body: dict[str, Any] = {"error": "", "message": "", "request_id": secrets.token_hex(16)}
    if response is not None:
        body |= {"warning": "", "response": response}
    return JSONResponse(body | top)


def refusal(refused: Refused) -> JSONResponse:
    """403 for token and signature errors, 200 for everything else."""
    body: dict[str, Any] = {"error": refused.error, "message": refused.message, "request_id": secrets.token_hex(16)}
    if refused.response is not None:
        body["response"] = refused.response
    return JSONResponse(body, status_code=403 if refused.error in FORBIDDEN else 200)
