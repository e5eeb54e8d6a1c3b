"""What can be done with an order now, and why not. Pure.

The order desk shows it (`next_actions`), bulk actions skip by it (`refusal`): one rule for both.
"""

from collections.abc import Callable
from typing import Protocol

from app.core.context import Language

PICK_PACK_STEPS = ("pick_started", "picked", "packed", "handed_over")
_UNTOLD = ("add_tags", "remove_tags", "set_note")
"""Always possible: said with every order, that would be six per cent of a page."""

_UNDECIDED: dict[str | None, str] = {"requested": "cancellation_requested", "approved": "cancellation_confirming"}
"""An order whose buyer asks to cancel is not shipped, until the answer is no."""

TEXTS: dict[str, tuple[str, str]] = {
    "already_answered": ("The request was answered already.", "Permintaan ini sudah dijawab."),
    "already_done": ("This is done already.", "Sudah dikerjakan."),
    "already_in_progress": ("This is being done right now.", "Sedang dikerjakan."),
    "already_shipped": ("The parcel has left already.", "Paket sudah dikirim."),
    "cancellation_confirming": (
        "The cancellation is agreed. The channel is still confirming it.",
        "Pembatalan disetujui. Kanal masih mengonfirmasinya.",
    ),
    "cancellation_requested": (
        "The buyer asked to cancel. Answer the request first.",
        "Pembeli meminta pembatalan. Jawab permintaannya dahulu.",
    ),
    "channel_hold": ("The channel holds this order back.", "Kanal menahan pesanan ini."),
    "cooling": (
        "The order is younger than the shop's cooling window; it waits in case the buyer cancels.",
        "Pesanan masih dalam masa tunggu toko; menunggu bila pembeli membatalkan.",
    ),
    "fulfilled_by_channel": ("The channel ships this order itself.", "Pesanan ini dikirim oleh kanal."),
    "handled_by_booking": ("A booking already ships this order.", "Pesanan ini dikirim lewat booking."),
    "no_open_cancellation": (
        "The buyer has not asked to cancel this order.",
        "Pembeli tidak meminta pembatalan pesanan ini.",
    ),
    "not_arranged": ("Arrange the shipment first.", "Atur pengiriman dahulu."),
    "not_dispatched": ("Mark it as dispatched first.", "Tandai sebagai dikirim dahulu."),
    "not_needed": ("Not needed for this order.", "Tidak diperlukan untuk pesanan ini."),
    "not_ready": ("The order is not ready for this.", "Pesanan belum siap untuk ini."),
    "on_hold": ("The order is on hold. Release it first.", "Pesanan sedang ditahan. Lepaskan dahulu."),
    "order_cancelled": ("The order is cancelled.", "Pesanan sudah dibatalkan."),
    "order_closed": ("The order is completed.", "Pesanan sudah selesai."),
    "receive_first": ("Receive the order first.", "Terima pesanan dahulu."),
    "unpaid": ("The order is not paid yet.", "Pesanan belum dibayar."),
    "wrong_state": ("The order's state does not allow this.", "Status pesanan tidak mengizinkan ini."),
}


class OrderState(Protocol):
    """What the rules look at; an `OrderRow` is one."""

    @property
    def status(self) -> str: ...
    @property
    def stage(self) -> str | None: ...
    @property
    def cancellation(self) -> str | None: ...
    @property
    def is_held(self) -> bool: ...
    @property
    def channel_hold_reason(self) -> str | None: ...
    @property
    def not_shippable(self) -> str | None: ...
    @property
    def first_step(self) -> str: ...
    @property
    def is_own_courier(self) -> bool: ...
    @property
    def pick_pack(self) -> str | None: ...


def refusal(action: str, order: OrderState, *, is_ours: bool = False, is_cooling: bool = False) -> str | None:
    """Why `action` cannot be done with the order now; None when it can.

    `is_ours`: the asking operation itself is what is processing the order. `is_cooling`: the order is in the window
    that its shop respects.
    """
    code = _RULES[action](order)
    if code is None and is_cooling and action == "arrange_shipment":
        return "cooling"
    return None if is_ours and code == "already_in_progress" else code


def _receive(order: OrderState) -> str | None:
    if order.first_step == "none":
        return "not_needed"
    if order.status != "ordered":
        return {"unpaid": "unpaid", "cancelled": "order_cancelled"}.get(order.status, "already_done")
    return _obstacle(order)


def _arrange_shipment(order: OrderState) -> str | None:
    if order.status == "unpaid":
        return "unpaid"
    if order.status == "cancelled":
        return "order_cancelled"
    if order.status in ("on_delivery", "completed") or order.stage == "processed":
        return "already_done"
    obstacle = _obstacle(order)
    if obstacle is not None:
        return obstacle
    if order.status == "ordered" and order.first_step != "gate":
        return "receive_first"
    return "already_in_progress" if order.stage == "processing" else None


def _obstacle(order: OrderState) -> str | None:
    """What keeps an order back that waits for the merchant."""
    if order.cancellation in _UNDECIDED:
        return _UNDECIDED[order.cancellation]
    if order.is_held:
        return "on_hold"
    if order.channel_hold_reason is not None:
        return "channel_hold"
    return order.not_shippable


def _mark_dispatched(order: OrderState) -> str | None:
    if not order.is_own_courier:
        return "not_needed"
    if order.status in ("unpaid", "cancelled"):
        return {"unpaid": "unpaid"}.get(order.status, "order_cancelled")
    if order.status in ("on_delivery", "completed"):
        return "already_done"
    return _obstacle(order) or (None if order.stage == "processed" else "not_arranged")


def _mark_delivered(order: OrderState) -> str | None:
    if not order.is_own_courier:
        return "not_needed"
    if order.status == "completed":
        return "already_done"
    return None if order.status == "on_delivery" else _mark_dispatched(order) or "not_dispatched"


def _print_labels(order: OrderState) -> str | None:
    if order.status in ("unpaid", "ordered"):
        return {"unpaid": "unpaid"}.get(order.status, "not_arranged")
    if order.status in ("cancelled", "completed"):
        return {"cancelled": "order_cancelled"}.get(order.status, "order_closed")
    if order.status == "ready_to_ship" and order.cancellation in _UNDECIDED:
        return _UNDECIDED[order.cancellation]  # a label on the parcel is what sends it off
    if order.not_shippable is not None:
        return order.not_shippable
    # While it is being arranged the print job waits for number and label.
    return "not_arranged" if order.stage == "to_process" else None


def _print_papers(order: OrderState) -> str | None:
    return {"unpaid": "unpaid", "cancelled": "order_cancelled"}.get(order.status)


def _print_pick_list(order: OrderState) -> str | None:
    if order.status not in ("ordered", "ready_to_ship"):
        return {"unpaid": "unpaid", "cancelled": "order_cancelled"}.get(order.status, "already_shipped")
    return _obstacle(order)


def _answer_cancellation(order: OrderState) -> str | None:
    if order.status == "cancelled":
        return "order_cancelled"
    if order.cancellation == "requested":
        return None
    return "no_open_cancellation" if order.cancellation is None else "already_answered"


def _cancel(order: OrderState) -> str | None:
    if order.status == "cancelled":
        return "already_done"
    if order.status in ("on_delivery", "completed"):
        return "already_shipped"
    if order.cancellation in _UNDECIDED:
        return _UNDECIDED[order.cancellation]
    if order.not_shippable is not None:
        return order.not_shippable
    return "already_in_progress" if order.stage == "processing" else None


def _hold(order: OrderState) -> str | None:
    if order.is_held:
        return "already_done"
    if order.status in ("cancelled", "completed"):
        return {"cancelled": "order_cancelled"}.get(order.status, "order_closed")
    return "wrong_state" if order.status == "on_delivery" or order.stage == "processed" else None


def _release(order: OrderState) -> str | None:
    return None if order.is_held else "already_done"


def _always(order: OrderState) -> str | None:
    return None


def _pick_pack(order: OrderState, step: str) -> str | None:
    done = -1 if order.pick_pack is None else PICK_PACK_STEPS.index(order.pick_pack)
    wanted = PICK_PACK_STEPS.index(step)
    if wanted == done:
        return "already_done"
    if order.status in ("unpaid", "cancelled", "completed"):
        return {"unpaid": "unpaid", "cancelled": "order_cancelled"}.get(order.status, "order_closed")
    if order.cancellation == "requested" or order.is_held:
        return "cancellation_requested" if order.cancellation == "requested" else "on_hold"
    # Whoever has picked has begun to; the other steps are not left out.
    if wanted != done + 1 and not (step == "picked" and done == -1):
        return "wrong_state"
    if step == "handed_over" and order.status != "on_delivery" and order.stage != "processed":
        return "not_arranged"
    return "wrong_state" if step != "handed_over" and order.status == "on_delivery" else None


_RULES: dict[str, Callable[[OrderState], str | None]] = {
    "receive": _receive,
    "arrange_shipment": _arrange_shipment,
    "mark_dispatched": _mark_dispatched,
    "mark_delivered": _mark_delivered,
    "print_labels": _print_labels,
    "print_invoices": _print_papers,
    "print_packing_slips": _print_papers,
    "print_pick_list": _print_pick_list,
    "approve_cancellation": _answer_cancellation,
    "reject_cancellation": _answer_cancellation,
    "cancel": _cancel,
    "hold": _hold,
    "release": _release,
    "add_tags": _always,
    "remove_tags": _always,
    "set_note": _always,
    "sync": _always,
    "pick_started": lambda order: _pick_pack(order, "pick_started"),
    "picked": lambda order: _pick_pack(order, "picked"),
    "packed": lambda order: _pick_pack(order, "packed"),
    "handed_over": lambda order: _pick_pack(order, "handed_over"),
}


def next_actions(
    order: OrderState, language: Language, *, is_cooling: bool = False
) -> list[dict[str, str | bool | None]]:
    """Every action but tags and notes, with whether it is possible now; of picking and packing only the next step."""
    found: list[dict[str, str | bool | None]] = []
    done = -1 if order.pick_pack is None else PICK_PACK_STEPS.index(order.pick_pack)
    for action in _RULES:
        if action in _UNTOLD:
            continue
        if action in PICK_PACK_STEPS and PICK_PACK_STEPS.index(action) != done + 1:
            continue
        code = refusal(action, order, is_cooling=is_cooling)
        found.append({"action": action, "is_allowed": code is None, "code": code, "text": text_of(code, language)})
    return found


def text_of(code: str | None, language: Language) -> str | None:
    """The sentence for a refusal; None without one."""
    if code is None:
        return None
    english, indonesian = TEXTS.get(code, TEXTS["not_ready"])
    return indonesian if language == "id" else english
