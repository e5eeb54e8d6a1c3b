"""How fast the order desk reads: pages, searches, filters, counts, the report, and how fast bulk work is accepted."""

import asyncio
import json
import statistics
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

import httpx

from tests.bench.clients import Connection, Measured, drive, repeat
from tests.bench.dataset import RARE_COURIER, Dataset
from tests.bench.stage import Api
from tests.bench.table import Row

CLIENTS = 8
_ROUNDS = 3
_SECONDS = 3.0
_PAGE = "/v1/orders?status=completed&limit=50"


class Reader:
    """Measures one API with one merchant's key."""

    def __init__(self, api: Api, token: str, data: Dataset) -> None:
        self._api = api
        self._token = token
        self._data = data

    async def page_rows(self, reference_url: str) -> list[Row]:
        """Pages against the reference, round by round in turn: both meet the same noise."""
        ours: list[Measured] = []
        theirs: list[Measured] = []
        for _ in range(_ROUNDS):
            theirs.append(await drive(reference_url, ["/"], token=None, clients=CLIENTS, seconds=_SECONDS))
            ours.append(await self._drive([_PAGE]))
        reference, page = _middle(theirs), _middle(ours)
        everything = await self._drive(["/v1/orders?limit=50"])
        alone = await repeat(self._api.url, _PAGE, token=self._token, times=200)
        ratio = page.per_second / reference.per_second
        size = f"{reference.size / 1024:.0f} KiB"
        return [
            Row("reference page", f"{reference.per_second:.0f}/s, p50 {reference.median:.1f} ms", note=size),
            Row(
                "order page (a tab)",
                f"{page.per_second:.0f}/s, p50 {page.median:.1f} ms",
                note=f"{page.size / 1024:.0f} KiB, {CLIENTS} clients",
            ),
            Row("order page ÷ reference", f"{ratio:.2f}", "≥ 0.8", ratio >= 0.8),
            Row("order page, one client", f"p50 {alone.median:.1f} ms", "p50 ≤ 5 ms", alone.median <= 5),
            Row("order page (all orders)", f"{everything.per_second:.0f}/s, p50 {everything.median:.1f} ms"),
        ]

    async def deep_row(self) -> Row:
        """The first page against one far down."""
        cursor, depth = await self._walk(pages=self._data.orders // 400)
        deep = f"{_PAGE}&{urlencode({'cursor': cursor})}"
        first_times, deep_times = [], []
        for _ in range(_ROUNDS):
            first_times.append((await repeat(self._api.url, _PAGE, token=self._token, times=100)).median)
            deep_times.append((await repeat(self._api.url, deep, token=self._token, times=100)).median)
        first, far = statistics.median(first_times), statistics.median(deep_times)
        figure = f"{far:.2f} ms against {first:.2f} ms"
        return Row(f"page after {depth:,} orders", figure, "within 10 %", far <= first * 1.1)

    async def _walk(self, pages: int) -> tuple[str, int]:
        connection = await Connection(self._api.url, self._token).open()
        cursor, depth = None, 0
        # Cursors are bound to filter and sort, not to the size of the page.
        for _ in range(pages):
            more = f"&{urlencode({'cursor': cursor})}" if cursor else ""
            page = json.loads(await connection.get(f"/v1/orders?status=completed&limit=200{more}"))
            if page["page"]["next_cursor"] is None:
                break
            cursor, depth = page["page"]["next_cursor"], depth + 200
        connection.close()
        assert cursor is not None
        return cursor, depth

    async def search_rows(self) -> list[Row]:
        """Texts that are rare, common, and nowhere."""
        number, tracking = self._data.sample[0]
        wishes = {
            "a whole order number": {"q": number},
            "8 characters of a number": {"q": number[3:11]},
            "6 digits of a tracking number": {"q": tracking[4:10]},
            "buyer's full name": {"q": "dewi wijaya"},
            "a common product": {"q": "kaos"},
            "two common words": {"q": "premium seri"},
            "3 digits": {"q": "417"},
            "nothing": {"q": "zzzyx"},
            "a common product in a tab": {"q": "kaos", "status": "ready_to_ship"},
            "a common product, rare courier": {"q": "kaos", "courier": RARE_COURIER},
        }
        return await self._worst("substring search", wishes, times=30)

    async def filter_rows(self) -> list[Row]:
        """Pairs of filters, the awkward ones among them."""
        wishes = {
            "status + rare courier": {"status": "completed", "courier": RARE_COURIER},
            "status + not printed": {"status": "completed", "print_status": "not_printed"},
            "status + cancellation": {"status": "completed", "cancellation": "requested"},
            "rare courier + not printed": {"courier": RARE_COURIER, "print_status": "not_printed"},
            "rare courier + unlinked": {"courier": RARE_COURIER, "is_linked": "false"},
            "cancelled + COD": {"status": "cancelled", "is_cod": "true"},
            "channel + rare courier": {"channel": "testmart", "courier": RARE_COURIER},
            "cancellation + hold": {"cancellation": "requested", "hold": "true"},
            "overdue + COD": {"sla": "overdue", "is_cod": "true"},
            "stage + not printed": {"stage": "to_process", "print_status": "not_printed"},
        }
        return await self._worst("two filters", wishes, times=30)

    async def count_row(self) -> Row:
        """Tabs and stages."""
        counts = await repeat(self._api.url, "/v1/orders/counts", token=self._token, times=100)
        return Row("counts", f"p50 {counts.median:.1f} ms", "≤ 10 ms", counts.median <= 10)

    async def report_rows(self) -> list[Row]:
        """90 days as CSV; memory of the API process before and at its peak."""
        before = _resident_mib(self._api.pid)
        peak, rows, size, first_at = before, -1, 0, 0.0
        headers = {"Authorization": f"Bearer {self._token}"}
        began = time.perf_counter()
        async with (
            httpx.AsyncClient(base_url=self._api.url, trust_env=False, timeout=60, headers=headers) as client,
            client.stream("GET", "/v1/orders/export.csv") as answer,
        ):
            assert answer.status_code == 200
            async for piece in answer.aiter_raw():
                first_at = first_at or time.perf_counter() - began
                rows += piece.count(b"\r\n")
                size += len(piece)
                peak = max(peak, _resident_mib(self._api.pid))
        seconds = time.perf_counter() - began
        speed = rows / seconds
        note = f"{rows:,} rows, {size / 1e6:.1f} MB, first byte {first_at * 1000:.0f} ms"
        grown = peak - before
        return [
            Row("CSV over HTTP", f"{speed:,.0f} rows/s", "≥ 60,000 rows/s", speed >= 60_000, note),
            Row("CSV, memory of the API", f"+{grown:.1f} MiB", "no growth", grown < 10, f"{before:.0f} MiB before"),
        ]

    async def accept_row(self) -> Row:
        """A bulk action on 100 orders, until its 202."""
        ids = [f"ord_{order_id.hex}" for order_id in self._data.open_ids[:100]]
        body = {"action": "hold", "selection": {"order_ids": ids}, "options": {"reason": "bench"}, "dry_run": True}
        latencies: list[float] = []
        headers = {"Authorization": f"Bearer {self._token}"}
        async with httpx.AsyncClient(base_url=self._api.url, trust_env=False, headers=headers) as client:
            for _ in range(40):
                key = {"Idempotency-Key": str(uuid.uuid4())}
                start = time.perf_counter()
                answer = await client.post("/v1/orders/bulk", json=body, headers=key)
                latencies.append(time.perf_counter() - start)
                assert answer.status_code == 202, answer.text
        measured = Measured(sum(latencies), latencies, 0)
        figure = f"p50 {measured.median:.1f} ms, p95 {measured.percentile(0.95):.1f} ms"
        return Row(f"bulk of {len(ids)} accepted", figure, "≤ 50 ms", measured.median <= 50)

    async def _drive(self, paths: Sequence[str]) -> Measured:
        return await drive(self._api.url, paths, token=self._token, clients=CLIENTS, seconds=_SECONDS)

    async def _worst(self, what: str, wishes: dict[str, dict[str, str]], *, times: int) -> list[Row]:
        figures: list[tuple[float, str]] = []
        for name, params in wishes.items():
            measured = await repeat(self._api.url, f"/v1/orders?{urlencode(params)}", token=self._token, times=times)
            figures.append((measured.median, name))
        rows = [Row(f"  {name}", f"p50 {median:.1f} ms") for median, name in figures]
        slowest, name = max(figures)
        return [Row(f"{what}, the slowest", f"p50 {slowest:.1f} ms", "≤ 50 ms", slowest <= 50, name), *rows]


def _middle(measured: list[Measured]) -> Measured:
    return sorted(measured, key=lambda one: one.per_second)[len(measured) // 2]


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the API process is gone")


async def measure(reader: Reader, reference_url: str) -> list[Row]:
    """Everything, one after the other: two cores bear no more."""
    rows = await reader.page_rows(reference_url)
    await asyncio.sleep(0)
    rows.append(await reader.deep_row())
    rows += await reader.search_rows()
    rows += await reader.filter_rows()
    rows.append(await reader.count_row())
    rows += await reader.report_rows()
    rows.append(await reader.accept_row())
    return rows
