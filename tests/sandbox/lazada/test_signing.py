"""The document's signature vectors, on the simulator's side."""

import pytest

from app.sandbox.lazada.signing import sign_call, sign_push

SECRET = "helloworld"
COMMON = {"app_key": "123456", "timestamp": "1517820392000", "sign_method": "sha256"}
WITH_TOKEN = {**COMMON, "access_token": "test"}
PACK = (
    '{"pack_order_list":[{"order_id":560694402192001,"order_item_list":[560694402292001]}],'
    '"delivery_type":"dropship","shipping_allocate_type":"TFS"}'
)
VECTORS = [
    (
        "/order/get",
        {**WITH_TOKEN, "order_id": "1234"},
        "4190D32361CFB9581350222F345CB77F3B19F0E31D162316848A2C1FFD5FAB4A",
    ),
    (
        "/orders/get",
        {
            **WITH_TOKEN,
            "created_after": "2026-01-01T00:00:00+07:00",
            "status": "pending",
            "limit": "100",
            "offset": "0",
            "sort_by": "updated_at",
            "sort_direction": "ASC",
        },
        "7B65C9FAFB5EF9B57259971E54849AD2470E17C90429D4D7476DB9E8EF1E53E0",
    ),
    (
        "/order/fulfill/pack",
        {**WITH_TOKEN, "packReq": PACK},
        "DEF70BE7E9DF393B80FC52DE238B10A55F44F2D131222A9ECBCFF4E7D0612BF4",
    ),
    (
        "/auth/token/create",
        {**COMMON, "code": "0_123456_abcDEF"},
        "B2DEDE541C36EA12B4CD238BECF071EB82271C1AC23E07F6175150BCAAA5507D",
    ),
    (
        "/reverse/getreverseordersforseller",
        {
            **WITH_TOKEN,
            "page_no": "1",
            "page_size": "50",
            "TradeOrderLineCreatedTimeRangeStart": "1517000000000",
            "reverse_status_list": '["REQUEST_INITIATE"]',
        },
        "AC073BF7FEBFDEB990147CBEAFC493C2D57A852731206D1A55A728FFAA260915",
    ),
    (
        "/order/invoice_number/set",
        {**WITH_TOKEN, "order_item_id": "279709", "invoice_number": "INV-é-20"},
        "6312C77EA494634718E355101480042BB4152890688773B4A87AE814548DF79C",
    ),
]
PUSH = (
    b'{"seller_id":"1234567","message_type":0,"data":{"order_status":"unpaid","trade_order_id":"260422900198363",'
    b'"trade_order_line_id":"260422900298363","status_update_time":1603698638},"timestamp":1603766859530,'
    b'"site":"lazada_id"}'
)


@pytest.mark.parametrize(("path", "parameters", "expected"), VECTORS)
def test_calls(path: str, parameters: dict[str, str], expected: str) -> None:
    assert sign_call(SECRET, path, parameters) == expected
    assert sign_call(SECRET, path, {**parameters, "sign": "whatever"}) == expected


def test_pushes() -> None:
    assert sign_push("123456", SECRET, PUSH) == "79e67baa670eb9cf0488aac4b07a713f4c814b0c47de9a1c8f5980751b81936f"
