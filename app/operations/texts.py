"""What each item code means to a person, in English and Indonesian. Codes are API and never change."""

from typing import Any

from app.core.context import Language
from app.orders import actions

TEXTS: dict[str, tuple[str, str]] = {
    **actions.TEXTS,
    "address_invalid": (
        "The channel does not accept the pickup address. Mend it in the seller centre.",
        "Kanal menolak alamat penjemputan. Perbaiki di pusat penjual.",
    ),
    "already_done": ("This was already done.", "Sudah dikerjakan sebelumnya."),
    "already_in_progress": (
        "Another operation is doing this right now.",
        "Operasi lain sedang mengerjakannya.",
    ),
    "branch_unavailable": ("This drop-off branch is not offered.", "Cabang drop-off ini tidak tersedia."),
    "channel_unavailable": ("The channel cannot be reached right now.", "Kanal sedang tidak dapat dihubungi."),
    "effect_unknown": (
        "The channel did not say whether it worked. We are reading it back; nothing is sent twice.",
        "Kanal tidak memastikan hasilnya. Kami membaca ulang; tidak ada yang dikirim dua kali.",
    ),
    "handover_not_offered": (
        "The channel does not offer this way of handing over for this order.",
        "Kanal tidak menawarkan cara serah terima ini untuk pesanan ini.",
    ),
    "handed_over": (
        "The courier has the parcel already; the channel makes no label any more.",
        "Paket sudah di kurir; kanal tidak lagi membuat label.",
    ),
    "imported_failed": ("The order could not be read: {reason}", "Pesanan tidak dapat dibaca: {reason}"),
    "internal_error": ("Something went wrong on our side.", "Terjadi kesalahan di sisi kami."),
    "invalid_tracking_number": ("The channel refuses this tracking number.", "Kanal menolak nomor resi ini."),
    "label_invalid": ("The channel sent a broken label.", "Kanal mengirim label yang rusak."),
    "label_not_ready": (
        "The label was not ready in time. Try again in a moment.",
        "Label belum siap. Coba lagi sebentar lagi.",
    ),
    "label_refused": ("The channel refuses to print this label.", "Kanal menolak mencetak label ini."),
    "missing_parameter": ("The channel asks for more: {reason}", "Kanal meminta data tambahan: {reason}"),
    "needs_reauth": ("Connect the shop again first.", "Hubungkan ulang toko dahulu."),
    "not_found": ("There is no such order.", "Pesanan tidak ditemukan."),
    "not_supported": ("This channel cannot do that.", "Kanal ini tidak mendukungnya."),
    "on_hold": ("The order is on hold: {reason}", "Pesanan ditahan: {reason}"),
    "operation_cancelled": (
        "The operation was cancelled before this order.",
        "Operasi dibatalkan sebelum pesanan ini.",
    ),
    "order_closed": ("The order is already closed.", "Pesanan sudah selesai."),
    "packages_changed": (
        "The packages of this order changed meanwhile. Look at it and try again.",
        "Paket pesanan ini berubah. Periksa lalu coba lagi.",
    ),
    "paper_lost": ("A stored file was lost. Print again.", "Berkas tersimpan hilang. Cetak ulang."),
    "plan_stale": ("The order changed after the plan was made.", "Pesanan berubah setelah rencana dibuat."),
    "reason_not_accepted": (
        "This channel does not know the reason; its own are in `cancellation-reasons`.",
        "Kanal ini tidak mengenal alasan tersebut; lihat `cancellation-reasons`.",
    ),
    "rejected_by_channel": ("The channel refused: {reason}", "Kanal menolak: {reason}"),
    "shop_disconnected": ("The shop is not connected any more.", "Toko tidak lagi terhubung."),
    "slot_unavailable": (
        "This pickup time is not offered any more. Choose another.",
        "Waktu penjemputan ini sudah tidak tersedia. Pilih yang lain.",
    ),
    "storage_full": (
        "The document store cannot be written: it is full or read-only.",
        "Penyimpanan dokumen tidak dapat ditulis: penuh atau hanya-baca.",
    ),
    "too_many_tags": (
        "An order can have 20 tags; this one would have more. None was added.",
        "Satu pesanan dapat memiliki 20 tag; yang ini akan lebih. Tidak ada yang ditambahkan.",
    ),
}


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "–"


def text_of(code: str | None, language: Language, params: dict[str, Any] | None = None) -> str | None:
    """The sentence for a code; None without a code."""
    if code is None:
        return None
    english, indonesian = TEXTS[code] if code in TEXTS else (code.replace("_", " "), code.replace("_", " "))
    return (indonesian if language == "id" else english).format_map(_Lenient(params or {}))
