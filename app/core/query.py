"""Query parameters of lists with many filters, validated in one go.

FastAPI looks for each parameter of a model by itself, which takes longer than the list's query. The contract shows the
same parameters either way.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


def asked(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """A dependency that reads the query into `model`. Raises RequestValidationError.

    The route declares the parameters with `openapi_extra=parameters_of(model)`.
    """
    lists = frozenset(name for name, field in model.model_fields.items() if isinstance(field.default, list))

    async def read(request: Request) -> M:
        given: dict[str, Any] = {}
        for name, value in request.query_params.multi_items():
            if name in lists:
                given.setdefault(name, []).append(value)
            else:
                given[name] = value
        try:
            return model.model_validate(given)
        except ValidationError as error:
            errors = [{**entry, "loc": ("query", *entry["loc"])} for entry in error.errors(include_url=False)]
            raise RequestValidationError(errors) from None

    return read


def parameters_of(model: type[BaseModel]) -> dict[str, Any]:
    """The model's fields as OpenAPI query parameters."""
    return {
        "parameters": [_to_parameter(name, schema) for name, schema in model.model_json_schema()["properties"].items()]
    }


def _to_parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    described = {key: value for key, value in schema.items() if key not in ("description", "title", "anyOf", "default")}
    # A parameter is absent rather than null.
    for choice in schema.get("anyOf", ()):
        if choice != {"type": "null"}:
            described.update(choice)
    if schema.get("default") not in (None, []):
        described["default"] = schema["default"]
    parameter: dict[str, Any] = {"name": name, "in": "query", "required": False, "schema": described}
    if "description" in schema:
        parameter["description"] = schema["description"]
    return parameter
