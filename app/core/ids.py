"""Ids: UUIDv7 inside, a prefixed string (`ord_…`) at the edge."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new time-ordered id."""
    return UUID(int=uuid7().int)


class Prefixed:
    """Marks a UUID that callers see as `<prefix>_<32 hex digits>`."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def parse(self, value: object) -> UUID:
        """Accepts the prefixed text or a UUID. Raises a validation error for anything else."""
        if isinstance(value, UUID):
            return value
        start = f"{self.prefix}_"
        digits = value[len(start) :] if isinstance(value, str) and value.startswith(start) else ""
        if len(digits) != 32 or not set(digits) <= set("0123456789abcdef"):
            raise PydanticCustomError(
                "malformed_id",
                "This is not an id of the form {prefix}_ and 32 hexadecimal digits.",
                {"prefix": self.prefix},
            )
        return UUID(hex=digits)

    def format(self, value: UUID) -> str:
        """The text callers see."""
        return f"{self.prefix}_{value.hex}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self.format, return_schema=core_schema.str_schema()
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": f"^{self.prefix}_[0-9a-f]{{32}}$",
            "examples": [f"{self.prefix}_{'0' * 31}1"],
        }


MerchantId = Annotated[UUID, Prefixed("mer")]
UserId = Annotated[UUID, Prefixed("usr")]
ApiKeyId = Annotated[UUID, Prefixed("key")]
ConnectionId = Annotated[UUID, Prefixed("con")]
ShopId = Annotated[UUID, Prefixed("shp")]
OrderId = Annotated[UUID, Prefixed("ord")]
LineId = Annotated[UUID, Prefixed("oln")]
PackageId = Annotated[UUID, Prefixed("pkg")]
ListingId = Annotated[UUID, Prefixed("lst")]
ProductId = Annotated[UUID, Prefixed("prd")]
OperationId = Annotated[UUID, Prefixed("op")]
ItemId = Annotated[UUID, Prefixed("opi")]
DocumentId = Annotated[UUID, Prefixed("doc")]
ViewId = Annotated[UUID, Prefixed("view")]
EntryId = Annotated[UUID, Prefixed("evt")]
