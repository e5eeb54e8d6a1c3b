"""Lazada's JSON, spelled as Lazada spells it. Scalars are loose: ids and numbers come as text or as numbers."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from app.channels.decoding import Wire


def _flag(value: Any) -> Any:
    """`true`, `"true"`, 1 and `"1"` are yes."""
    return value in (True, 1) or (isinstance(value, str) and value.lower() in ("true", "1"))


def _amount(value: Any) -> Any:
    return None if value == "" else value


Flag = Annotated[bool, BeforeValidator(_flag)]
Money = Annotated[Decimal | None, BeforeValidator(_amount), Field(gt=-(10**16), lt=10**16)]
Id = Annotated[str, Field(min_length=1)]


class CountryUser(Wire):
    """A seller a token is good for."""

    country: str = ""
    seller_id: str = ""


class TokenAnswer(Wire):
    """auth/token/create and auth/token/refresh: fields at the top level, seconds as numbers or text."""

    access_token: Id
    refresh_token: Id
    expires_in: Annotated[int, Field(ge=0, lt=10**10)]
    refresh_expires_in: Annotated[int, Field(ge=0, lt=10**10)] = 0
    country_user_info: tuple[CountryUser, ...] | dict[str, CountryUser] = ()
    country_user_info_list: tuple[CountryUser, ...] | dict[str, CountryUser] = ()


class Seller(Wire):
    """`data` of seller/get."""

    seller_id: Id
    name: str = ""
    name_company: str = ""


class Address(Wire):
    """Recipient; parts may be masked with `*`."""

    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    address1: str = ""
    address2: str = ""
    address3: str = ""
    address4: str = ""
    address5: str = ""
    city: str = ""
    post_code: str = ""
    country: str = ""


class Order(Wire):
    """An order without its items."""

    order_id: Id
    order_number: str = ""
    created_at: Id
    updated_at: Id
    statuses: tuple[str, ...] = ()
    price: Money = None
    voucher: Money = None
    shipping_fee: Money = None
    payment_method: str = ""
    customer_first_name: str = ""
    customer_last_name: str = ""
    buyer_note: str = ""
    need_cancel_confirm: Flag = False
    is_cancel_pending: Flag = False
    address_shipping: Address = Address()


class Item(Wire):
    """One unit of a SKU."""

    order_item_id: Id
    status: str = ""
    sku: str = ""
    shop_sku: str = ""
    sku_id: str = ""
    product_id: str = ""
    name: str = ""
    variation: str = ""
    item_price: Money = None
    paid_price: Money = None
    currency: str = ""
    shipping_provider_type: str = ""
    shipment_provider: str = ""
    tracking_code: str = ""
    package_id: str = ""
    warehouse_code: str = ""
    is_fbl: Flag = False
    is_digital: Flag = False
    stage_pay_status: str = ""
    sla_time_stamp: str = ""
    payment_time: int | None = None
    reason: str = ""
    cancel_return_initiator: str = ""
    need_cancel_confirm: Flag = False
    is_cancel_pending: Flag = False
    cancel_trigger_time: int | None = None
    reverse_order_id: str = ""
    updated_at: str = ""


class OrderItems(Wire):
    """An element of orders/items/get."""

    order_id: Id
    order_items: tuple[Any, ...] = ()


class Packed(Wire):
    """What became of one item or package of a call for several."""

    order_item_id: str = ""
    package_id: str = ""
    item_err_code: str = "0"
    msg: str = ""


class PackedOrder(Wire):
    """An order of a pack call."""

    order_id: str = ""
    order_item_list: tuple[Packed, ...] = ()


class PackData(Wire):
    """`result.data` of order/fulfill/pack."""

    pack_order_list: tuple[PackedOrder, ...] = ()


class PackageData(Wire):
    """`result.data` of order/package/rts."""

    packages: tuple[Packed, ...] = ()


class ProviderData(Wire):
    """`result.data` of order/shipment/providers/get."""

    shipping_allocate_type: str = "TFS"


class DocumentData(Wire):
    """`result.data` of order/package/document/get."""

    pdf_url: str = ""


class Scan(Wire):
    """A step of the parcel's way."""

    status_code: str = ""
    detail_type: str = ""
    title: str = ""
    description: str = ""
    event_time: Annotated[int, Field(ge=0, lt=253_402_300_800_000)] = 0
    package_location_name: str = ""


class TracedPackage(Wire):
    """A package of a trace."""

    ofc_package_id: str = ""
    logistic_detail_info_list: tuple[Scan, ...] = ()


class TracedModule(Wire):
    """An element of a trace."""

    package_detail_info_list: tuple[TracedPackage, ...] = ()


class ReasonOption(Wire):
    """A reason offered for one order."""

    reason_id: Id
    reason_name: str = ""


class CancelTip(Wire):
    """`data` of cancel/validate and cancel/create."""

    tip_type: str = ""
    tip_content: str = ""
    reason_options: tuple[ReasonOption, ...] = ()


class RejectReason(Wire):
    """An element of reverse/reason/list."""

    reason_id: Id
    text: str = ""


class ReverseLine(Wire):
    """A unit of a reverse order."""

    reverse_order_line_id: str = ""
    reason_text: str = ""


class ReverseOrder(Wire):
    """An element of `result.items` of reverse/getreverseordersforseller. Its lines may be missing."""

    reverse_order_id: Id
    trade_order_id: Id
    request_type: str = ""
    reverse_order_lines: tuple[ReverseLine, ...] = ()

    @property
    def reason(self) -> str | None:
        """Why the buyer asks."""
        return next((line.reason_text for line in self.reverse_order_lines if line.reason_text), None)


class WarehouseStock(Wire):
    """Stock at one warehouse."""

    sellableQuantity: int | None = None  # noqa: N815 (their spelling)


class Sku(Wire):
    """A sellable variant; the letter case is theirs."""

    SkuId: Id
    SellerSku: str = ""
    Available: int | None = None
    quantity: int | None = None
    price: Money = None
    saleProp: dict[str, Any] = {}  # noqa: N815, RUF012 (pydantic copies it)
    multiWarehouseInventories: tuple[WarehouseStock, ...] = ()  # noqa: N815


class Attributes(Wire):
    """What a product is called."""

    name: str = ""


class Product(Wire):
    """A product with its SKUs."""

    item_id: Id
    attributes: Attributes = Attributes()
    skus: tuple[Sku, ...] = ()


class Products(Wire):
    """`data` of products/get."""

    total_products: int = 0
    products: tuple[Product, ...] = ()


class PushData(Wire):
    """`data` of a push, all types together."""

    trade_order_id: str = ""
    status: str = ""
    status_update_time: int = 0


class Push(Wire):
    """The envelope of a push."""

    seller_id: str = ""
    message_type: int
    timestamp: int = 0
    data: PushData = PushData()
