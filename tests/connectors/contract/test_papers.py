"""Labels of the channel, and courier scans."""

import pytest

from app.channels.contract import LabelStatus, PackageRef, PrintsLabels, Tracks
from app.channels.errors import ChannelError
from tests.connectors.contract.stand import A_WHILE, Stand, raised


@pytest.fixture
def printer(stand: Stand) -> PrintsLabels:
    if not isinstance(stand.connector, PrintsLabels):
        pytest.skip("labels are ours")
    return stand.connector


async def arranged(stand: Stand, count: int) -> list[PackageRef]:
    """Packages with tracking numbers."""
    numbers = []
    for _ in range(count):
        number, packages = await stand.ready()
        for package in packages:
            await stand.arrange(package)
        numbers.append(number)
    await stand.pass_time(A_WHILE)
    found = [package for number in numbers for package in await stand.packages(number)]
    assert all(package.tracking_number for package in found)
    return found


async def make(stand: Stand, printer: PrintsLabels, packages: list[PackageRef]) -> dict[str, LabelStatus]:
    """Ask, wait, ask again, until all are decided."""
    statuses = dict(await printer.request_labels(stand.access, packages))
    for _ in range(5):
        open_ones = [one for one in packages if statuses[one.package_number].state == "processing"]
        if not open_ones:
            break
        await stand.pass_time(A_WHILE)
        statuses |= await printer.poll_labels(stand.access, open_ones)
    return statuses


async def test_labels_are_made_and_fetched(stand: Stand, printer: PrintsLabels) -> None:
    packages = await arranged(stand, 3)

    statuses = await make(stand, printer, packages)

    assert {status.state for status in statuses.values()} == {"ready"}, statuses
    labels = [await printer.fetch_label(stand.access, package) for package in packages]
    assert all(label.startswith(b"%PDF") and b"%%EOF" in label[-32:] for label in labels)
    assert len(set(labels)) == 3


async def test_a_label_before_the_shipment_is_refused(stand: Stand, printer: PrintsLabels) -> None:
    _, [package] = await stand.ready()

    try:
        statuses = dict(await printer.request_labels(stand.access, [package]))
        if statuses[package.package_number].state == "processing":
            statuses = dict(await printer.poll_labels(stand.access, [package]))
        if statuses[package.package_number].state == "ready":
            await printer.fetch_label(stand.access, package)
            assert stand.connector.facts.first_step == "receive", "only received packages have labels that early"
            return
    except ChannelError:
        return
    assert statuses[package.package_number].state == "failed"


async def test_half_a_label_is_noticed_by_whoever_checks_it(stand: Stand, printer: PrintsLabels) -> None:
    [package] = await arranged(stand, 1)
    await make(stand, printer, [package])
    whole = await printer.fetch_label(stand.access, package)
    await stand.fault("download_label", "truncated", times=10)
    await stand.fault("get_label", "truncated", times=10)

    try:
        half = await printer.fetch_label(stand.access, package)
    except ChannelError:
        return
    assert len(half) < len(whole) or not half.startswith(b"%PDF")


async def test_scans_follow_the_parcel(stand: Stand) -> None:
    if not isinstance(stand.connector, Tracks):
        pytest.skip("nobody scans")
    [number] = await stand.place()
    await stand.advance(number, "arranged", "collected", "in_transit", "delivered")
    [package] = await stand.packages(number)

    events = await stand.connector.fetch_tracking(stand.access, package)

    assert len(events) >= 2
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert all(event.text and event.code for event in events)
    assert events[-1].at <= await stand.now()


async def test_no_scans_before_the_courier(stand: Stand) -> None:
    if not isinstance(stand.connector, Tracks):
        pytest.skip("nobody scans")
    _, [package] = await stand.ready()

    error = await raised(stand.connector.fetch_tracking(stand.access, package))

    assert error is None
