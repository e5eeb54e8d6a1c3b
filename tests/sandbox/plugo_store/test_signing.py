"""The document's vectors on the simulator's side: OAuth over plain HTTP, webhooks on raw bytes."""

import pytest

from app.sandbox.plugo_store.calls import parse_query
from app.sandbox.plugo_store.signing import base_string, sign_request, sign_webhook

KEY = "ck_0123456789abcdef0123456789abcdef01234567"
SECRET = "cs_89abcdef0123456789abcdef0123456789abcdef"
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
    text = base_string(method, f"{BASE}{path}", {**query, **CLOCK})
    assert sign_request(SECRET, text) == expected


def test_the_base_string_is_encoded_twice() -> None:
    text = base_string("GET", f"{BASE}/orders", {"search": "Jl. Merdeka+1 ~ é*", **CLOCK})
    assert "Jl.%2520Merdeka%252B1%2520~%2520%25C3%25A9%252A" in text


def test_php_reads_names_once_and_numbers_lists() -> None:
    assert parse_query("page=1&page=2&name[]=a&name[]=b") == {"page": "2", "name": ["a", "b"]}
    assert "name%255B0%255D%3Da" in base_string("GET", BASE, {"name": ["a", "b"]})


@pytest.mark.parametrize(("secret", "body", "expected"), WEBHOOKS)
def test_webhooks(secret: str, body: bytes, expected: str) -> None:
    """Special characters of a secret are kept as entities and read back before signing."""
    assert sign_webhook(secret, body) == expected
