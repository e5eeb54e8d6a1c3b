"""Shopee's JSON, spelled as Shopee spells it. Everything is optional unless an order is useless without it."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from app.channels.decoding import Wire

Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Quantity = Annotated[int, Field(ge=0, lt=2**31)]
Seconds = Annotated[int, Field(ge=0, lt=253_402_300_800)]
"""Unix seconds up to the year 9999; 0 = no value."""
Money = Annotated[Decimal, Field(gt=-(10**16), lt=10**16)]
"""Major units of the currency; 0 = no value."""


# --- authorisation ----------------------------------------------------------------------------------------------------


class TokenAnswer(Wire):
    """`auth/token/get`, `auth/access_token/get`: no `response` around it."""

    access_token: Annotated[str, Field(min_length=1)]
    refresh_token: Annotated[str, Field(min_length=1)]
    expire_in: Seconds
    shop_id_list: tuple[Int64, ...] = ()


class ShopInfo(Wire):
    """`shop/get_shop_info`: no `response` around it."""

    shop_name: str = ""
    region: str = ""
    status: str = ""
    expire_time: Seconds = 0


# --- orders -----------------------------------------------------------------------------------------------------------


class OrderListRow(Wire):
    """One row of `order/get_order_list`."""

    order_sn: Annotated[str, Field(min_length=1)]


class OrderList(Wire):
    """`response` of `order/get_order_list`."""

    more: bool = False
    next_cursor: str = ""
    order_list: tuple[OrderListRow, ...] = ()


class Address(Wire):
    """Recipient; parts may be masked with `*`."""

    name: str = ""
    phone: str = ""
    town: str = ""
    district: str = ""
    city: str = ""
    state: str = ""
    region: str = ""
    zipcode: str = ""
    full_address: str = ""


class OrderItem(Wire):
    """An element of an order's `item_list`. Prices are per unit, 0 for bundle deals."""

    item_id: Int64
    item_name: str = ""
    item_sku: str = ""
    model_id: Int64 = 0
    model_name: str = ""
    model_sku: str = ""
    model_quantity_purchased: Annotated[Quantity, Field(ge=1)]
    model_original_price: Money = Decimal(0)
    model_discounted_price: Money = Decimal(0)
    promotion_group_id: Int64 = 0
    line_item_id: Int64 = 0


class PackageItem(Wire):
    """An element of a package's `item_list`."""

    item_id: Int64
    model_id: Int64 = 0
    model_quantity: Quantity = 0
    promotion_group_id: Int64 = 0


class OrderPackage(Wire):
    """An element of an order's `package_list`: no tracking number, and no word on whether it is arranged."""

    package_number: str = ""
    logistics_status: str = ""
    shipping_carrier: str = ""
    item_list: tuple[PackageItem, ...] = ()


class OrderDetail(Wire):
    """An element of `order/get_order_detail`."""

    order_sn: Annotated[str, Field(min_length=1)]
    order_status: str
    currency: str = ""
    cod: bool = False
    total_amount: Money = Decimal(0)
    estimated_shipping_fee: Money = Decimal(0)
    actual_shipping_fee: Money = Decimal(0)
    reverse_shipping_fee: Money = Decimal(0)
    payment_method: str = ""
    create_time: Seconds
    update_time: Seconds
    pay_time: Seconds = 0
    ship_by_date: Seconds = 0
    buyer_username: str = ""
    message_to_seller: str = ""
    recipient_address: Address | None = None
    item_list: tuple[OrderItem, ...] = ()
    package_list: tuple[OrderPackage, ...] = ()
    pending_terms: tuple[str, ...] = ()
    pending_description: tuple[str, ...] = ()
    shipping_carrier: str = ""
    checkout_shipping_carrier: str = ""
    cancel_by: str = ""
    buyer_cancel_reason: str = ""
    dropshipper: str = ""
    fulfillment_flag: str = ""
    advance_package: bool = False


class PackageDetail(Wire):
    """An element of `order/get_package_detail`."""

    order_sn: str = ""
    package_number: Annotated[str, Field(min_length=1)]
    fulfillment_status: str = ""
    is_shipment_arranged: bool = False
    tracking_number: str = ""
    shipping_carrier: str = ""


# --- logistics --------------------------------------------------------------------------------------------------------


class TimeSlot(Wire):
    """A pickup window; `date` is the local day, `time_text` the hours where the carrier has some."""

    pickup_time_id: str = ""
    date: Seconds = 0
    time_text: str = ""


class PickupAddress(Wire):
    """An address of the shop with its windows."""

    address_id: Int64
    state: str = ""
    city: str = ""
    district: str = ""
    town: str = ""
    address: str = ""
    zipcode: str = ""
    address_flag: tuple[str, ...] = ()
    time_slot_list: tuple[TimeSlot, ...] = ()


class Branch(Wire):
    """A counter."""

    branch_id: Int64
    state: str = ""
    city: str = ""
    district: str = ""
    town: str = ""
    address: str = ""
    zipcode: str = ""


class PickupParameter(Wire):
    """`pickup` of the shipping parameter."""

    address_list: tuple[PickupAddress, ...] = ()


class DropoffParameter(Wire):
    """`dropoff` of the shipping parameter."""

    branch_list: tuple[Branch, ...] = ()


class InfoNeeded(Wire):
    """Methods offered and the parameters each needs: absent = not offered, empty = needs nothing."""

    pickup: tuple[str, ...] | None = None
    dropoff: tuple[str, ...] | None = None
    non_integrated: tuple[str, ...] | None = None


class ShippingParameter(Wire):
    """`response` of `logistics/get_shipping_parameter`."""

    info_needed: InfoNeeded = InfoNeeded()
    pickup: PickupParameter = PickupParameter()
    dropoff: DropoffParameter = DropoffParameter()


class DocumentResult(Wire):
    """An element of `result_list` of the document calls."""

    order_sn: str = ""
    package_number: str = ""
    status: str = ""
    fail_error: str = ""
    fail_message: str = ""
    suggest_shipping_document_type: str = ""
    selectable_shipping_document_type: tuple[str, ...] = ()


class DocumentResults(Wire):
    """`response` of the document calls."""

    result_list: tuple[DocumentResult, ...] = ()


class TrackingScan(Wire):
    """An element of `tracking_info`."""

    update_time: Seconds
    description: str = ""
    logistics_status: str = ""


class TrackingInfo(Wire):
    """`response` of `logistics/get_tracking_info`."""

    tracking_info: tuple[TrackingScan, ...] = ()


# --- products ---------------------------------------------------------------------------------------------------------


class ItemListRow(Wire):
    """One row of `product/get_item_list`."""

    item_id: Int64


class ItemList(Wire):
    """`response` of `product/get_item_list`."""

    item: tuple[ItemListRow, ...] = ()
    has_next_page: bool = False
    next_offset: Int64 = 0


class Price(Wire):
    """An element of `price_info`."""

    current_price: Money = Decimal(0)


class StockRow(Wire):
    """Stock at one location."""

    stock: Int64 = 0


class StockInfo(Wire):
    """`stock_info_v2`; ours to set is `seller_stock`."""

    seller_stock: tuple[StockRow, ...] = ()


class ItemInfo(Wire):
    """An element of `product/get_item_base_info`; price and stock are missing when it has models."""

    item_id: Int64
    item_name: str = ""
    item_sku: str = ""
    has_model: bool = False
    price_info: tuple[Price, ...] = ()
    stock_info_v2: StockInfo = StockInfo()


class ItemInfos(Wire):
    """`response` of `product/get_item_base_info`."""

    item_list: tuple[ItemInfo, ...] = ()


class VariationOption(Wire):
    """One value of a variation."""

    option: str = ""


class Variation(Wire):
    """A dimension such as colour."""

    option_list: tuple[VariationOption, ...] = ()


class Model(Wire):
    """One sellable variation of an item."""

    model_id: Int64
    model_sku: str = ""
    tier_index: tuple[int, ...] = ()
    price_info: tuple[Price, ...] = ()
    stock_info_v2: StockInfo = StockInfo()


class ModelList(Wire):
    """`response` of `product/get_model_list`."""

    tier_variation: tuple[Variation, ...] = ()
    model: tuple[Model, ...] = ()


class MassResult(Wire):
    """An element of `success_list` or `fail_list` of `logistics/mass_ship_order`."""

    package_number: str = ""
    fail_reason: str = ""


class MassShipped(Wire):
    """`response` of `logistics/mass_ship_order`."""

    success_list: tuple[MassResult, ...] = ()
    fail_list: tuple[MassResult, ...] = ()


class StockFailure(Wire):
    """An element of `failure_list` of `product/update_stock`."""

    model_id: Int64 = 0
    failed_reason: str = ""


class StockAnswer(Wire):
    """`response` of `product/update_stock`."""

    failure_list: tuple[StockFailure, ...] = ()


# --- pushes -----------------------------------------------------------------------------------------------------------


class PushContent(Wire):
    """`data` of a push, all codes together; both spellings of every id occur."""

    ordersn: str = ""
    order_sn: str = ""
    shop_id: Int64 = 0
    shopid: Int64 = 0
    shop_id_list: tuple[Int64, ...] = ()
    extra: str = ""
    verify_info: str = ""


class Push(Wire):
    """A push."""

    code: Int64
    shop_id: Int64 = 0
    timestamp: Seconds = 0
    data: PushContent = PushContent()
