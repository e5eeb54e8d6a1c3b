"""TikTok Shop's error codes in our closed set of errors. A code nobody listed proves nothing about a write."""

from app.channels.errors import AlreadyDone, ChannelError, Rejected, Throttled, Unauthorized, Unavailable, Unknown

PAUSE_SECONDS = 2.0
_THROTTLED = {36009002}
_EXPIRED = {105002}
_CONSENT_OVER = {101000}
_BUSY = {
    36009003, 36009007, 11001031, 21001003, 21001008, 21001011, 21022029, 21042001, 21042076, 10037002, 10037003,
    10037004, 10002014, 10002015, 25001028, 25001058, 25007002,
}  # fmt: skip
_DONE = {11006021, 21008099, 21011020, 21011040, 21011027}
_DECIDED = {25001003, 25007006, 25011012, 25011011, 25020009, 25020010, 25001011, 25001051}
"""There is nothing (more) to decide or to cancel."""
_MEANINGS = {
    **dict.fromkeys((21011041, 21023059, 21011042), "order_cancelled"),
    21011044: "channel_hold",
    **dict.fromkeys((21008044, 21011007), "cancellation_requested"),
    21008025: "fulfilled_by_channel",
    **dict.fromkeys((21011022, 21011025, 21011026, 21034012, 11028006, 21011050, 21011051), "invalid_tracking_number"),
    **dict.fromkeys((21004017, 21011053, 21011054, 11021035, 11021036), "slot_unavailable"),
    **dict.fromkeys((25001014, 25001015, 25001020, 25001021, 25001016, 25001057), "missing_parameter"),
    25001045: "wrong_state",
    **dict.fromkeys((21001001, 21008111, 21011028), "not_found"),
    **dict.fromkeys((11006010, 11034023, 11034025, 11034037, 21023022, 21023034, 21008109), "label_not_ready"),
    **dict.fromkeys((21023035, 21042104), "not_arranged"),
}
_NO_EFFECT = {
    105005, 106001, 106013, 36004004, 36009004, 36009009, 36009010, 36009014, 36009022, 36009023, 36009033, 21011003,
    21004024, 11006013, 11006014, 11001002, 11050001, 11001027, 21014009, 21021010, 21042067, 21008116, 21008117,
    25001001, 25020005, 25020003, 25020004, 25001046, 25005010, 25005011, 10006402,
    *range(11021009, 11021026),
    12019022, 12019024, 12019028, 12052032, 12052048, 12052055, 12052382, 12052393, *range(12052530, 12052534),
    12052556, 12052850, 12052901, 12019150, 12052260,
}  # fmt: skip
_TOKEN_WORDS = ("access_token", "access-token")


def explain(code: int, message: str, *, is_write: bool, retry_after: float | None) -> ChannelError:
    """The error that an answer with this code stands for."""
    text = str(code)
    if code in _THROTTLED:
        return Throttled(text, message, retry_after=retry_after or PAUSE_SECONDS)
    is_expired = code in _EXPIRED or (code == 36009004 and any(word in message.lower() for word in _TOKEN_WORDS))
    if is_expired or code in _CONSENT_OVER:
        return Unauthorized(text, message, is_final=code in _CONSENT_OVER)
    if code in _DONE or code in _DECIDED:
        return AlreadyDone(text, message)
    if code in _MEANINGS:
        return Rejected(text, message, meaning=_MEANINGS[code])
    if code in _NO_EFFECT or (not is_write and code not in _BUSY):
        return Rejected(text, message)
    return Unknown(text, message) if is_write else Unavailable(text, message)


def explain_token(code: int, message: str, *, is_write: bool, retry_after: float | None) -> ChannelError:
    """The same for token calls, whose refusals have no documented codes: whatever is no trouble of theirs is final."""
    if code in _THROTTLED or code in _BUSY:
        return explain(code, message, is_write=is_write, retry_after=retry_after)
    return Rejected(str(code), message, meaning="app_refused" if _names_app(message) else "rejected_by_channel")


def _names_app(message: str) -> bool:
    """Our own key or secret is wrong: no seller can mend that."""
    return any(word in message.lower() for word in ("app_key", "app_secret"))
