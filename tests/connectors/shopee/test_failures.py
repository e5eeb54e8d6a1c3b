"""Every documented code ends in the right class, and an undocumented one never proves anything."""

from datetime import UTC, datetime

import pytest

from app.channels.errors import AlreadyDone, ChannelError, Rejected, Throttled, Unauthorized, Unavailable, Unknown
from app.connectors.shopee import failures

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def explained(code: str, message: str = "", *, is_write: bool = True) -> ChannelError:
    return failures.explain(code, message, is_write=is_write, at=NOW)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (" logistics.package_already_shipped", "This package has already been arranged shipment"),
        ("logistics.error_param", "Order has been shipped."),
        ("logistics.error_param", "The order status is not ready to ship."),
        ("logistics.error_param", "Logistic status is not supported."),
        ("logistics.ship_order_not_ready_to_ship", "The order is not ready to ship."),
        ("logistics.error_order_state", ""),
        ("logistics.error_state", ""),
        ("logistics.error_status", "operation not allowed in current state"),
        ("order.error_limit", "Can not cancel this order"),
        ("order.cancel_order_invalid_status", "The order status should be IN_CANCEL"),
        ("order.order_status_invalid", "Order status should be IN_CANCEL"),
        ("logistics.update_shipping_order_no_param_change", ""),
        ("error_param", "Package cannot be rescheduled"),
    ],
)
def test_refusals_that_need_a_read_are_already_done(code: str, message: str) -> None:
    assert isinstance(explained(code, message), AlreadyDone)


@pytest.mark.parametrize(
    ("code", "message", "meaning"),
    [
        ("logistics.ship_order_pickup_time_invalid", "", "slot_unavailable"),
        ("error_param", "The pickup_time_id received is invalid", "slot_unavailable"),
        ("logistics.error_param", "Selected pickup timeslot is unavailable. Please reselect.", "slot_unavailable"),
        ("logistics.ship_order_unsupport_dropoff", "", "handover_not_offered"),
        ("logistics.no_valid_shipping_parameters", "", "handover_not_offered"),
        ("logistics.ship_order_need_pacakge_number", "", "packages_changed"),
        ("logistics.error_param", "Order has been splitted.", "packages_changed"),
        ("logistics.package_number_not_found", "", "packages_changed"),
        ("logistics.order_finalized", "", "order_cancelled"),
        ("error_status", "The order has been cancelled.", "order_cancelled"),
        ("logistics.ship_order_need_branch_id", "", "missing_parameter"),
        ("logistics.ship_order_pff_init", "You can not ship warehouse order.", "fulfilled_by_channel"),
        ("order. error_param", "You can not cancel warehouse order.", "fulfilled_by_channel"),
        ("logistics.error_booking_order", "", "handled_by_booking"),
        ("logistics.address_not_found", "", "address_invalid"),
        ("logistics.no_supported_dropoff_branch", "", "branch_unavailable"),
        ("logistics.error_param", "Invalid tracking_number", "invalid_tracking_number"),
        ("error_sign", "Wrong sign.", "rejected_by_channel"),
        ("source_ip_undeclared", "", "rejected_by_channel"),
        ("error_param", "Wrong parameters, detail: order_sn is a required field.", "rejected_by_channel"),
        ("error_auth", "Total stock must be more than reserved stock.", "rejected_by_channel"),
    ],
)
def test_refusals_keep_their_meaning(code: str, message: str, meaning: str) -> None:
    error = explained(code, message)

    assert type(error) is Rejected
    assert (error.meaning, error.reason) == (meaning, message)


@pytest.mark.parametrize(
    "code",
    [
        "error_server", "error_inner", "error_network", "error_system_busy", "error_other", "logistics.error_timeout",
        "logistics.error_third_party_server", "logistics.error_connection", "logistics.unknown_error",
        "logistics.logistic_order_is_locked_on_creating", "logistics.error_too_many_invoke_function",
        "logistics.a_code_of_tomorrow",
    ],
)  # fmt: skip
def test_an_unclear_write_is_unknown_and_an_unclear_read_is_not(code: str) -> None:
    assert isinstance(explained(code), Unknown)
    assert not isinstance(explained(code, is_write=False), Unknown)


def test_system_error_text_under_a_parameter_code_is_unknown() -> None:
    message = "System error, please try again later."

    assert isinstance(explained("logistics.error_param", message), Unknown)
    assert isinstance(explained("logistics.error_param", message, is_write=False), Unavailable)


@pytest.mark.parametrize(
    ("code", "message", "is_final"),
    [
        ("invalid_acceess_token", "Invalid access_token, please have a check.", False),
        ("invalid_access_token", "", False),
        ("error_auth", "Invalid access_token.", False),
        ("error_auth", "Invalid partner_id or shopid.", True),
        ("shop_no_linked", "", True),
        ("error_auth", "Invalid refresh_token.", True),
        ("error_shop_refresh_token", "", True),
        ("error_param", "Your refresh token or shop_id is wrong, please check", True),
        ("refresh_token_expired", "", True),
    ],
)
def test_token_codes_say_whether_a_refresh_helps(code: str, message: str, is_final: bool) -> None:
    error = explained(code, message)

    assert isinstance(error, Unauthorized)
    assert error.is_final is is_final


def test_a_burst_limit_pauses_the_account_for_a_moment() -> None:
    error = explained("error_rate_limit", "Too many requests.")

    assert isinstance(error, Throttled) and failures.is_about_pace(error)
    assert error.retry_after == failures.BURST_PAUSE_SECONDS


def test_the_daily_quota_pauses_until_23_00_in_jakarta() -> None:
    error = explained("error_limit", "daily API call limit, please try again after 00:00 (UTC+08:00)")

    assert isinstance(error, Throttled) and failures.is_about_pace(error)
    assert error.retry_after == 13 * 3600
    assert failures.seconds_to_new_quota(NOW.replace(hour=16)) == 24 * 3600


def test_an_order_being_allocated_pauses_only_itself() -> None:
    error = explained(
        "logistics.error_param", "The order is being allocated, please wait until the allocate is completed."
    )

    assert isinstance(error, Throttled) and not failures.is_about_pace(error)
    assert error.retry_after == 60


def test_a_clock_that_drifted_had_no_effect() -> None:
    assert isinstance(explained("error_param", "Timestamp is expired"), Unavailable)


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("logistics.shipping_document_should_print_first", "label_not_requested"),
        ("logistics.package_can_not_print", "label_not_ready"),
        (" logistics.tracking_number_invalid", "label_not_ready"),
        ("logistics.download_later", "label_not_ready"),
        ("logistics.can_not_print_jit_order", "label_refused"),
    ],
)
def test_document_codes_in_ours(code: str, ours: str) -> None:
    assert failures.explain_label(code) == ours
