"""WooCommerce's JSON (wc/v3), spelled as it spells it."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from app.channels.decoding import Wire


def _amount(value: Any) -> Any:
    return None if value == "" else value


Money = Annotated[Decimal | None, BeforeValidator(_amount), Field(gt=-(10**16), lt=10**16)]
Quantity = Annotated[int, Field(ge=0, lt=2**31)]


class Place(Wire):
    """Billing or shipping address."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    address_1: str = ""
    address_2: str = ""
    city: str = ""
    state: str = ""
    postcode: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""


class Meta(Wire):
    """An element of `meta_data`; the value is any JSON."""

    key: str = ""
    value: Any = None
    display_value: Any = None


class LineItem(Wire):
    """A line: one SKU, n units."""

    id: int
    name: str = ""
    product_id: int = 0
    variation_id: int = 0
    quantity: Quantity = 0
    total: Money = None
    sku: str = ""
    meta_data: tuple[Meta, ...] = ()
    parent_name: str | None = None


class ShippingLine(Wire):
    """How the buyer wants it sent."""

    method_id: str = ""
    method_title: str = ""


class Order(Wire):
    """An order, whole in every answer."""

    id: int
    number: str = ""
    status: str
    currency: str
    date_created_gmt: str
    date_modified_gmt: str
    date_paid_gmt: str = ""
    total: Money = None
    discount_total: Money = None
    shipping_total: Money = None
    total_tax: Money = None
    customer_note: str = ""
    billing: Place = Place()
    shipping: Place = Place()
    payment_method: str = ""
    payment_method_title: str = ""
    line_items: tuple[LineItem, ...] = ()
    shipping_lines: tuple[ShippingLine, ...] = ()
    meta_data: tuple[Meta, ...] = ()
    needs_processing: bool = True


class Attribute(Wire):
    """What tells variations apart."""

    option: str = ""


class Product(Wire):
    """A product or a variation."""

    id: int
    name: str = ""
    type: str = "simple"
    sku: str = ""
    price: Money = None
    manage_stock: bool | str = False
    stock_quantity: int | None = None
    attributes: tuple[Any, ...] = ()


class Webhook(Wire):
    """A subscription."""

    id: int
    status: str = ""
    topic: str = ""
    delivery_url: str = ""
