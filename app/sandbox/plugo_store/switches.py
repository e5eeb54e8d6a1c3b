"""What may differ from shop to shop: `GET` and `PUT /_sim/{shop_id}` on the stores' port, beside every shop."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

TIME_ZONES = {"Asia/Jakarta": 7, "Asia/Makassar": 8, "Asia/Jayapura": 9, "UTC": 0}


class Switches(BaseModel):
    """A stock shop of today with the new order storage, unless told otherwise."""

    model_config = ConfigDict(extra="forbid")

    treat_as_tls: bool = Field(default=False, description="Basic is honoured, as if the site saw TLS.")
    time_zone: Literal["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "UTC"] = "Asia/Jakarta"
    decimals: Literal[0, 2] = Field(default=0, description="Decimals of money.")
    number_prefix: str = Field(default="", max_length=20, description="A numbering plugin: `number` is not `id`.")
    has_orderby_modified: bool = Field(default=True, description="Old servers do not know `orderby=modified`.")
    meta_moves_modified: bool = Field(default=True, description="Old order storage: meta alone leaves the date.")
    has_shipment_tracking: bool = Field(default=False, description="The Shipment Tracking plugin is there.")
    custom_statuses: list[str] = Field(default=[], description="Registered by plugins, such as `shipped`.")
    webhook_failure_limit: int = Field(default=5, ge=0, description="Failures in a row beyond which one is disabled.")
    drifts: bool = Field(default=False, description="Somebody touches an order after every page of orders.")
    user_can: bool = Field(default=True, description="Whether the key's user may do what keys are used for.")
    weather: Literal["fine", "maintenance", "bad_gateway", "php_warning", "redirect"] = Field(
        default="fine", description="What the host does to every REST answer."
    )

    @property
    def gmt_offset(self) -> int:
        """Hours."""
        return TIME_ZONES[self.time_zone]
