"""What only Shopee has, against its simulator; everything else is in the suite that all channels share."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from app.channels.contract import Authorises, Handover, PackageRef, PrintsLabels
from app.channels.errors import Rejected, Unauthorized
from tests.connectors.contract.stand import A_WHILE, Stand, open_connectors, open_stand, raised


@pytest.fixture
async def stand(control: httpx.AsyncClient, sandbox_url: str) -> AsyncIterator[Stand]:
    async with open_connectors(sandbox_url) as connectors, open_stand(control, connectors["shopee"]) as opened:
        yield opened


async def test_refresh_tokens_work_once(stand: Stand) -> None:
    assert isinstance(stand.connector, Authorises)
    first = await stand.connector.refresh(stand.access.external_id, stand.granted.tokens)

    error = await raised(stand.connector.refresh(stand.access.external_id, stand.granted.tokens))

    assert isinstance(error, Unauthorized) and error.is_final
    second = await stand.connector.refresh(stand.access.external_id, first)
    assert second.access_token != first.access_token
    account = await stand.connector.fetch_account(replace(stand.access, access_token=second.access_token))
    assert account.external_id == stand.access.external_id


async def test_a_slot_that_never_was_is_refused(stand: Stand) -> None:
    number, [package] = await stand.ready()
    handover = await stand.choose(package, "pickup")
    assert handover is not None

    error = await raised(stand.ships.arrange_shipment(stand.access, package, replace(handover, slot_id="1")))

    assert isinstance(error, Rejected) and error.meaning == "slot_unavailable"
    assert await stand.effects("ship", number) == 0


async def test_half_of_a_split_order_is_not_the_order(stand: Stand) -> None:
    number, [first, second] = await stand.ready(packages=2, lines=2)
    await stand.ships.arrange_shipment(stand.access, first, Handover("dropoff"))
    whole = PackageRef(number, second.package_number, is_only_package=True)

    error = await raised(stand.ships.arrange_shipment(stand.access, whole, Handover("dropoff")))

    assert isinstance(error, Rejected) and error.meaning == "packages_changed"


async def test_a_label_is_asked_for_before_it_is_looked_for(stand: Stand) -> None:
    assert isinstance(stand.connector, PrintsLabels)
    number, [package] = await stand.ready()
    early = await stand.connector.request_labels(stand.access, [package])
    assert early[package.package_number].code == "label_not_ready"
    await stand.arrange(package)
    await stand.pass_time(A_WHILE)
    [package] = await stand.packages(number)

    unrequested = await stand.connector.poll_labels(stand.access, [package])
    requested = await stand.connector.request_labels(stand.access, [package])

    assert unrequested[package.package_number].code == "label_not_requested"
    assert requested[package.package_number].state == "processing"
