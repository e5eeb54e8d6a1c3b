"""The document's signature vectors, on the connector's side."""

import pytest

from app.connectors.tiktok_shop.signing import sign, sign_push

SECRET, KEY = "e59af819cc", "29a39d"
COMMON = {"app_key": KEY, "timestamp": "1760000000"}
SHOP = {**COMMON, "shop_cipher": "ROW_ID_cipher_0001"}
VECTORS: list[tuple[str, dict[str, str], bytes, str]] = [
    (
        "/authorization/202309/shops",
        {"app_key": KEY, "timestamp": "1623812664"},
        b"",
        "b596b73e0cc6de07ac26f036364178ab16b0a907af13d43f0a0cd2345f582dc8",
    ),
    (
        "/order/202507/orders",
        {**SHOP, "ids": "580000000000000001,580000000000000002"},
        b"",
        "95fff2524d66c4bd02814c3c594366fdfdd1725a213ea891ab25cea7f1b12cf7",
    ),
    (
        "/order/202309/orders/search",
        {**SHOP, "page_size": "50", "page_token": "aBc+/12==", "sort_field": "update_time", "sort_order": "ASC"},
        b'{"order_status":"AWAITING_SHIPMENT","update_time_ge":1759990000}',
        "be6ea0d4ff7b6b261d1c268f083e327667454ca90bee3e9999d8dea84e26c175",
    ),
    (
        "/fulfillment/202309/packages/1150000000000000001/ship",
        SHOP,
        b'{"self_shipment":{"tracking_number":"JP1234567890","shipping_provider_id":"6841743441349706241"}}',
        "a525ebe86c1267485b3b01cc7267313699eaf317ba0e7897a70ed0ae91723c3e",
    ),
]
PUSH = (
    b'{"type":1,"tts_notification_id":"7327112393057371910","shop_id":"7494049642642441621","timestamp":1760000000,'
    b'"data":{"order_id":"580000000000000001","order_status":"AWAITING_SHIPMENT","is_on_hold_order":false,'
    b'"update_time":1759999990}}'
)


@pytest.mark.parametrize(("path", "query", "body", "expected"), VECTORS)
def test_calls(path: str, query: dict[str, str], body: bytes, expected: str) -> None:
    assert sign(SECRET, path, query, body) == expected
    assert sign(SECRET, path, {**query, "sign": "whatever", "access_token": "t"}, body) == expected


def test_pushes() -> None:
    assert sign_push(KEY, SECRET, PUSH) == "d74bb2262fa87f9ba0963a913e94581ab5565b476b15e54a61f2ac81ed762f57"
