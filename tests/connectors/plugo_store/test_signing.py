"""The document's vectors on the connector's side: OAuth over plain HTTP, webhooks on raw bytes."""

import base64
from typing import Any

import pytest

from app.channels.contract import PushRequest
from app.connectors.plugo_store.connector import PlugoStoreConnector
from app.connectors.plugo_store.signing import sign, sign_webhook, store_secret
from tests.connectors.plugo_store.conftest import KEY, MASTER, SECRET, STORE

BASE = "http://127.0.0.1:8085/wp-json/wc/v3"
CLOCK = {
    "oauth_consumer_key": KEY,
    "oauth_timestamp": "1795305600",
    "oauth_nonce": "5f1dd8a4c2b94e0f8a7b6c5d4e3f2a1b",
    "oauth_signature_method": "HMAC-SHA256",
}
FEED = {
    "modified_after": "2026-11-22T00:00:00",
    "dates_are_gmt": "true",
    "orderby": "modified",
    "order": "asc",
    "per_page": "100",
    "page": "1",
}
VECTORS: list[tuple[str, str, dict[str, str], str]] = [
    ("GET", "/orders", {}, "6RGFbKCE7SbDIBmC530lwS6fiVqLmeeWagh6YpTyae0="),
    ("GET", "/orders", FEED, "tzRbnF4cz/tkcQW4HHCuA+n3BgCMrZma4KoH49uK6iM="),
    (
        "GET",
        "/orders",
        {"status": "processing,on-hold", "search": "Budi Santoso"},
        "Lsm5NfebuUF3o2Ta50RKMzCCw3Wh5m76UQ276wy5+Yg=",
    ),
    ("PUT", "/orders/727", {}, "YzMl3LsA/FrBwqaTclMAeS01dedpAceRrpUhckSohMc="),
    ("POST", "/orders/batch", {}, "1JJklXU70px67v2IYK1N7VzRygXreoHfQaWWto5InpM="),
    ("GET", "/orders", {"search": "Jl. Merdeka+1 ~ é*"}, "RijvFl3+QooTa3hkN3qbzLqEs4xEQK4l9DpuqkJIQuI="),
]
WEBHOOKS = [
    (
        "whsec_plugo_demo",
        rb'{"id":727,"number":"727","status":"processing","currency":"IDR","total":"258000.00"}',
        "CsTw+7YdHj07kSlFqYUdGAFOv2WAZg4HLd5TpIc8t/I=",
    ),
    ("whsec_plugo_demo", b'{"id":727}', "TN/d1SqCwVU14CL/yfnhBbsm+bNNeCGWW18HrR4w+8c="),
    ("s&cret\"'<>", b'{"id":727}', "uWtMP693rwcnbBc/YuO1Lfy+PuPLXEtMdSVBM5GHnd8="),
    (
        "whsec_plugo_demo",
        rb'{"id":728,"customer_note":"Tolong caf\u00e9 \/ bubble wrap"}',
        "IqMk7ebONcgWbkswLxSYE3WkhNLBgaBqb5Ay/Fef7aA=",
    ),
]


@pytest.mark.parametrize(("method", "path", "query", "expected"), VECTORS)
def test_calls(method: str, path: str, query: dict[str, str], expected: str) -> None:
    assert sign(method, f"{BASE}{path}", {**query, **CLOCK}, SECRET) == expected


@pytest.mark.parametrize(("secret", "body", "expected"), WEBHOOKS)
def test_webhooks(secret: str, body: bytes, expected: str) -> None:
    assert sign_webhook(secret, body) == expected


def delivery(body: bytes, **changes: str) -> PushRequest:
    headers = {
        "x-wc-webhook-source": f"{STORE}/",
        "x-wc-webhook-topic": "order.updated",
        "x-wc-webhook-signature": sign_webhook(store_secret(MASTER, STORE), body),
    }
    return PushRequest("https://desk.test/hooks", headers | changes, body)


def test_a_delivery_names_its_store_and_order(store: PlugoStoreConnector) -> None:
    """The site's address comes with a slash; PHP's escapes are signed as they are."""
    push = delivery(rb'{"id":728,"customer_note":"caf\u00e9 \/"}')

    assert store.verify_push(push)
    message = store.parse_push(push)
    assert (message.kind, message.account_external_id, message.order_external_id) == ("order", STORE, "728")


@pytest.mark.parametrize(
    "changes",
    [
        {"x-wc-webhook-signature": ""},
        {"x-wc-webhook-signature": "kein base64"},
        {"x-wc-webhook-signature": sign_webhook(store_secret(MASTER, STORE), b'{"id": 727}')},
        {"x-wc-webhook-signature": base64.b64encode(b"").decode()},
        {"x-wc-webhook-source": "https://toko-lain.test/"},
        {"x-wc-webhook-source": ""},
    ],
)
def test_what_the_store_did_not_sign_is_refused(store: PlugoStoreConnector, changes: dict[str, Any]) -> None:
    assert not store.verify_push(delivery(b'{"id":727}', **changes))


def test_the_greeting_after_a_subscription_is_no_order(store: PlugoStoreConnector) -> None:
    greeting = PushRequest("https://desk.test/hooks", {}, b"webhook_id=142")

    assert store.verify_push(greeting)
    assert store.parse_push(greeting).kind == "verification"
    assert not store.verify_push(PushRequest("https://desk.test/hooks", {}, b"webhook_id=142&id=727"))
