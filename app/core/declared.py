"""Refuses what a route does not declare: unknown query parameters, NUL, and answers nobody can read."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import Request
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.core.errors import DomainError
from app.core.problems import MEDIA_TYPE


class NotAcceptable(DomainError):
    """`Accept` names nothing this URL can answer."""

    status = 406
    code = "not_acceptable"
    title = "Not acceptable"
    en = "This URL answers {offered}; `Accept` allows none of it."
    id = "URL ini menjawab {offered}; `Accept` tidak mengizinkan satu pun."


# By endpoint function: FastAPI's routes cannot be keys.
_parameters: WeakKeyDictionary[Callable[..., Any], frozenset[str]] = WeakKeyDictionary()
_media_types: WeakKeyDictionary[Callable[..., Any], frozenset[str]] = WeakKeyDictionary()


async def check_declared(request: Request) -> None:
    """Raises RequestValidationError or NotAcceptable. Guarded routes get it with `needs()`; public ones name it."""
    route: APIRoute = request.scope["route"]
    if request.scope["query_string"]:
        _check_parameters(request, route)
    accept = request.headers.get("accept", "*/*")
    if "*/*" not in accept:
        _check_accept(accept, route)


def _check_parameters(request: Request, route: APIRoute) -> None:
    known = _parameters.get(route.endpoint)
    if known is None:
        extra = (route.openapi_extra or {}).get("parameters", ())
        names = _names(route.dependant) | {parameter["name"] for parameter in extra}
        known = _parameters[route.endpoint] = frozenset(names)
    errors: list[dict[str, Any]] = []
    for name, value in request.query_params.multi_items():
        if name not in known:
            errors.append({"type": "extra_forbidden", "loc": ("query", name), "msg": ""})
        elif "\0" in value:
            errors.append({"type": "nul_character", "loc": ("query", name), "msg": ""})
    if errors:
        raise RequestValidationError(errors)


def _names(dependant: Dependant) -> set[str]:
    names: set[str] = set()
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names |= {info.alias or name for name, info in annotation.model_fields.items()}
        else:
            names.add(field.alias)
    for inner in dependant.dependencies:
        names |= _names(inner)
    return names


def _check_accept(accept: str, route: APIRoute) -> None:
    offered = _media_types.get(route.endpoint)
    if offered is None:
        offered = _media_types[route.endpoint] = _offers(route)
    for part in accept.split(","):
        wanted, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if any(parameter in ("q=0", "q=0.0", "q=0.00", "q=0.000") for parameter in parameters):
            continue
        if wanted in offered or (wanted.endswith("/*") and any(one.startswith(wanted[:-1]) for one in offered)):
            return
    raise NotAcceptable(header="Accept", offered=", ".join(f"`{one}`" for one in sorted(offered)))


def _offers(route: APIRoute) -> frozenset[str]:
    # JSON is always fine: errors are JSON, and generated clients ask for it everywhere.
    offers = {"application/json", MEDIA_TYPE}
    for status, response in route.responses.items():
        if str(status).startswith("2"):
            offers |= set(response.get("content", {}))
    response_class = (
        route.response_class.value if isinstance(route.response_class, DefaultPlaceholder) else route.response_class
    )
    media_type = response_class.media_type
    return frozenset(offers | ({media_type} if media_type else set()))
