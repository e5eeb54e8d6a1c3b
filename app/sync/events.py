"""What reading an order again can end in, beyond what the reading itself tells."""

from typing import Final

from app.journal.catalogue import Event, Facts, Nothing


class ReadFailure(Facts):
    """Why an order could not be read."""

    code: str


SYNC_FAILED: Final = Event(
    "order.sync_failed",
    Nothing,
    ReadFailure,
    "The order could not be read at its channel",
    "Pesanan gagal dibaca di kanalnya",
    "{code}",
    succeeded=False,
)
