"""What happened to an order, as people read it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import Language
from app.core.ids import Prefixed
from app.journal.models import JournalRow
from app.orders import repository
from app.orders.schemas import EntryActor, HistoryEntry

_ACTORS = {"user": Prefixed("usr"), "api_key": Prefixed("key")}

TEXTS: dict[str, tuple[str, str]] = {
    "order.imported": ("Order imported.", "Pesanan diimpor."),
    "order.received": ("Order received ({by}).", "Pesanan diterima ({by})."),
    "order.receive_failed": ("The order could not be received: {code}.", "Pesanan gagal diterima: {code}."),
    "order.receive_unknown": (
        "The channel did not say whether the order is received; it is being read back.",
        "Kanal tidak memastikan pesanan sudah diterima; sedang dibaca ulang.",
    ),
    "shipment.dispatched": ("The parcel left.", "Paket dikirim."),
    "shipment.delivered": ("The parcel arrived.", "Paket sampai."),
    "order.status_changed": (
        "Status changed: {from_state} → {to_state}.",
        "Status berubah: {from_state} → {to_state}.",
    ),
    "order.cancellation_requested": ("The buyer asked to cancel: {reason}.", "Pembeli meminta pembatalan: {reason}."),
    "order.cancellation_closed": ("The cancellation request ended.", "Permintaan pembatalan berakhir."),
    "cancellation.approved": ("The cancellation request was approved.", "Permintaan pembatalan disetujui."),
    "cancellation.rejected": ("The cancellation request was rejected.", "Permintaan pembatalan ditolak."),
    "cancellation.answer_failed": (
        "The answer to the cancellation request failed: {code}.",
        "Jawaban atas permintaan pembatalan gagal: {code}.",
    ),
    "cancellation.answer_unknown": (
        "The channel did not say whether it took the answer; it is being read back.",
        "Kanal tidak memastikan jawabannya diterima; sedang dibaca ulang.",
    ),
    "order.cancel_accepted": ("The channel took the cancellation: {reason}.", "Kanal menerima pembatalan: {reason}."),
    "order.cancel_failed": ("The order could not be cancelled: {code}.", "Pesanan gagal dibatalkan: {code}."),
    "order.cancel_unknown": (
        "The channel did not say whether the order is cancelled; it is being read back.",
        "Kanal tidak memastikan pesanan dibatalkan; sedang dibaca ulang.",
    ),
    "order.cancelled": ("Order cancelled.", "Pesanan dibatalkan."),
    "order.edited": ("The channel changed the order: {changed}.", "Kanal mengubah pesanan: {changed}."),
    "order.held": ("Put on hold: {hold}.", "Ditahan: {hold}."),
    "order.released": ("Released.", "Dilepaskan."),
    "order.changed": ("Changed: {changed}.", "Diubah: {changed}."),
    "package.tracking_number_assigned": (
        "Package {package_number} got the tracking number {tracking_number}.",
        "Paket {package_number} mendapat nomor resi {tracking_number}.",
    ),
    "shipment.arranged": ("Shipment arranged ({handover}).", "Pengiriman diatur ({handover})."),
    "shipment.arrange_failed": ("The shipment could not be arranged: {code}.", "Pengiriman gagal diatur: {code}."),
    "shipment.arrange_unknown": (
        "The channel did not say whether the shipment is arranged; it is being read back.",
        "Kanal tidak memastikan pengiriman sudah diatur; sedang dibaca ulang.",
    ),
    "shipment.taken_back": (
        "The channel took the arranged shipment of package {package_number} back.",
        "Kanal membatalkan pengaturan pengiriman paket {package_number}.",
    ),
    "label.printed": ("Label printed.", "Label dicetak."),
    "label.reprinted": ("Label printed again.", "Label dicetak ulang."),
    "pick_list.printed": ("On a pick list.", "Masuk daftar ambil."),
    "invoice.printed": ("Invoice printed.", "Faktur dicetak."),
    "packing_slip.printed": ("Packing slip printed.", "Slip pengemasan dicetak."),
    "stock.oversold": ("Oversold: {short} pieces of {sku} are missing.", "Stok kurang: {short} buah {sku}."),
    "parcel.to_stop": (
        "The label was printed before the cancellation: pull the parcel out.",
        "Label dicetak sebelum pembatalan: keluarkan paketnya.",
    ),
    "parcel.stopped": ("The parcel was pulled out.", "Paket sudah dikeluarkan."),
    "pick_pack.pick_started": ("Picking started.", "Pengambilan barang dimulai."),
    "pick_pack.picked": ("Picked.", "Barang diambil."),
    "pick_pack.packed": ("Packed.", "Barang dikemas."),
    "pick_pack.handed_over": ("Handed over to the courier.", "Diserahkan ke kurir."),
}


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "–"


def describe(type: str, before: Mapping[str, Any], after: Mapping[str, Any], language: Language) -> str:
    """The entry as a sentence. A type without one speaks for itself."""
    english, indonesian = TEXTS.get(type, (type, type))
    code = after.get("code")
    params = _Lenient(
        {name: value for name, value in after.items() if value is not None},
        from_state=_state(before),
        to_state=_state(after),
        changed=", ".join(after),
    )
    if isinstance(code, str):
        params["code"] = code.replace("_", " ")
    return (indonesian if language == "id" else english).format_map(params)


def _state(side: Mapping[str, Any]) -> str:
    return "/".join(str(side[name]) for name in ("status", "stage") if side.get(name)) or "–"


async def list_entries(
    session: AsyncSession,
    merchant_id: UUID,
    order_id: UUID,
    *,
    kind: str,
    limit: int,
    before: tuple[datetime, UUID] | None,
) -> Sequence[JournalRow]:
    """Entries of the order, newest first. Raises OrderNotFound."""
    await repository.get_order(session, merchant_id, order_id)
    return await repository.list_history(session, merchant_id, order_id, kind=kind, limit=limit, before=before)


def to_entry(row: JournalRow, language: Language) -> HistoryEntry:
    """An entry as callers see it."""
    prefix = _ACTORS.get(row.actor_type)
    actor_id = prefix.format(row.actor_id) if prefix is not None and row.actor_id is not None else None
    return HistoryEntry(
        id=row.id,
        at=row.at,
        kind=row.kind,
        type=row.type,
        actor=EntryActor(type=row.actor_type, id=actor_id, name=row.actor_name),
        before=row.before,
        after=row.after,
        text=describe(row.type, row.before, row.after, language),
        request_id=row.request_id,
        channel_reference=row.channel_reference or None,
        succeeded=row.succeeded,
    )
