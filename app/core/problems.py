"""Turns every error into `application/problem+json` (RFC 9457). Nothing else in the service builds error answers."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.core.context import caller
from app.core.errors import BadRequest, DomainError, Invalid, NotFound
from app.core.validation import field_error, field_errors

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "https://docs.plugosync.id/problems/"


class FieldError(BaseModel):
    """One thing that is wrong with the request: exactly one of pointer, parameter and header says where."""

    pointer: str | None = Field(
        default=None, description="JSON Pointer into the body.", examples=["/selection/order_ids"]
    )
    parameter: str | None = Field(default=None, description="Name of the query parameter.")
    header: str | None = Field(default=None, description="Name of the header.")
    code: str = Field(examples=["too_long"])
    detail: str


class Problem(BaseModel):
    """What went wrong and how to mend it (RFC 9457). `code` is stable; texts follow `Accept-Language` (en, id)."""

    model_config = ConfigDict(
        json_schema_extra={
            "required": ["type", "title", "status", "detail", "code", "source", "request_id", "retryable", "errors"]
        }
    )

    type: str = Field(description="A URL that stands for the code.", examples=[TYPE_PREFIX + "validation_failed"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["validation_failed"])
    source: str = Field(description="Who refused: `plugosync`, or a channel such as `shopee`.")
    request_id: str = Field(description="The same as in the header `X-Request-Id`; name it when you ask for help.")
    retryable: bool = Field(description="True when the same request may succeed later.")
    errors: list[FieldError] = Field(default=[], description="The fields at fault, when there are some.")


class NoSuchPath(NotFound):
    """The URL itself is unknown; told like an unknown id."""


class MethodNotAllowed(DomainError):
    """The URL knows other methods; `Allow` lists them."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    en = "This URL does not know that method; see the header `Allow`."
    id = "URL ini tidak mengenal metode tersebut; lihat header `Allow`."


class InvalidJson(BadRequest):
    """The body is not one JSON object."""

    code = "invalid_json"
    title = "Invalid JSON"
    en = "The body must be one JSON object in UTF-8, without repeated keys, NaN or lone surrogates: {reason}."
    id = "Isi permintaan harus satu objek JSON dalam UTF-8, tanpa kunci ganda, NaN, atau surrogate tunggal: {reason}."


class HttpRefusal(DomainError):
    """Any other refusal of the HTTP layer."""

    status = 400
    code = "bad_request"
    title = "Bad request"
    en = "The request cannot be understood."
    id = "Permintaan tidak dapat dipahami."


def answer(
    error: DomainError, errors: Sequence[Mapping[str, Any]] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The response for an error, in the caller's language."""
    who = caller()
    if errors is None:
        errors = _own_errors(error)
    problem = {
        "type": TYPE_PREFIX + error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.text(who.language),
        "code": error.code,
        "source": error.params.get("source", "plugosync"),
        "request_id": who.request_id,
        "retryable": error.retryable,
        "errors": list(errors),
    }
    response = Response(
        json.dumps(problem, ensure_ascii=False).encode(), status_code=error.status, media_type=MEDIA_TYPE
    )
    response.headers.update(headers or {})
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="plugosync"'
    return response


def _own_errors(error: DomainError) -> list[dict[str, Any]]:
    if "errors" in error.params:
        return list(error.params["errors"])
    if not (error.pointer or error.parameter or error.header):
        return []
    return [
        field_error(
            error.code,
            pointer=error.pointer,
            parameter=error.parameter,
            header=error.header,
            detail=error.text(caller().language),
        )
    ]


async def answer_domain_error(request: Request, error: Exception) -> Response:
    """What a service refused."""
    assert isinstance(error, DomainError)
    return answer(error)


async def answer_invalid_request(request: Request, error: Exception) -> Response:
    """What a schema refused. A malformed id in the path cannot name anything: 404."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(entry["loc"][:1] == ("path",) for entry in found):
        return answer(NotFound())
    if any(entry["type"] == "json_invalid" for entry in found):
        return answer(InvalidJson(reason="it cannot be parsed"))
    return answer(validation_failed(), field_errors(found, caller().language))


def validation_failed() -> Invalid:
    """The 422 whose `errors[]` tell the rest."""
    language = caller().language
    detail = (
        "Bagian permintaan ini tidak dapat diterima."
        if language == "id"
        else "These parts of the request cannot be accepted."
    )
    return Invalid(detail=detail)


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: unknown URL, wrong method, an unreadable form."""
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return answer(NoSuchPath())
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return answer(MethodNotAllowed(), headers={"Allow": ", ".join(_methods_of(request))})
    log.warning("http_refusal", status=error.status_code, reason=str(error.detail))
    return (
        answer(HttpRefusal(), headers=error.headers)
        if error.status_code == HTTPStatus.BAD_REQUEST
        else answer(DomainError())
    )


def _methods_of(request: Request) -> list[str]:
    """Methods of every route with this path; the framework's own answer names only the first route's."""
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        pattern = getattr(route, "path_regex", None)
        if pattern is not None and pattern.match(request.url.path):
            methods |= route.methods or set()
    return sorted(methods)


def install_problem_handlers(app: FastAPI) -> None:
    """Answer all errors of the application as problems; unexpected ones are caught by the edge (core/http.py)."""
    app.add_exception_handler(DomainError, answer_domain_error)
    app.add_exception_handler(RequestValidationError, answer_invalid_request)
    app.add_exception_handler(HTTPException, answer_http_exception)


def problems(*errors: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of an endpoint that may refuse with these.

    What every guarded endpoint may answer is added by core/openapi.py.
    """
    by_status: dict[int | str, list[type[DomainError]]] = defaultdict(list)
    for error in errors:
        by_status[error.status].append(error)
    return {status: describe(*group) for status, group in by_status.items()}


def describe(*errors: type[DomainError]) -> dict[str, Any]:
    """An OpenAPI response that lists the codes."""
    titles = {error.code: error.title for error in errors}
    return {
        "description": " · ".join(f"`{code}`: {title}" for code, title in titles.items()),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
