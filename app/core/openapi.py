"""The contract: FastAPI's OpenAPI document, completed with what holds for every operation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts

from app.core.declared import NotAcceptable
from app.core.errors import DomainError, Invalid, NotFound, NotPermitted, Unauthenticated, Unavailable
from app.core.http import BodyTimeout, HeadersTooLarge, PayloadTooLarge, UnsupportedMediaType, UrlTooLong
from app.core.problems import FieldError, HttpRefusal, InvalidJson, Problem, describe

_METHODS = ("get", "put", "post", "delete", "patch")


class RateLimited(DomainError):
    """Documents what every guarded operation may answer under load."""

    status = 429
    code = "rate_limited"
    title = "Too many requests"
    retryable = True


def scopes_of(route: RouteContext) -> list[str] | None:
    """Scopes the route asks for; None when nobody has to say who they are."""
    dependant = getattr(route, "dependant", None)
    return _scopes(dependant) if isinstance(dependant, Dependant) else None


def _scopes(dependant: Dependant) -> list[str] | None:
    # Only what asks for the scopes also checks them; own_oauth_scopes is set for any dependency.
    if dependant.security_scopes_param_name is not None:
        return list(dependant.own_oauth_scopes or ())
    for inner in dependant.dependencies:
        found = _scopes(inner)
        if found is not None:
            return found
    return None


def build_document(
    app: FastAPI,
    *,
    scopes: Mapping[str, str],
    tags: Sequence[Mapping[str, str]],
    schemas: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    """The whole OpenAPI 3.1 document; the same on every machine. `schemas` are those that no route names."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=[dict(tag) for tag in tags],
        servers=[{"url": "/", "description": "The service that serves this document."}],
    )
    _add_schemas(document, schemas)
    document["components"]["headers"] = {
        "X-Request-Id": {"description": "Name it when you ask for help.", "schema": {"type": "string"}},
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    }
    document["components"]["securitySchemes"] = _security_schemes(scopes)
    asked = {
        (method.lower(), route.path_format): scopes_of(route)
        for route in iter_route_contexts(app.routes)
        for method in route.methods or ()
    }
    for path, method, operation in _operations(document):
        _complete(operation, path, asked.get((method, path)))
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _add_schemas(document: dict[str, Any], more: Mapping[str, dict[str, Any]]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(more)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    problem.pop("$defs", None)
    schemas["Problem"] = problem
    schemas["FieldError"] = FieldError.model_json_schema(mode="serialization")
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"]["schemas"] = dict(sorted(schemas.items()))


def _security_schemes(scopes: Mapping[str, str]) -> dict[str, Any]:
    return {
        "accessToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token of `POST /v1/auth/token`, valid for 15 minutes.",
        },
        "apiKey": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "pk_…",
            "description": "A key of `POST /v1/api-keys`.",
        },
        "password": {
            "type": "oauth2",
            "description": "Log in with e-mail and password.",
            "flows": {
                "password": {
                    "tokenUrl": "/v1/auth/token",
                    "refreshUrl": "/v1/auth/refresh",
                    "scopes": dict(scopes),
                }
            },
        },
    }


def _complete(operation: dict[str, Any], path: str, scopes: list[str] | None) -> None:
    responses: dict[str, Any] = operation["responses"]
    responses.pop("422", None) if "HTTPValidationError" in str(responses.get("422")) else None
    common: list[type[DomainError]] = [UrlTooLong, HeadersTooLarge]
    if scopes is None:
        operation["security"] = []
    else:
        operation["security"] = [{"accessToken": []}, {"apiKey": []}, {"password": scopes}]
        if scopes:
            operation["description"] = f"{operation.get('description', '')}\n\nNeeds `{'`, `'.join(scopes)}`.".strip()
        common += [Unauthenticated, NotPermitted, RateLimited]
    is_raw = "/push/" in path or "/callback/" in path  # taken as they come
    if path.startswith("/v1/"):
        common.append(Unavailable)
    if not is_raw:
        common += [NotAcceptable, _ValidationFailed]
    if "{" in path:
        common.append(NotFound)
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]
        common += _refusals_of_body(content, is_raw=is_raw)
        _leave_out_null(content)
    for error in common:
        _add(responses, error)
    operation["responses"] = dict(sorted(responses.items()))
    _require_idempotency_key(operation)
    for response in operation["responses"].values():
        response.setdefault("headers", {})["X-Request-Id"] = {"$ref": "#/components/headers/X-Request-Id"}


def _refusals_of_body(content: Mapping[str, Any], *, is_raw: bool) -> list[type[DomainError]]:
    if is_raw:
        return [PayloadTooLarge, BodyTimeout]
    if "application/json" in content:
        return [PayloadTooLarge, BodyTimeout, InvalidJson, UnsupportedMediaType]
    return [PayloadTooLarge, BodyTimeout, HttpRefusal]


def _leave_out_null(content: Mapping[str, Any]) -> None:
    """A body that may be left out is still an object when it is sent."""
    for media_type in content.values():
        choices = [choice for choice in media_type["schema"].get("anyOf", ()) if choice != {"type": "null"}]
        if len(choices) == 1:
            media_type["schema"] = choices[0]


class _ValidationFailed(Invalid):
    en = ""


def _add(responses: dict[str, Any], error: type[DomainError]) -> None:
    present = responses.get(str(error.status))
    if present is None:
        responses[str(error.status)] = describe(error)
    elif not re.search(rf"`{error.code}`", present["description"]):
        present["description"] += " · " + describe(error)["description"]
    if error.retryable:
        responses[str(error.status)].setdefault("headers", {})["Retry-After"] = {
            "$ref": "#/components/headers/Retry-After"
        }


def _require_idempotency_key(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "header" and parameter["name"] == "Idempotency-Key":
            parameter["required"] = True
            parameter["schema"] = {"type": "string", "minLength": 1, "maxLength": 255}
