"""Lazada's error codes in our closed set of errors. A code nobody listed never proves that a write had no effect."""

import re

from app.channels.errors import AlreadyDone, ChannelError, Rejected, Throttled, Unauthorized, Unavailable, Unknown

PAUSE_SECONDS = 1.5
LATER_SECONDS = 60.0
_BAN = re.compile(r"last (\d+)\s*(?:more )?seconds?", re.IGNORECASE)
_DEAD_TOKENS = {"IllegalAccessToken", "InvalidAccessToken"}
_CONSENT_OVER = {"IllegalRefreshToken", "AUTH_TYPE_UNSUPPORTED"}
_PACE = {"901", "E1002", "1002"}
_BUSY = {"ServiceTimeout", "6", "E006", "1000", "ServiceUnavailable", "513", "106"}
_SWITCHED_OFF = "998"
_NOTHING_TO_DECIDE = "131"
_NO_EFFECT = {
    "MissingParameter", "MISSING_PARAMETER", "IncompleteSignature", "InvalidCode", "IllegalTimestamp", "InvalidAppKey",
    "InsufficientPermission", "InvalidApiPath", "AppWhiteIpLimit", "UnsupportedHTTPMethod", "SellerNotVerified",
    "SellerNotActive", "Mp3SellerApiLimit", "14", "17", "18", "19", "36", "74", "75", "97", "37", "38", "39", "56", "5",
    "30", "E030", "204", "4171", "501", "212", "4170", "4225", "200", "207", "208", "EDIT_ITEM_NOT_BELONG_SELLER",
    "SELLER_NOT_PERMITTED", "102", "104", "115", "116", "122", "123", "124", "105",
}  # fmt: skip
_NOT_FOUND = {"16", "20", "700020", "700021", "700025", "600001"}
_PACKAGE_MEANINGS = {
    "600001": "packages_changed",
    "600002": "order_cancelled",
    "700001": "handover_not_offered",
    "700016": "handover_not_offered",
    "700023": "fulfilled_by_channel",
    "700028": "fulfilled_by_channel",
    "700027": "fulfilled_by_channel",
    "700030": "fulfilled_by_channel",
    "700021": "not_found",
    "700025": "not_found",
    "700020": "not_found",
}
_READ_BACK = {"700000", "700026"}
"""The state does not allow it: done before, or not to be done at all. Only a read tells."""
_PACKAGE_LATER = {"700024", "700031"}
_PACKAGE_NO_EFFECT = {
    "700004", "700017", "700018", "700019", "700009", "700013", "700022", "700029", "700032", "700033",
}  # fmt: skip


def explain(code: str, message: str, *, is_write: bool) -> ChannelError:
    """The error that a gateway code stands for."""
    if code.endswith("CallLimit") or code in _PACE or code == _SWITCHED_OFF:
        pause = LATER_SECONDS if code == _SWITCHED_OFF else PAUSE_SECONDS if code in _PACE else _ban_of(message)
        return Throttled(code, message, retry_after=pause)
    if code in _DEAD_TOKENS or code in _CONSENT_OVER:
        return Unauthorized(code, message, is_final=code in _CONSENT_OVER)
    if code == _NOTHING_TO_DECIDE:
        return AlreadyDone(code, message)
    if code in _NOT_FOUND:
        return Rejected(code, message, meaning="not_found")
    if code in _NO_EFFECT or (not is_write and code not in _BUSY):
        return Rejected(code, message)
    return Unknown(code, message) if is_write else Unavailable(code, message)


def explain_package(code: str, message: str) -> ChannelError | None:
    """What `item_err_code` says about one package or item; None is success."""
    if code == "0":
        return None
    if code in _READ_BACK:
        return AlreadyDone(code, message)
    if code in _PACKAGE_MEANINGS:
        return Rejected(code, message, meaning=_PACKAGE_MEANINGS[code])
    if code in _PACKAGE_LATER:
        return Throttled(code, message, retry_after=PAUSE_SECONDS)
    if code in _PACKAGE_NO_EFFECT:
        return Rejected(code, message)
    return Unknown(code, message)


def _ban_of(message: str) -> float:
    found = _BAN.search(message)
    return max(1.0, float(found[1])) if found else PAUSE_SECONDS
