"""Shopee's published signature vectors, on the simulator's side."""

import json

import pytest

from app.sandbox.shopee.signing import sign, sign_push

KEY = "shpk4d6f636b4b6579466f7254657374734f6e6c793031323334353637383961"
TOKEN = "6d6f636b2d6163636573732d746f6b656e"
PUSH_KEY = "pushkey-0123456789abcdef0123456789abcdef"
URL = "https://hub.example.id/webhooks/shopee"
W1 = (
    '{"msg_id":"64ca21a145e29bda3a6e31203c800e00","data":{"completed_scenario":"","items":[],"ordersn":"2511223K7QH5XA",'
    '"status":"READY_TO_SHIP","update_time":1760000000},"shop_id":14701711,"code":3,"timestamp":1760000001}'
)
W2 = (
    '{"msg_id":"64ca21a145e29bda3a6e31203c800e01","data":{"ordersn":"2511223K7QH5XA","forder_id":"5850867173739009210",'
    '"package_number":"OFG219329748205969","tracking_no":"SPXID05236113497C"},"shop_id":14701711,"code":4,'
    '"timestamp":1760000120}'
)


@pytest.mark.parametrize(
    ("path", "more", "expected"),
    [
        ("/api/v2/auth/token/get", (), "a6fb463e56c3ed4bf1ee6cdaaa2bb95e60226b8f8fbf188de6db75c23ebcc5cf"),
        ("/api/v2/shop/auth_partner", (), "fc2c42a1934f6ea3c5808a6efee21d21848fb1e92e4de1b609536f1b96897024"),
        (
            "/api/v2/order/get_order_list",
            (TOKEN, 14701711),
            "ecbc3fe0417fe873b9b97790a58e90bd03e51756463964cd86b2c079324efcec",
        ),
        (
            "/api/v2/logistics/ship_order",
            (TOKEN, 14701711),
            "442f2e8f86fdfe05a2799e0e4dcfde542620632423751734f9a3124447fce2c4",
        ),
        (
            "/api/v2/global_product/get_category",
            (TOKEN, 1000000),
            "6a57c302c81e2d0f020ea6247959fb238b067c5cb80b8368857848a476b48a55",
        ),
    ],
)
def test_request_vectors(path: str, more: tuple[str | int, ...], expected: str) -> None:
    assert sign(KEY, 2001887, path, 1760000000, *more) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (W1, "ccb862723f82c3470a56c17b25a78423c376f94916a7e3598f5385a8320043de"),
        (W2, "2fff634ff991466f126b5c08c170a1f633984a249104d2fccc8e75093d84f63b"),
    ],
)
def test_push_vectors(body: str, expected: str) -> None:
    assert sign_push(PUSH_KEY, URL, body.encode()) == expected
    assert sign_push(PUSH_KEY, URL, json.dumps(json.loads(body)).encode()) != expected, "raw bytes are signed"
