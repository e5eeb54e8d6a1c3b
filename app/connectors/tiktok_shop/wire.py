"""TikTok Shop's JSON, spelled as it spells it. Everything is optional unless an order is useless without it."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from app.channels.decoding import Wire

Seconds = Annotated[int, Field(ge=0, lt=253_402_300_800)]
"""Unix seconds up to the year 9999; 0 = no value."""
Money = Annotated[Decimal, Field(gt=-(10**16), lt=10**16)]
Id = Annotated[str, Field(min_length=1)]


# --- authorisation ----------------------------------------------------------------------------------------------------


class TokenAnswer(Wire):
    """`data` of token/get and token/refresh; `*_expire_in` are instants."""

    access_token: Id
    refresh_token: Id
    access_token_expire_in: Seconds
    refresh_token_expire_in: int = 0
    granted_scopes: tuple[str, ...] = ()


class AuthorizedShop(Wire):
    """An element of `shops` of authorization/shops."""

    id: Id
    name: str = ""
    cipher: str = ""


class AuthorizedShops(Wire):
    """`data` of authorization/shops."""

    shops: tuple[AuthorizedShop, ...] = ()


# --- orders -----------------------------------------------------------------------------------------------------------


class District(Wire):
    """A level of the address."""

    address_level: str = ""
    address_name: str = ""


class RecipientAddress(Wire):
    """Recipient; parts may be masked with `*`."""

    name: str = ""
    phone_number: str = ""
    full_address: str = ""
    address_detail: str = ""
    postal_code: str = ""
    region_code: str = ""
    district_info: tuple[District, ...] = ()


class Payment(Wire):
    """Amounts of an order, all strings in major units."""

    currency: str = ""
    original_total_product_price: Money | None = None
    seller_discount: Money | None = None
    platform_discount: Money | None = None
    sub_total: Money | None = None
    original_shipping_fee: Money | None = None
    shipping_fee: Money | None = None
    tax: Money | None = None
    total_amount: Money | None = None
    buyer_service_fee: Money | None = None
    handling_fee: Money | None = None
    shipping_insurance_fee: Money | None = None
    item_insurance_fee: Money | None = None


class LineItem(Wire):
    """One unit of a SKU."""

    id: Id
    product_id: str = ""
    product_name: str = ""
    sku_id: str = ""
    sku_name: str = ""
    seller_sku: str = ""
    sale_price: Money | None = None
    display_status: str = ""
    package_id: str = ""
    package_status: str = ""
    tracking_number: str = ""
    shipping_provider_name: str = ""


class PackageId(Wire):
    """An element of an order's `packages`."""

    id: Id


class Order(Wire):
    """An order as order search and order detail give it."""

    id: Id
    status: Id
    commerce_platform: str = ""
    user_id: str = ""
    buyer_nickname: str = ""
    buyer_message: str = ""
    is_cod: bool = False
    is_buyer_request_cancel: bool = False
    cancel_reason: str = ""
    cancellation_initiator: str = ""
    request_cancel_time: Seconds = 0
    fulfillment_type: str = ""
    shipping_type: str = ""
    delivery_option_id: str = ""
    delivery_option_name: str = ""
    shipping_provider: str = ""
    tracking_number: str = ""
    packages: tuple[PackageId, ...] = ()
    fulfillment_priority_level: int = 0
    create_time: Seconds
    update_time: Seconds
    paid_time: Seconds = 0
    rts_sla_time: Seconds = 0
    fast_rts_sla_time: Seconds = 0
    tts_sla_time: Seconds = 0
    fast_collection_sla_time: Seconds = 0
    pick_up_cut_off_time: Seconds = 0
    shipping_due_time: Seconds = 0
    collection_due_time: Seconds = 0
    delivery_due_time: Seconds = 0
    cancel_order_sla_time: Seconds = 0
    payment_method_name: str = ""
    payment: Payment = Payment()
    recipient_address: RecipientAddress = RecipientAddress()
    line_items: tuple[LineItem, ...] = ()


# --- cancellations ----------------------------------------------------------------------------------------------------


class NextAction(Wire):
    """What the seller may do next, and until when."""

    deadline: Seconds = 0


class Cancellation(Wire):
    """An element of `cancellations`."""

    cancel_id: Id
    order_id: Id
    cancel_type: str = ""
    cancel_status: str = ""
    cancel_reason_text: str = ""
    create_time: Seconds = 0
    seller_next_action_response: tuple[NextAction, ...] = ()


class Reason(Wire):
    """A reason by name."""

    name: Id
    text: str = ""


class Reasons(Wire):
    """`data` of reject_reasons."""

    reasons: tuple[Reason, ...] = ()


# --- fulfilment -------------------------------------------------------------------------------------------------------


class Package(Wire):
    """`data` of a package's detail."""

    package_id: str = ""
    package_status: str = ""
    shipping_type: str = ""
    shipping_provider_name: str = ""
    delivery_option_id: str = ""
    tracking_number: str = ""


class PickupSlot(Wire):
    """A window; the API really spells `avaliable`."""

    start_time: Seconds = 0
    end_time: Seconds = 0
    avaliable: bool | None = None
    available: bool | None = None


class HandoverSlots(Wire):
    """`data` of handover_time_slots."""

    can_pickup: bool = False
    can_drop_off: bool = False
    pickup_slots: tuple[PickupSlot, ...] = ()


class FailureDetail(Wire):
    """Which package of a call for several failed."""

    package_id: str = ""


class Failure(Wire):
    """An element of `errors` of a call for several."""

    code: int
    message: str = ""
    detail: FailureDetail = FailureDetail()


class Failures(Wire):
    """`data` of a call for several."""

    errors: tuple[Failure, ...] = ()


class Document(Wire):
    """`data` of shipping_documents."""

    doc_url: str = ""
    tracking_number: str = ""


class Scan(Wire):
    """An element of `tracking`."""

    description: str = ""
    update_time_millis: Annotated[int, Field(ge=0, lt=253_402_300_800_000)] = 0
    action_code: int | None = None


class Tracking(Wire):
    """`data` of tracking."""

    tracking: tuple[Scan, ...] = ()


class Provider(Wire):
    """A courier."""

    id: Id
    name: str = ""


class Providers(Wire):
    """`data` of shipping_providers."""

    shipping_providers: tuple[Provider, ...] = ()


class Warehouse(Wire):
    """A place goods leave from."""

    id: Id
    type: str = ""


class Warehouses(Wire):
    """`data` of warehouses."""

    warehouses: tuple[Warehouse, ...] = ()


class DeliveryOption(Wire):
    """A delivery option and where it is offered."""

    platform: tuple[str, ...] = ()


class DeliveryOptions(Wire):
    """`data` of delivery_options."""

    delivery_options: tuple[DeliveryOption, ...] = ()


# --- products ---------------------------------------------------------------------------------------------------------


class Price(Wire):
    """What a SKU costs."""

    sale_price: Money | None = None
    tax_exclusive_price: Money | None = None


class Inventory(Wire):
    """Stock at one warehouse."""

    warehouse_id: str = ""
    quantity: Annotated[int, Field(ge=0, lt=2**31)] = 0


class Attribute(Wire):
    """A sales attribute."""

    value_name: str = ""


class Sku(Wire):
    """A sellable variant."""

    id: Id
    seller_sku: str = ""
    price: Price = Price()
    inventory: tuple[Inventory, ...] = ()
    sales_attributes: tuple[Attribute, ...] = ()


class PlatformStatus(Wire):
    """Where else a product is listed."""

    platform: str = ""


class Product(Wire):
    """A product with its SKUs."""

    id: Id
    title: str = ""
    skus: tuple[Sku, ...] = ()
    integrated_platform_statuses: tuple[PlatformStatus, ...] = ()


class Products(Wire):
    """`data` of products/search."""

    products: tuple[Product, ...] = ()
    next_page_token: str = ""


# --- pushes -----------------------------------------------------------------------------------------------------------


class PushedPackage(Wire):
    """A package that was split or combined."""

    order_id_list: tuple[str, ...] = ()


class PushData(Wire):
    """`data` of a push, all types together."""

    order_id: str = ""
    tts_shop_id: str = ""
    update_time: Seconds = 0
    package_list: tuple[PushedPackage, ...] = ()


class Push(Wire):
    """The envelope of a push."""

    type: int
    shop_id: str = ""
    timestamp: Seconds = 0
    data: PushData = PushData()
