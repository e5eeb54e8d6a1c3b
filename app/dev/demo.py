"""`make demo`: a seller's whole day through the public API, channel by channel, as any client would do it."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.core.settings import Settings
from app.dev.http import Caller, CallFailed
from app.dev.processes import answers, spawn, stop, wait_until
from app.dev.seed import Demo

ORDERS_PER_CHANNEL = 12
_PATIENCE_SECONDS = 90
console = Console(highlight=False, soft_wrap=True)


@dataclass
class Day:
    """What was done on one channel."""

    channel: str
    placed: int
    imported: int = 0
    received: int = 0
    arranged: int = 0
    labelled: int = 0
    tracked: int = 0
    seconds: float = 0.0
    files: list[Path] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether every order went all the way."""
        return {self.imported, self.arranged, self.labelled, self.tracked} == {self.placed}


class Seller:
    """The merchant at the desk, with the sandbox's controls for what buyers, couriers and time do."""

    def __init__(self, api: Caller, sandbox: Caller, folder: Path) -> None:
        self._api = api
        self._sandbox = sandbox
        self._folder = folder

    def work_a_day(self, channel: str, progress: Progress) -> Day:
        """New orders arrive; import, receive where needed, arrange, print, hand over, track."""
        began = time.monotonic()
        steps = (
            ("import", self._import),
            ("receive", self._receive),
            ("arrange", self._arrange),
            ("labels", self._print_labels),
            ("invoices", self._print_invoices),
            ("courier", self._hand_over),
            ("track", self._track),
        )
        bar = progress.add_task(channel, total=len(steps), step="new orders arrive")
        shop_id = self._sandbox.get("/_control/credentials")[channel]["shops"][0]["shop_id"]
        wishes = {"count": ORDERS_PER_CHANNEL, "shop_id": shop_id}
        numbers: list[str] = self._sandbox.post(f"/_control/{channel}/orders", wishes)["order_numbers"]
        day = Day(channel, len(numbers))
        for name, do in steps:
            progress.update(bar, step=name)
            do(day, numbers)
            progress.advance(bar)
        day.seconds = time.monotonic() - began
        progress.update(bar, step="done")
        return day

    def export(self) -> Path:
        """Everything as CSV."""
        file = self._folder / "orders.csv"
        file.write_bytes(self._api.content("/v1/orders/export.csv"))
        return file

    def _import(self, day: Day, numbers: list[str]) -> None:
        self._finish(self._api.post("/v1/imports", {"channel": day.channel}))
        day.imported = len(self._orders(numbers))

    def _receive(self, day: Day, numbers: list[str]) -> None:
        waiting = [order["id"] for order in self._orders(numbers) if _may(order, "receive")]
        if waiting:
            day.received = self._bulk("receive", waiting)["counts"]["succeeded"]

    def _arrange(self, day: Day, numbers: list[str]) -> None:
        order_ids = [order["id"] for order in self._orders(numbers)]
        options = self._api.post("/v1/shipments/options", {"order_ids": order_ids})
        if not options["groups"]:
            raise CallFailed(f"No order of {day.channel} can be arranged: {options['exceptions'][:3]}")
        methods = options["common_methods"] or [method["method"] for method in options["groups"][0]["methods"]]
        method = "pickup" if "pickup" in methods else methods[0]
        body = {"selection": {"order_ids": order_ids}, "handover": {"method": method}}
        day.arranged = self._finish(self._api.post("/v1/shipments", body))["counts"]["succeeded"]

    def _print_labels(self, day: Day, numbers: list[str]) -> None:
        order_ids = [order["id"] for order in self._orders(numbers)]
        printed = self._bulk("print_labels", order_ids)
        day.labelled = printed["counts"]["succeeded"]
        self._save_documents(day, printed, "labels")

    def _print_invoices(self, day: Day, numbers: list[str]) -> None:
        order_ids = [order["id"] for order in self._orders(numbers)]
        self._save_documents(day, self._bulk("print_invoices", order_ids), "invoices")

    def _hand_over(self, day: Day, numbers: list[str]) -> None:
        """Couriers report what they collect; of the merchant's own couriers only the merchant knows."""
        orders = self._orders(numbers)
        mine = [order["id"] for order in orders if _may(order, "mark_dispatched")]
        if mine:
            self._bulk("mark_dispatched", mine)
        for order in orders:
            if order["id"] not in mine:
                for step in ("collected", "in_transit"):
                    path = f"/_control/{day.channel}/orders/{order['order_number']}/advance"
                    self._sandbox.post(path, {"to": step})

    def _track(self, day: Day, numbers: list[str]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while day.tracked < len(numbers) and time.monotonic() < deadline:
            self._pass_time(20)
            on_the_way = [order for order in self._orders(numbers) if order["status"] == "on_delivery"]
            if len(on_the_way) == len(numbers):
                timelines = [self._api.get(f"/v1/orders/{order['id']}/tracking") for order in on_the_way]
                day.tracked = sum(any(part["events"] for part in one["packages"]) for one in timelines)
            else:
                time.sleep(0.3)

    def _orders(self, numbers: list[str]) -> list[dict[str, Any]]:
        return self._api.list_all("/v1/orders", order_number=numbers)

    def _bulk(self, action: str, order_ids: list[str]) -> dict[str, Any]:
        body = {"action": action, "selection": {"order_ids": order_ids}}
        return self._finish(self._api.post("/v1/orders/bulk", body))

    def _finish(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Wait for the end; what a marketplace delays (tracking numbers, labels) is brought near by its clock."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while operation["state"] in {"queued", "running"}:
            if time.monotonic() > deadline:
                raise CallFailed(f"{operation['kind']} has not ended after {_PATIENCE_SECONDS} seconds.")
            operation = self._api.get(f"/v1/operations/{operation['id']}", wait=1)
            if operation["state"] == "running":
                self._pass_time(10)
        return operation

    def _pass_time(self, seconds: int) -> None:
        self._sandbox.post("/_control/clock", {"advance_seconds": seconds})

    def _save_documents(self, day: Day, operation: dict[str, Any], name: str) -> None:
        for number, document in enumerate(operation["result"]["documents"], 1):
            suffix = f"-{number}" if number > 1 else ""
            file = self._folder / f"{day.channel}-{name}{suffix}.pdf"
            file.write_bytes(self._api.content(f"/v1/documents/{document['id']}/content"))
            day.files.append(file)


def _may(order: dict[str, Any], action: str) -> bool:
    return any(step["action"] == action and step["is_allowed"] for step in order["next_actions"])


def run(settings: Settings) -> int:
    """Use the running service or start one for the day. Answers the exit code."""
    home = settings.home.absolute()
    folder = home / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    with _service(home) as demo, Caller(demo.api_url, demo.api_key) as api, Caller(demo.sandbox_url) as sandbox:
        seller = Seller(api, sandbox, folder)
        connected = {shop["channel"] for shop in api.list_all("/v1/shops") if shop["state"] == "ok"}
        channels = [entry["channel"] for entry in api.get("/v1/channels")["data"] if entry["channel"] in connected]
        columns = (TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, TextColumn("{task.fields[step]}"), console=console) as progress:
            days = [seller.work_a_day(channel, progress) for channel in channels]
        files = [*(file for day in days for file in day.files), seller.export()]
    _print(days, files)
    return 0 if days and all(day.is_complete for day in days) else 1


@contextmanager
def _service(home: Path) -> Iterator[Demo]:
    """The service of `make run`; started here, and stopped again, when none is running on this folder."""
    file = home / "demo.json"
    if file.exists():
        known = Demo(**json.loads(file.read_text()))
        if answers(f"{known.api_url}/healthz"):
            yield known
            return
        file.unlink()  # left by a service that was killed
    log = home / "logs" / "dev.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    console.print("Starting the service ...", style="dim")
    process = spawn([sys.executable, "-m", "app.cli", "dev"], log=log)
    try:
        wait_until(file.exists, process, what="The service", log=log, seconds=90)
        yield Demo(**json.loads(file.read_text()))
    finally:
        stop(process, grace_seconds=15)


def _print(days: list[Day], files: list[Path]) -> None:
    table = Table("channel", title="The day")
    for column in ("imported", "received", "arranged", "labelled", "tracked", "seconds"):
        table.add_column(column, justify="right")
    for day in days:
        counts = (day.imported, day.received, day.arranged, day.labelled, day.tracked)
        table.add_row(day.channel, *(str(count) for count in counts), f"{day.seconds:.1f}")
    console.print(table)
    for file in files:
        console.print(f"{file}  ({file.stat().st_size:,} bytes)", markup=False)
