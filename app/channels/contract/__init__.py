"""What a connector offers. Each ability is a small protocol, asked for with isinstance.

ChannelFacts says what a channel is like.

All times are aware UTC instants, all money Decimal in major units. Every method that talks to a channel raises
ChannelError only. Connectors keep no state between calls and never touch the database.
"""

from app.channels.contract.authorisation import (
    Authorises,
    ChannelAccount,
    ChannelShop,
    ConsentStart,
    FindsStores,
    GrantedCredential,
    ShopAccess,
    Tokens,
)
from app.channels.contract.cancelling import (
    CancellationReason,
    Cancels,
    Decision,
    OrderToCancel,
)
from app.channels.contract.connector import (
    Connector,
    Connectors,
)
from app.channels.contract.facts import (
    CancellationState,
    ChannelFacts,
    HandoverMethod,
    OrderStatus,
    PackageStatus,
    Rate,
)
from app.channels.contract.orders import (
    ChannelAmount,
    ChannelCancellation,
    ChannelLine,
    ChannelOrder,
    ChannelPackage,
    FindsOrders,
    OrderListPage,
    OrdersReading,
    ReadsOrders,
    Recipient,
    UnreadableOrder,
)
from app.channels.contract.papers import (
    LabelStatus,
    PrintsLabels,
    TrackingEvent,
    Tracks,
)
from app.channels.contract.pushes import (
    PushMessage,
    PushRequest,
    SendsPushes,
    SubscribesPushes,
)
from app.channels.contract.shipping import (
    ArrangesInBatches,
    ArrangesShipments,
    Branch,
    Handover,
    MarksDelivery,
    Outcomes,
    PackageRef,
    PickupAddress,
    Receives,
    ShipmentReading,
    ShipmentState,
    ShippingMethod,
    ShippingOptions,
    Slot,
)
from app.channels.contract.stock import (
    ChannelListing,
    KeepsStock,
    ListingPage,
)

__all__ = [
    "ArrangesInBatches",
    "ArrangesShipments",
    "Authorises",
    "Branch",
    "CancellationReason",
    "CancellationState",
    "Cancels",
    "ChannelAccount",
    "ChannelAmount",
    "ChannelCancellation",
    "ChannelFacts",
    "ChannelLine",
    "ChannelListing",
    "ChannelOrder",
    "ChannelPackage",
    "ChannelShop",
    "Connector",
    "Connectors",
    "ConsentStart",
    "Decision",
    "FindsOrders",
    "FindsStores",
    "GrantedCredential",
    "Handover",
    "HandoverMethod",
    "KeepsStock",
    "LabelStatus",
    "ListingPage",
    "MarksDelivery",
    "OrderListPage",
    "OrderStatus",
    "OrderToCancel",
    "OrdersReading",
    "Outcomes",
    "PackageRef",
    "PackageStatus",
    "PickupAddress",
    "PrintsLabels",
    "PushMessage",
    "PushRequest",
    "Rate",
    "ReadsOrders",
    "Receives",
    "Recipient",
    "SendsPushes",
    "ShipmentReading",
    "ShipmentState",
    "ShippingMethod",
    "ShippingOptions",
    "ShopAccess",
    "Slot",
    "SubscribesPushes",
    "Tokens",
    "TrackingEvent",
    "Tracks",
    "UnreadableOrder",
]
