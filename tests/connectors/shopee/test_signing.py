"""Shopee's published formula against vectors computed by two independent packages."""

from dataclasses import replace

import pytest

from app.channels.contract import PushRequest
from app.connectors.shopee.connector import ShopeeConnector
from app.connectors.shopee.signing import sign, sign_push

KEY = "shpk4d6f636b4b6579466f7254657374734f6e6c793031323334353637383961"
APP, NOW, TOKEN, SHOP = 2001887, 1760000000, "6d6f636b2d6163636573732d746f6b656e", "14701711"
PUSH_KEY = "pushkey-0123456789abcdef0123456789abcdef"
PUSH_URL = "https://hub.example.id/webhooks/shopee"
W1 = (
    b'{"msg_id":"64ca21a145e29bda3a6e31203c800e00","data":{"completed_scenario":"","items":[],'
    b'"ordersn":"2511223K7QH5XA","status":"READY_TO_SHIP","update_time":1760000000},'
    b'"shop_id":14701711,"code":3,"timestamp":1760000001}'
)
W1_SIGNATURE = "ccb862723f82c3470a56c17b25a78423c376f94916a7e3598f5385a8320043de"
W2 = (
    b'{"msg_id":"64ca21a145e29bda3a6e31203c800e01","data":{"ordersn":"2511223K7QH5XA",'
    b'"forder_id":"5850867173739009210","package_number":"OFG219329748205969","tracking_no":"SPXID05236113497C"},'
    b'"shop_id":14701711,"code":4,"timestamp":1760000120}'
)
W2_SIGNATURE = "2fff634ff991466f126b5c08c170a1f633984a249104d2fccc8e75093d84f63b"


@pytest.mark.parametrize(
    ("parts", "signature"),
    [
        (("/api/v2/auth/token/get", NOW), "a6fb463e56c3ed4bf1ee6cdaaa2bb95e60226b8f8fbf188de6db75c23ebcc5cf"),
        (("/api/v2/shop/auth_partner", NOW), "fc2c42a1934f6ea3c5808a6efee21d21848fb1e92e4de1b609536f1b96897024"),
        (
            ("/api/v2/order/get_order_list", NOW, TOKEN, SHOP),
            "ecbc3fe0417fe873b9b97790a58e90bd03e51756463964cd86b2c079324efcec",
        ),
        (
            ("/api/v2/logistics/ship_order", NOW, TOKEN, SHOP),
            "442f2e8f86fdfe05a2799e0e4dcfde542620632423751734f9a3124447fce2c4",
        ),
        (
            ("/api/v2/global_product/get_category", NOW, TOKEN, 1000000),
            "6a57c302c81e2d0f020ea6247959fb238b067c5cb80b8368857848a476b48a55",
        ),
    ],
    ids=["S1", "S2", "S3", "S4", "S5"],
)
def test_call_signatures_match_the_vectors(parts: tuple[str | int, ...], signature: str) -> None:
    assert sign(KEY, APP, *parts) == signature
    assert sign(f" {KEY}\n", APP, *parts) == signature


@pytest.mark.parametrize(("body", "signature"), [(W1, W1_SIGNATURE), (W2, W2_SIGNATURE)], ids=["W1", "W2"])
def test_push_signatures_match_the_vectors(shopee: ShopeeConnector, body: bytes, signature: str) -> None:
    assert sign_push(PUSH_KEY, PUSH_URL, body) == signature
    assert shopee.verify_push(PushRequest(PUSH_URL, {"authorization": signature}, body))


def test_a_push_signed_with_the_partner_key_is_accepted(shopee: ShopeeConnector) -> None:
    assert shopee.verify_push(PushRequest(PUSH_URL, {"authorization": sign_push(KEY, PUSH_URL, W1)}, W1))


def test_forged_pushes_are_refused(shopee: ShopeeConnector) -> None:
    genuine = PushRequest(PUSH_URL, {"authorization": W1_SIGNATURE}, W1)
    reserialised = W1.replace(b":", b": ").replace(b",", b", ")

    assert shopee.verify_push(genuine)
    assert not shopee.verify_push(replace(genuine, body=reserialised))
    assert not shopee.verify_push(replace(genuine, url=PUSH_URL + "/"))
    assert not shopee.verify_push(replace(genuine, headers={"authorization": W2_SIGNATURE}))
    assert not shopee.verify_push(replace(genuine, headers={"authorization": W1_SIGNATURE[:-1] + "0"}))
    assert not shopee.verify_push(replace(genuine, headers={"authorization": "é\u2603"}))
    assert not shopee.verify_push(replace(genuine, headers={}))
