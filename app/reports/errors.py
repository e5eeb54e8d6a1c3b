"""What reports refuse."""

from app.core.errors import Unavailable


class TooManyExports(Unavailable):
    """Every export holds a snapshot and a connection; pages must not wait for them."""

    en = "Other exports are running. Try again in a moment."
    id = "Ekspor lain sedang berjalan. Coba lagi sebentar lagi."
    retry_after_seconds = 10
