"""The tree of errors a caller can be told about. `core/problems.py` turns them into problem+json."""

from typing import Any, ClassVar

from app.core.context import Language


class DomainError(Exception):
    """Something a caller can react to. Subclasses fix `code`, `title` and the text in both languages.

    `params` fill the placeholders of the text; `pointer` or `parameter` names the field at fault.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    en: ClassVar[str] = "Something went wrong on our side."
    id: ClassVar[str] = "Terjadi kesalahan di sisi kami."
    retryable: ClassVar[bool] = False
    retry_after_seconds: ClassVar[int | None] = None

    def __init__(
        self, *, pointer: str | None = None, parameter: str | None = None, header: str | None = None, **params: Any
    ) -> None:
        super().__init__(self.code)
        self.pointer = pointer
        self.parameter = parameter
        self.header = header
        self.params = params

    def text(self, language: Language = "en") -> str:
        """One or two sentences: what is wrong and how to mend it."""
        return (self.id if language == "id" else self.en).format(**self.params)

    def __str__(self) -> str:
        return f"{self.code}: {self.text()}"


class Invalid(DomainError):
    """The request is wrong."""

    status = 422
    code = "validation_failed"
    title = "Invalid request"
    en = "{detail}"
    id = "{detail}"


class BadRequest(DomainError):
    """The request cannot be understood."""

    status = 400
    code = "bad_request"
    title = "Bad request"


class Unauthenticated(DomainError):
    """No credential, or one that is malformed, expired or revoked."""

    status = 401
    code = "unauthenticated"
    title = "Not signed in"
    en = "Send a valid access token or API key as `Authorization: Bearer …`."
    id = "Kirim token akses atau kunci API yang sah sebagai `Authorization: Bearer …`."


class NotPermitted(DomainError):
    """Signed in, but this role or key may not do it."""

    status = 403
    code = "forbidden"
    title = "Not permitted"
    en = "This needs the scope `{scope}`, which your role or key does not have."
    id = "Tindakan ini memerlukan izin `{scope}` yang tidak dimiliki peran atau kunci Anda."


class NotFound(DomainError):
    """Absent or another merchant's: the two are never told apart."""

    status = 404
    code = "not_found"
    title = "Not found"
    en = "There is nothing here under this id."
    id = "Tidak ada data dengan id ini."


class Conflict(DomainError):
    """The state of the thing does not allow it now."""

    status = 409
    code = "invalid_state"
    title = "Not possible in this state"
    en = "{detail}"
    id = "{detail}"


class Unavailable(DomainError):
    """A server we need is away; nothing was stored."""

    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"
    en = "The service cannot reach its database right now. Nothing was stored; try again."
    id = "Layanan sedang tidak dapat menjangkau basis data. Tidak ada yang tersimpan; coba lagi."
    retryable = True
    retry_after_seconds = 2


class RangeInvalid(Invalid):
    """A time range that is reversed, too long or not a time."""

    code = "invalid_range"
    title = "Invalid time range"
    en = "{detail}"
    id = "{detail}"


class CursorMismatch(BadRequest):
    """A cursor that was not issued for this list, filter, sort or merchant."""

    code = "cursor_mismatch"
    title = "Cursor does not fit"
    en = "This cursor was issued for another list, filter or sort. Start again without `cursor`."
    id = "Kursor ini dibuat untuk daftar, filter, atau urutan lain. Mulai lagi tanpa `cursor`."
