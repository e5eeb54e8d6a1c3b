"""Connectors are found by folder, and each offers what it claims."""

import types
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

import app.connectors
from app.channels import contract
from app.channels.discovery import load_connectors
from app.channels.limiter import Limiter
from app.connectors import shopee

ABILITIES = (
    contract.Authorises,
    contract.ReadsOrders,
    contract.ArrangesShipments,
    contract.PrintsLabels,
    contract.Tracks,
    contract.Cancels,
    contract.KeepsStock,
    contract.SendsPushes,
)


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGOSYNC_SHOPEE_PARTNER_ID", "2001887")
    monkeypatch.setenv("PLUGOSYNC_SHOPEE_PARTNER_KEY", "k")
    monkeypatch.setenv("PLUGOSYNC_SHOPEE_SETTLE_SECONDS", "60")


@pytest.mark.usefixtures("configured")
def test_shopee_is_found_with_all_it_can_do() -> None:
    connector = load_connectors(app.connectors, httpx.AsyncClient(), Limiter(None))["shopee"]

    assert [ability.__name__ for ability in ABILITIES if not isinstance(connector, ability)] == []
    facts = connector.facts
    assert (facts.channel, facts.first_step, facts.handovers) == ("shopee", "none", ("pickup", "dropoff", "manual"))
    assert (facts.window, facts.detail_batch, facts.label_batch) == (timedelta(days=15), 50, 50)
    assert (facts.settle_seconds, facts.cancellation_response) == (60, timedelta(hours=24))


def test_a_channel_without_keys_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLUGOSYNC_SHOPEE_PARTNER_ID", raising=False)
    monkeypatch.delenv("PLUGOSYNC_SHOPEE_PARTNER_KEY", raising=False)

    assert shopee.build(httpx.AsyncClient(), Limiter(None)) == ()


@pytest.mark.usefixtures("configured")
def test_two_connectors_for_one_channel_stop_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "twofold"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.py").write_text("from app.connectors.shopee import build as build\n")
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    package = types.ModuleType("twofold")
    package.__path__ = [str(folder)]

    with pytest.raises(ValueError, match="shopee"):
        load_connectors(package, httpx.AsyncClient(), Limiter(None))
