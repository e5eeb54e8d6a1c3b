"""The journal types that reading an order can cause: a closed catalogue, part of the API."""

from typing import Final

IMPORTED: Final = "order.imported"
RECEIVED: Final = "order.received"
STATUS_CHANGED: Final = "order.status_changed"
CANCELLATION_REQUESTED: Final = "order.cancellation_requested"
CANCELLATION_CLOSED: Final = "order.cancellation_closed"
CANCELLED: Final = "order.cancelled"
EDITED: Final = "order.edited"
TRACKING_NUMBER_ASSIGNED: Final = "package.tracking_number_assigned"
TAKEN_BACK: Final = "shipment.taken_back"

PARCEL_TO_STOP: Final = "parcel.to_stop"
PARCEL_STOPPED: Final = "parcel.stopped"

# What people do at the order desk.
HELD: Final = "order.held"
RELEASED: Final = "order.released"
CHANGED: Final = "order.changed"
