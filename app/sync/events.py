"""What reading an order again can end in, beyond what the reading itself tells."""

from typing import Final

from pydantic import Field

from app.journal.catalogue import Event, Facts, Nothing


class ReadFailure(Facts):
    """Why an order could not be read."""

    code: str


class Healing(Facts):
    """How an order came in that pushes and polls had left out."""

    source: str = Field(description="`completeness`: the comparison with the channel's list.")
    was: str = Field(description="`missing` or `outdated`.")


HEALED: Final = Event(
    "order.healed",
    Nothing,
    Healing,
    "Found by the comparison with the channel",
    "Ditemukan saat pencocokan dengan kanal",
    "{was}",
)
SYNC_FAILED: Final = Event(
    "order.sync_failed",
    Nothing,
    ReadFailure,
    "The order could not be read at its channel",
    "Pesanan gagal dibaca di kanalnya",
    "{code}",
    succeeded=False,
)
