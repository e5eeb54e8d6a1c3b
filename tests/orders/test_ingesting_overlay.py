"""A reading that lags must not undo what we did; one that means it must. Against a real database."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from app.core.db import Database
from app.core.ids import new_id
from app.orders import effects
from tests.sync.market import now, order, package
from tests.sync.scene import Scene, open_scene

PLACED = now() - timedelta(hours=2)
SENT = PLACED + timedelta(minutes=10)
SETTLED = SENT + timedelta(minutes=20)


@pytest.fixture
async def scene(database: Database, owner_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(database, owner_url, tmp_path) as scene:
        await scene.ingest(order(at=PLACED), read_at=PLACED)
        yield scene


async def ids(scene: Scene) -> tuple[UUID, UUID]:
    [row] = await scene.packages()
    return row["order_id"], row["id"]


async def arranged(scene: Scene) -> None:
    """Our arrange call was sent at SENT and is confirmed."""
    order_id, package_id = await ids(scene)
    await scene.context.database.transact(
        effects.mark_arranged, scene.merchant_id, order_id, package_id, handover="pickup", until=SETTLED
    )


async def read(scene: Scene, at: datetime, *, read_at: datetime, status: str = "to_process") -> None:
    await scene.ingest(order(at=at, packages=(package(status=status),)), read_at=read_at)  # type: ignore[arg-type]


async def test_a_read_that_lags_behind_our_effect_is_overlaid(scene: Scene) -> None:
    await arranged(scene)

    await read(scene, PLACED, read_at=SENT + timedelta(minutes=1))
    await read(scene, SENT + timedelta(minutes=2), read_at=SENT + timedelta(minutes=3))

    row = await scene.order()
    [parcel] = await scene.packages()
    assert (row["stage"], parcel["status"], parcel["handover"]) == ("processed", "processed", "pickup")
    assert row["processed_outside"] is False


async def test_an_old_state_with_the_old_time_is_no_take_back_however_late(scene: Scene) -> None:
    await arranged(scene)

    await read(scene, PLACED, read_at=SETTLED + timedelta(hours=1))

    assert (await scene.order())["stage"] == "processed"


async def test_the_channel_takes_back_once_every_lag_is_over(scene: Scene) -> None:
    await arranged(scene)
    taken_back = SENT + timedelta(minutes=5)
    await read(scene, taken_back, read_at=SENT + timedelta(minutes=6))
    within = await scene.order()

    await read(scene, taken_back, read_at=SETTLED + timedelta(seconds=1))

    row = await scene.order()
    [parcel] = await scene.packages()
    assert within["stage"] == "processed"
    assert (row["stage"], parcel["effect_state"], parcel["handover"]) == ("to_process", None, None)
    assert "shipment.taken_back" in await scene.history()


async def test_the_overlay_ends_when_the_channel_agrees(scene: Scene) -> None:
    await arranged(scene)

    await read(scene, SENT, read_at=SENT + timedelta(minutes=1), status="processed")

    [parcel] = await scene.packages()
    assert (parcel["status"], parcel["effect_state"], parcel["effect_until"]) == ("processed", None, None)
    assert (await scene.order())["processed_outside"] is False


async def test_a_replica_that_lags_within_one_second_moves_nothing_back(scene: Scene) -> None:
    await read(scene, SENT, read_at=SENT + timedelta(seconds=1), status="processed")

    await read(scene, SENT, read_at=SENT + timedelta(seconds=2), status="to_process")

    assert (await scene.order())["stage"] == "processed"


async def test_a_package_the_channel_gives_back_waits_again(scene: Scene) -> None:
    await read(scene, SENT, read_at=SENT + timedelta(seconds=1), status="processed")
    outside = (await scene.order())["processed_outside"]

    await read(scene, SENT + timedelta(minutes=1), read_at=SENT + timedelta(minutes=2), status="to_process")

    row = await scene.order()
    assert (outside, row["processed_outside"], row["stage"]) == (True, False, "to_process")
    assert "shipment.taken_back" in await scene.history()


@pytest.mark.parametrize(("status", "shown"), [("to_process", "processing"), ("processed", "processed")])
async def test_an_open_intent_shows_as_processing_until_the_channel_is_ahead(
    scene: Scene, status: str, shown: str
) -> None:
    order_id, package_id = await ids(scene)
    await scene.context.database.transact(effects.begin, scene.merchant_id, {package_id: new_id()}, [order_id])

    await read(scene, SENT, read_at=SENT, status=status)

    row = await scene.order()
    assert (row["stage"], row["processed_outside"]) == (shown, False)


@pytest.mark.parametrize("status", ["in_transit", "delivered", "cancelled"])
async def test_states_ahead_of_our_effect_apply_at_once(scene: Scene, status: str) -> None:
    await arranged(scene)

    await read(scene, SENT + timedelta(minutes=1), read_at=SENT + timedelta(minutes=2), status=status)

    [parcel] = await scene.packages()
    assert (parcel["status"], parcel["effect_state"]) == (status, None)


async def test_a_late_confirmation_does_not_move_a_package_back(scene: Scene) -> None:
    await read(scene, SENT, read_at=SENT + timedelta(seconds=1), status="in_transit")

    await arranged(scene)

    [parcel] = await scene.packages()
    assert parcel["status"] == "in_transit"
