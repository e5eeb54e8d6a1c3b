"""Money: a decimal amount with its currency, a string on the wire."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, PlainSerializer

Amount = Annotated[
    Decimal,
    PlainSerializer(lambda value: f"{value:.2f}", return_type=str, when_used="json"),
]
"""A decimal that JSON shows as text with two places (`"125000.00"`)."""


class Money(BaseModel):
    """An amount and its ISO 4217 currency."""

    amount: Amount
    currency: str
