"""Worker entry points of fulfilment."""

from app.fulfilment import arranging, holding, printing, printing_invoices, printing_packs
from app.work.context import Handler

JOBS: dict[str, Handler] = {
    "fulfilment.arrange_shipment": arranging.run_chunk,
    "fulfilment.hold": holding.run_hold_chunk,
    "fulfilment.release": holding.run_release_chunk,
    "fulfilment.print_labels": printing.run_label_chunk,
    "fulfilment.print_invoices": printing_invoices.run_invoice_chunk,
    printing_packs.KIND: printing_packs.build_pack,
}
