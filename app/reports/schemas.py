"""What callers may ask of a report."""

from typing import Literal

from pydantic import Field

from app.orders.filters import OrderFilter
from app.reports.columns import Preset


class ExportOrders(OrderFilter):
    """Which orders, and how they are written."""

    grain: Literal["order", "line"] = Field(default="order", description="One row per order, or per line of it.")
    columns: Preset = Field(
        default="basic",
        description="The set of columns: `basic`, `warehouse` (what is inside, notes) or `accounting` (amounts).",
    )
    excel: bool = Field(
        default=False, description="Ends numbers of more than 11 digits with a tab, so that Excel keeps all digits."
    )
