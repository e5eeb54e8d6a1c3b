"""What can be wrong with a request for an operation."""

from app.core.errors import BadRequest, Conflict, DomainError, Invalid


class IdempotencyKeyRequired(BadRequest):
    """Everything that answers 202 must be safe to send twice."""

    code = "idempotency_key_required"
    title = "Idempotency-Key required"
    en = "Send an `Idempotency-Key` header of 1 to 255 printable characters, so that a repeat is not done twice."
    id = "Kirim header `Idempotency-Key` sepanjang 1–255 karakter agar pengulangan tidak dikerjakan dua kali."


class IdempotencyKeyInvalid(Invalid):
    """Too long or not printable."""

    en = "`Idempotency-Key` must be 1 to 255 printable ASCII characters."
    id = "`Idempotency-Key` harus 1–255 karakter ASCII yang dapat dicetak."


class IdempotencyKeyReused(Invalid):
    """The key already stands for another request."""

    code = "idempotency_key_reused"
    title = "Idempotency-Key reused"
    en = "This key was used for another request. Use a new key for a new request."
    id = "Kunci ini sudah dipakai untuk permintaan lain. Gunakan kunci baru untuk permintaan baru."


class TooManyOperations(DomainError):
    """The merchant has too much unfinished work."""

    status = 429
    code = "too_many_operations"
    title = "Too many unfinished operations"
    en = "{count} operations are still running. Wait for some to end."
    id = "{count} operasi masih berjalan. Tunggu sampai sebagian selesai."
    retryable = True
    retry_after_seconds = 10


class OperationStateInvalid(Conflict):
    """Cancelled when done, retried while running, applied without a plan."""

    en = "An operation that is `{state}` cannot be {wish}."
    id = "Operasi berstatus `{state}` tidak dapat di-{wish}."
