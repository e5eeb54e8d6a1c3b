"""Where a store may stand, and where a call really goes."""

import ipaddress
import socket
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr

from app.channels.contract import ShopAccess
from app.channels.errors import Rejected, Unavailable
from app.channels.limiter import Limiter
from app.connectors.plugo_store import addresses
from app.connectors.plugo_store.client import Client
from app.connectors.plugo_store.connector import PlugoStoreConnector
from app.connectors.plugo_store.settings import PlugoStoreSettings
from tests.connectors.plugo_store.conftest import KEY, MASTER, SECRET


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("https://Toko.example", "https://toko.example"),
        (" https://toko.example:443/shop/ ", "https://toko.example/shop"),
        ("http://127.0.0.1:8085/toko", "http://127.0.0.1:8085/toko"),
        ("https://[2606:4700::1]/", "https://[2606:4700::1]"),
    ],
)
def test_one_store_has_one_address(typed: str, known: str) -> None:
    assert addresses.normalise(typed) == known


@pytest.mark.parametrize(
    "typed",
    [
        "toko.example",
        "ftp://toko.example",
        "https://",
        "https://ck:cs@toko.example",
        "https://toko.example?x=1",
        "https://toko.example#x",
        "https://toko.example:99999",
        "https://toko.example\\@intern",
        "https://toko exa.mple",
        "https://tokø.example",
        "https://" + "a" * 2050,
    ],
)
def test_what_is_no_store_address(typed: str) -> None:
    with pytest.raises(Rejected) as refused:
        addresses.normalise(typed)
    assert refused.value.meaning == "invalid_store_url"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.8",
        "64:ff9b::a00:8",
        "2002:a00:8::1",
    ],
)
async def test_production_calls_no_private_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when a public name stands before it."""
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(Rejected):
        await addresses.check(f"https://{host}", is_production=True)

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (address, 443))])
    with pytest.raises(Rejected):
        await addresses.check("https://toko.example", is_production=True)
    assert await addresses.check("http://127.0.0.1:8085", is_production=False)


@pytest.mark.parametrize("store_url", ["http://8.8.8.8", "https://8.8.8.8:22", "https://8.8.8.8:8080"])
async def test_production_speaks_https_on_web_ports(store_url: str) -> None:
    with pytest.raises(Rejected):
        await addresses.check(store_url, is_production=True)


async def test_an_unknown_name_may_be_known_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(Unavailable):
        await addresses.check("https://toko.example", is_production=True)


async def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(0, 0, 0, "", ("8.8.8.8", 443)), (0, 0, 0, "", ("10.0.0.8", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(Rejected):
        await addresses.check("https://toko.example", is_production=True)


def test_public_addresses_are() -> None:
    assert all(map(addresses.is_public, map(ipaddress.ip_address, ("8.8.8.8", "2606:4700::1111"))))


async def test_the_call_goes_to_the_very_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves to another address a moment later gains nothing."""
    answers = iter(["8.8.8.8", "10.0.0.8"])
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (next(answers), 443))])
    settings = PlugoStoreSettings(push_secret=SecretStr(MASTER), PLUGOSYNC_ENV="production")
    async with httpx.AsyncClient(timeout=1) as http:
        store = PlugoStoreConnector(Client(http, Limiter(None, workers=1, override=1000), settings), settings)
        with respx.mock() as router:
            router.get("https://8.8.8.8/wp-json/wc/v3/orders").respond(json=[])
            await store.get_orders(ShopAccess("https://toko.example", f"{KEY}:{SECRET}"), [])
            await store.find_orders(ShopAccess("https://toko.example", f"{KEY}:{SECRET}"), [])
            assert not router.calls
            access = ShopAccess("https://toko.example", f"{KEY}:{SECRET}")
            await store.exchange({"store_url": access.external_id, "consumer_key": KEY, "consumer_secret": SECRET})
            request = router.calls.last.request
            assert (request.headers["host"], request.extensions["sni_hostname"]) == ("toko.example", "toko.example")
            with pytest.raises(Rejected):
                await store.list_listings(access, None)
