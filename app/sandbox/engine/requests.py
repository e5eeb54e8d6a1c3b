"""Bodies of the control API."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

YEAR_SECONDS = 366 * 86_400


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewShop(_Body):
    """A shop to open."""

    name: str = Field(min_length=1, max_length=100)


class Consent(_Body):
    """The seller agrees."""

    shop_id: str | int


class NewOrders(_Body):
    """Orders to place. `courier` is by name; left out, the buyers choose."""

    count: int = Field(ge=1, le=5000)
    shop_id: str | int | None = None
    state: Literal["unpaid", "paid"] = "paid"
    lines: int | None = Field(default=None, ge=1, le=20)
    packages: int = Field(default=1, ge=1, le=5)
    is_listed: bool = True
    seed: int | None = None
    courier: str | None = None

    @model_validator(mode="after")
    def _has_a_line_for_each_package(self) -> Self:
        if self.lines is not None and self.lines < self.packages:
            raise ValueError("packages cannot be more than lines: a line stays in one package")
        return self


class Advance(_Body):
    """Where to."""

    to: Literal[
        "paid", "arranged", "collected", "in_transit", "delivered", "completed", "cancel_requested", "cancelled",
        "edited",
    ]  # fmt: skip


class Push(_Body):
    """A push to send now."""

    order_number: str
    mode: Literal["normal", "duplicate", "reordered", "forged"] = "normal"


class Pushes(_Body):
    """Whether changes send pushes, and where to."""

    enabled: bool
    url: str | None = Field(default=None, pattern=r"^https?://")


class Passing(_Body):
    """How far the clock goes."""

    advance_seconds: float = Field(ge=0, le=YEAR_SECONDS, allow_inf_nan=False)
