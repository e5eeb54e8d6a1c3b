"""What can be wrong with who is calling, and with users and keys."""

from app.core.errors import Conflict, DomainError, Invalid, NotFound, Unauthenticated


class CredentialsInvalid(Unauthenticated):
    """Unknown e-mail, wrong password and disabled user look the same."""

    code = "invalid_credentials"
    title = "Wrong e-mail or password"
    en = "No active user has this e-mail and password."
    id = "Tidak ada pengguna aktif dengan email dan kata sandi ini."


class RefreshTokenInvalid(Unauthenticated):
    """Unknown, expired, revoked, or used before."""

    code = "invalid_refresh_token"
    title = "Refresh token not valid"
    en = "This refresh token is unknown, expired, or was used before. Log in again."
    id = "Token penyegar ini tidak dikenal, kedaluwarsa, atau sudah pernah dipakai. Silakan masuk kembali."


class TooManyLogins(DomainError):
    """Too many wrong passwords for one account from one address."""

    status = 429
    code = "rate_limited"
    title = "Too many attempts"
    en = "Too many failed logins for this account. Try again in 15 minutes."
    id = "Terlalu banyak percobaan masuk yang gagal untuk akun ini. Coba lagi dalam 15 menit."
    retryable = True
    retry_after_seconds = 900


class UserNotFound(NotFound):
    """No such user of this merchant."""


class ApiKeyNotFound(NotFound):
    """No such key of this merchant."""


class EmailTaken(Conflict):
    """An e-mail address logs in one user of one merchant."""

    code = "email_taken"
    title = "E-mail already in use"
    en = "A user with this e-mail address exists already."
    id = "Pengguna dengan alamat email ini sudah ada."


class LastOwner(Conflict):
    """Somebody must be able to manage users."""

    code = "last_owner"
    title = "Last owner"
    en = "This is the merchant's last active owner. Make somebody else an owner first."
    id = "Ini pemilik aktif terakhir. Jadikan orang lain sebagai pemilik lebih dahulu."


class PasswordRefused(Invalid):
    """Too easy to guess."""

    code = "password_refused"
    title = "Password too easy to guess"
    en = "This password is too easy to guess. Take 12 characters or more, nothing common, not your e-mail address."
    id = (
        "Kata sandi ini terlalu mudah ditebak. Gunakan minimal 12 karakter yang tidak umum dan bukan alamat email Anda."
    )


class ScopeNotHeld(Invalid):
    """A key cannot do more than its maker."""

    code = "scope_not_held"
    title = "Scope not held"
    en = "You cannot grant what you may not do yourself: {scopes}."
    id = "Anda tidak dapat memberikan izin yang tidak Anda miliki: {scopes}."


class ExpiryInPast(Invalid):
    """A key that would be born expired."""

    en = "`expires_at` must be in the future."
    id = "`expires_at` harus di masa depan."
