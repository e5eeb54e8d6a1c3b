"""Shopee's error codes in our closed set of errors. A code nobody listed never proves that a write had no effect."""

from datetime import datetime, timedelta

from app.channels.errors import AlreadyDone, ChannelError, Rejected, Throttled, Unauthorized, Unavailable, Unknown

BURST_PAUSE_SECONDS = 2.0
ALLOCATION_PAUSE_SECONDS = 60.0

_DEAD_TOKENS = {"invalid_acceess_token", "invalid_access_token"}  # the first is how the server spells it
_CONSENT_OVER = {
    "partner_shop_no_link", "shop_no_linked", "shop_access_expired", "shop_banned",
    "error_shop_refresh_token", "error_refresh_token", "refresh_token_expired",
}  # fmt: skip
_OUTCOME_UNKNOWN = {
    "error_server", "error_inner", "error_network", "error_system_busy", "error_other", "error_data", "error_timeout",
    "error_third_party_server", "error_connection", "error_too_many_invoke_function",
    "logistic_order_is_locked_on_creating", "unknown_error", "error_unknown",
}  # fmt: skip
# Answered for a repeated call, but partly also for one that came too early: only a read tells.
_READ_BACK = {
    "package_already_shipped", "ship_order_not_ready_to_ship", "error_order_state", "error_state",
    "update_shipping_order_no_param_change", "order_not_ready_to_update", "update_not_allowed",
    "cancel_order_invalid_status", "order_status_invalid",
}  # fmt: skip
_MEANINGS = {
    "order_finalized": "order_cancelled",
    "ship_order_need_pacakge_number": "packages_changed",
    "ship_order_not_need_pacakge_number": "packages_changed",
    "package_number_not_exist": "packages_changed",
    "package_number_not_found": "packages_changed",
    "package_not_exist": "packages_changed",
    "ship_order_need_address_pickup_time": "missing_parameter",
    "ship_order_need_branch_id": "missing_parameter",
    "ship_order_need_sender_real_name": "missing_parameter",
    "ship_order_need_tracking_number": "missing_parameter",
    "ship_order_pickup_time_invalid": "slot_unavailable",
    "no_available_time_slot": "slot_unavailable",
    "ship_order_unsupport_pickup": "handover_not_offered",
    "ship_order_unsupport_dropoff": "handover_not_offered",
    "ship_order_unsupport_non_integrated": "handover_not_offered",
    "no_valid_shipping_parameters": "handover_not_offered",
    "error_channel_exist": "handover_not_offered",
    "ship_order_pff_init": "fulfilled_by_channel",
    "error_booking_order": "handled_by_booking",
    "error_sender_address": "address_invalid",
    "address_not_found": "address_invalid",
    "invalid_address_version": "address_invalid",
    "no_supported_pickup_address": "address_invalid",
    "no_supported_dropoff_branch": "branch_unavailable",
    "tracking_number_invalid": "invalid_tracking_number",
}
_NO_EFFECT = {
    "error_param", "error_auth", "error_sign", "error_permission", "error_api_permission", "error_ashop_api_permission",
    "error_kyc_auth", "invalid_partner_id", "error_partner_key_expired", "source_ip_undeclared", "error_shop",
    "error_api_call_restricted", "api_suspended", "error_not_found", "invalid_error", "error_status", "error_limit",
    "invalid_code", "invalid_shop_id", "invalid_main_acount_id", "ship_order_only_support_one_type",
    "can_not_update_combine_order", "order_prescription_unchecked", "batch_api_all_failed",
    "error_item_not_found", "error_item_uneditable", "error_edit_item_stock_for_item_has_model", "error_busi",
    "error_busi_update_stock_failed", "error_promotion_cantnot_update_stock", "error_cannt_edit_stock_in_promotion",
    "error_holiday_mode_change_stock", "error_seller_under_penalty",
}  # fmt: skip
# `error_param` and its like carry their cause only in the text; the first fragment found decides.
_TEXTS: tuple[tuple[str, str], ...] = (
    ("should be in_cancel", "already_done"),
    ("has been shipped", "already_done"),
    ("already been shipped", "already_done"),
    ("already been arranged", "already_done"),
    ("not ready to ship", "already_done"),
    ("status is not supported", "already_done"),
    ("cannot be rescheduled", "already_done"),
    ("can not cancel this order", "already_done"),
    ("splitted", "packages_changed"),
    ("request with package_number", "packages_changed"),
    ("warehouse order", "fulfilled_by_channel"),
    ("has been cancelled", "order_cancelled"),
    ("in_cancel", "cancellation_requested"),
    ("cancellation request", "cancellation_requested"),
    ("pickup_time_id", "slot_unavailable"),
    ("timeslot", "slot_unavailable"),
    ("time slot", "slot_unavailable"),
    ("tracking_number", "invalid_tracking_number"),
    ("tracking number", "invalid_tracking_number"),
    ("branch_id", "branch_unavailable"),
    ("address_id", "address_invalid"),
)
LABEL_CODES = {
    "shipping_document_should_print_first": "label_not_requested",
    "package_can_not_print": "label_not_ready",
    "order_status_error": "label_not_ready",
    "tracking_number_invalid": "label_not_ready",
    "package_print_failed": "label_not_ready",
    "download_later": "label_not_ready",
}


def clean(code: str) -> str:
    """The code without the blanks that published lists and the server put into it."""
    return "".join(code.split())


def bare(code: str) -> str:
    """The code without its module (`logistics.error_param` → `error_param`)."""
    return clean(code).rpartition(".")[2]


def explain_label(code: str) -> str:
    """Our code for a document call that failed for one package."""
    return LABEL_CODES.get(bare(code), "label_refused")


def explain(code: str, message: str, *, is_write: bool, at: datetime, retry_after: float | None = None) -> ChannelError:
    """The error to raise for a readable answer whose `error` is not empty. `at`: the channel's clock."""
    code = clean(code)
    name, text = bare(code), message.lower()
    error = (
        _throttled(code, name, message, at, retry_after)
        or _unauthorized(code, name, message)
        or _undecided(code, name, message, is_write)
        or _refused(code, name, message)
    )
    if error is not None:
        return error
    if name in _NO_EFFECT or not is_write:
        return Rejected(code, message, meaning=_meaning_of_text(text) or "rejected_by_channel")
    return Unknown(code, message)


def _throttled(code: str, name: str, message: str, at: datetime, retry_after: float | None) -> Throttled | None:
    if name == "error_rate_limit":
        return Throttled(code, message, retry_after=retry_after or BURST_PAUSE_SECONDS)
    if code in ("error_limit", "common.error_limit"):  # with another module in front it is a business code
        return Throttled(code, message, retry_after=retry_after or seconds_to_new_quota(at))
    if "being allocated" in message.lower():
        return Throttled(code, message, retry_after=ALLOCATION_PAUSE_SECONDS)
    return None


def seconds_to_new_quota(at: datetime) -> float:
    """The app's daily quota turns at 00:00 UTC+8, 23:00 in Jakarta."""
    turn = at.replace(hour=16, minute=0, second=0, microsecond=0)
    return ((turn if at < turn else turn + timedelta(days=1)) - at).total_seconds()


def is_about_pace(error: Throttled) -> bool:
    """Whether the whole account has to slow down, not just this order."""
    return bare(error.code) in ("http_429", "error_rate_limit", "error_limit")


def _unauthorized(code: str, name: str, message: str) -> Unauthorized | None:
    text = message.lower()
    if name in _CONSENT_OVER or "refresh_token" in text or "refresh token" in text:
        return Unauthorized(code, message, is_final=True)
    if name in _DEAD_TOKENS:
        return Unauthorized(code, message)
    if name == "error_auth" and "access_token" in text:
        return Unauthorized(code, message)
    if name == "error_auth" and "shopid" in text:
        return Unauthorized(code, message, is_final=True)
    return None


def _undecided(code: str, name: str, message: str, is_write: bool) -> ChannelError | None:
    text = message.lower()
    if name == "error_param" and "timestamp" in text:
        return Unavailable(code, message)  # refused at the gate; the next call is signed anew
    if name in _OUTCOME_UNKNOWN or "system error" in text or "please try later" in text or "try again later" in text:
        return Unknown(code, message) if is_write else Unavailable(code, message)
    return None


def _refused(code: str, name: str, message: str) -> Rejected | None:
    if name in _READ_BACK:
        return AlreadyDone(code, message)
    if name in _MEANINGS:
        return Rejected(code, message, meaning=_MEANINGS[name])
    meaning = _meaning_of_text(message.lower()) if name in _NO_EFFECT else None
    if meaning == "already_done" or (name == "error_status" and meaning is None):
        return AlreadyDone(code, message)
    return None


def _meaning_of_text(text: str) -> str | None:
    return next((meaning for fragment, meaning in _TEXTS if fragment in text), None)
