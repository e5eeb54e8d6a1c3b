"""Worker entry points of fulfilment."""

from app.fulfilment import (
    arranging,
    auto_receiving,
    cancelling,
    changing,
    dispatching,
    printing,
    printing_packs,
    printing_papers,
    printing_pick_lists,
    receiving,
)
from app.work.context import Duty, Handler

JOBS: dict[str, Handler] = {
    "fulfilment.arrange_shipment": arranging.run_chunk,
    "fulfilment.receive": receiving.run_chunk,
    "fulfilment.mark_dispatched": dispatching.run_dispatch_chunk,
    "fulfilment.mark_delivered": dispatching.run_delivery_chunk,
    "fulfilment.handed_over": dispatching.run_handed_over,
    "fulfilment.cancel": cancelling.run_cancel_chunk,
    "fulfilment.approve_cancellation": cancelling.run_approve_chunk,
    "fulfilment.reject_cancellation": cancelling.run_reject_chunk,
    **{f"fulfilment.{action}": changing.run_chunk for action in changing.ACTIONS},
    "fulfilment.print_labels": printing.run_label_chunk,
    "fulfilment.print_invoices": printing_papers.run_chunk,
    "fulfilment.print_packing_slips": printing_papers.run_chunk,
    "fulfilment.print_pick_list": printing_pick_lists.run_chunk,
    printing_pick_lists.KIND: printing_pick_lists.build,
    printing_packs.KIND: printing_packs.build_pack,
}
DUTIES: dict[str, Duty] = {"fulfilment.auto_receive": Duty(every_seconds=15, run=auto_receiving.receive_due)}
