"""Whatever goes wrong at the marketplace while two people ship the same orders, every parcel goes out once.

A seed decides orders, faults, buyers and clicks. More seeds: `PLUGOSYNC_TEST_SEEDS=50` or, one alone, `=7:8`.
"""

import asyncio
import os
import random
from collections import Counter, defaultdict
from typing import Any

import pytest

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World

LOST = ["timeout_before", "timeout_after", "error_before", "error_after", "disconnect", "malformed", "truncated"]
FAULTS = {
    "ship": [*LOST, "late_effect", "slow", "throttle", "revoke_token"],
    "get_order": ["error_before", "throttle", "malformed", "truncated", "disconnect", "omit_item"],
    "shipping_options": ["timeout_before", "error_before", "throttle", "malformed", "disconnect"],
    "list_orders": ["error_before", "throttle", "truncated", "duplicate_page", "shifting_page"],
    "token_refresh": ["error_before", "throttle", "rotate_then_drop", "disconnect"],
}
LATEST_EFFECT_SECONDS, LONGEST_LAG_SECONDS = 400, 600
"""Together with a call's timeout inside Shopee's settle window."""
STAGES = {
    "paid": ("ready_to_ship", "to_process"),
    "arranged": ("ready_to_ship", "processed"),
    "cancelled": ("cancelled", None),
}


def seeds() -> range:
    """Six unless the environment asks for more, or for a stretch `from:to`."""
    start, _, end = os.environ.get("PLUGOSYNC_TEST_SEEDS", "2").rpartition(":")
    return range(int(start or 0), int(end))


class Run:
    """One seed: its plan, and what it did."""

    def __init__(self, seed: int, world: World, merchant: Merchant, shop: SimulatedShop) -> None:
        self.random = random.Random(seed)
        self.world, self.merchant, self.shop = world, merchant, shop
        self.numbers: list[str] = []
        self.operations: list[str] = []
        self.log: list[str] = [f"seed {seed}"]

    async def prepare(self) -> None:
        """Fifteen orders, some of them split, imported."""
        for packages, count in ((1, 10), (2, 3), (3, 2)):
            self.numbers += await self.shop.place_orders(count, lines=packages, packages=packages)
        self.random.shuffle(self.numbers)
        await self.merchant.import_orders()
        await self.world.work()
        if self.random.random() < 0.5:  # the token is about to be renewed
            await self.world.pass_time(3.3 * 3600)

    async def plan_faults(self) -> None:
        """Some for every kind of call; a second ship is a second parcel in most runs."""
        for operation, modes in FAULTS.items():
            is_effect = operation == "ship"
            for mode in self.random.sample(modes, self.random.randint(2, 4) if is_effect else 1):
                await self.plan(operation, mode, times=self.random.randint(1, 4 if is_effect else 2))
        if self.random.random() < 0.8:
            await self.plan("ship", "accept_duplicates", probability=1)
        if self.random.random() < 0.7:
            lag = self.random.randint(5, LONGEST_LAG_SECONDS)
            await self.plan("ship", "stale_read", probability=0.7, delay_ms=lag * 1000)

    async def plan(self, operation: str, mode: str, **more: Any) -> None:
        if mode == "late_effect":
            more["delay_ms"] = self.random.randint(2, LATEST_EFFECT_SECONDS) * 1000
        elif mode == "slow":
            more["delay_ms"] = 1500  # the caller gives up after a second
        self.log.append(f"{operation} {mode} {more}")
        await self.shop.plan_fault(operation, mode, seed=self.random.randint(0, 999), **more)

    async def arrange(self) -> None:
        """Somebody ships most of the orders."""
        wanted = self.random.sample(self.numbers, self.random.randint(9, 15))
        self.operations.append(await self.merchant.arrange(wanted, "dropoff"))
        self.log.append(f"arrange {self.operations[-1]}: {wanted}")

    async def buyers(self, *, most: int) -> None:
        """They cancel, or ask to; and the seller centre is open in another window."""
        for number in self.random.sample(self.numbers, self.random.randint(0, most)):
            await asyncio.sleep(self.random.uniform(0, 0.2))
            to = self.random.choice(["cancel_requested", "cancelled", "arranged", "edited"])
            done = await self.shop.try_to_advance(number, to)
            self.log.append(f"{number} {to}: {'done' if done else 'impossible'}")

    async def suffer(self) -> None:
        """Two clicks, buyers and faults at once, then a third click while reads lag."""
        await self.arrange()
        await asyncio.gather(self.world.work(), self.buyers(most=2), self.arrange())
        for step in range(3):
            await self.world.pass_time(self.random.choice([3, 15, 61, 200]))
            await self.buyers(most=1)
            if step == 1:
                await self.merchant.import_orders()
                await self.world.work()
                await self.arrange()

    async def heal(self) -> None:
        """No more faults, every open question is answered, and time goes on until everything has come to rest."""
        await self.shop.heal()
        if (await self.merchant.get("/v1/connections"))["data"][0]["state"] == "needs_reauth":
            self.log.append("consent again")
            await self.world.consent_again(self.merchant, self.shop)
        for number in self.numbers:
            if (await self.shop.truth(number))["cancellation"] == "requested":
                await self.shop.advance(number, "cancelled")
        await self.come_to_rest()

    async def come_to_rest(self) -> None:
        """As long as late effects and reads that lag may take, at most until every pause after the settle window."""
        await self.world.pass_time(70)
        for seconds in (1260, 10, 10, 30, 620, 620, 620):
            await self.world.pass_time(seconds)
            if all([(await self.merchant.operation(one))["finished_at"] for one in self.operations]):
                break
        await self.merchant.import_orders()
        await self.world.pass_time(20)

    async def retry(self) -> None:
        """Those that failed and may be tried again."""
        for operation in self.operations:
            if any(item["retryable"] for item in (await self.merchant.items(operation)).values()):
                self.log.append(f"retry {operation}")
                await self.merchant.post(f"/v1/operations/{operation}/retry")
        await self.world.work()
        await self.come_to_rest()

    async def check(self) -> None:
        """The invariants, against the marketplace's own ledger."""
        entries: defaultdict[str, list[tuple[str, str | None]]] = defaultdict(list)
        for operation in self.operations:
            await self._check_operation(operation, entries)
        calls = await self.shop.ledger("ship", self.numbers)
        fences = await self._fences()
        for number in self.numbers:
            await self._check_order(number, calls, entries, fences)
        left = await self.world.sql(
            "select i.state, o.order_number from effect_intents i join orders o on o.merchant_id = i.merchant_id"
            " and o.id = i.order_id where o.order_number = any($1) and i.state in ('planned', 'sent', 'unknown')",
            self.numbers,
        )
        assert left == [], "intents that nobody closed"

    async def _check_operation(self, operation: str, entries: dict[str, list[tuple[str, str | None]]]) -> None:
        seen = await self.merchant.operation(operation)
        items = await self.merchant.items(operation)
        states = Counter(item["state"] for item in items.values())
        assert seen["finished_at"] is not None, f"{operation} is {seen['state']}: {dict(states)}"
        assert seen["counts"] == {**dict.fromkeys(seen["counts"], 0), **states, "total": len(items)}
        assert states.keys() <= {"succeeded", "skipped", "failed"}, f"{operation}: {dict(states)}"
        for number, item in items.items():
            assert (item["code"] is None) == (item["state"] == "succeeded"), f"{number} has no reason: {item}"
            for package in item["packages"]:
                assert package["state"] in ("succeeded", "skipped", "failed"), f"{number}: {item}"
                entries[package["package_number"]].append((package["state"], package["code"]))

    async def _check_order(
        self,
        number: str,
        calls: dict[str, list[bool]],
        entries: dict[str, list[tuple[str, str | None]]],
        fences: dict[str, int],
    ) -> None:
        truth, order = await self.shop.truth(number), await self.merchant.order(number)
        assert (order["status"], order["stage"]) == STAGES[truth["state"]], f"{number}: {truth} {order}"
        assert (order["cancellation"] or {"state": "none"})["state"] == truth["cancellation"], f"{number}: {truth}"
        ours = {one["package_number"]: one["tracking_number"] for one in order["packages"]}
        assert ours == {one["package_number"]: one["tracking_number"] for one in truth["packages"]}, number
        for package in truth["packages"]:
            name = package["package_number"]
            made = calls.get(name, [])
            about = f"{number}/{name}: calls {made}, outcomes {entries[name]}, {package['state']}"
            assert made.count(True) <= 1, f"shipped twice: {about}"
            assert True not in made[:-1], f"called again after it was shipped: {about}"
            # A shared call that lists the package as refused is followed by one for it alone: that tells why.
            assert len(made) <= 2 * fences.get(name, 0), f"called without an intent: {about}"
            states = [state for state, _ in entries[name]]
            if True in made and truth["state"] != "cancelled":
                assert "succeeded" in states, f"shipped, and nobody says so: {about}"
            if "succeeded" in states:
                assert package["state"] in ("arranged", "cancelled"), f"said to be shipped: {about}"
            assert states.count("succeeded") <= 1, f"two operations shipped it: {about}"

    async def _fences(self) -> dict[str, int]:
        rows = await self.world.sql(
            "select p.package_number, sum(i.fence)::int as fence from effect_intents i join packages p"
            " on p.merchant_id = i.merchant_id and p.id = i.target join orders o on o.merchant_id = p.merchant_id"
            " and o.id = p.order_id where o.order_number = any($1) group by 1",
            self.numbers,
        )
        return {row["package_number"]: row["fence"] for row in rows}


@pytest.mark.parametrize("seed", seeds())
async def test_every_parcel_goes_out_once(world: World, merchant: Merchant, shop: SimulatedShop, seed: int) -> None:
    run = Run(seed, world, merchant, shop)
    try:
        await run.prepare()
        await run.plan_faults()
        await run.suffer()
        await run.heal()
        await run.check()
        await run.retry()
        await run.check()
    except BaseException as error:
        error.add_note("\n".join(run.log))
        raise
