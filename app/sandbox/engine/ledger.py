"""The marketplaces' own record: every state-changing call, and how often anything was called."""

import json
from collections.abc import Iterable
from typing import Any

from app.sandbox.engine.store import Store

_SCHEMA = """
create table if not exists ledger (
  seq integer primary key autoincrement, at real, channel text, operation text, order_number text, package_number text,
  effective integer, call_id text, params text);
create index if not exists ledger_order on ledger (order_number);
create table if not exists calls (channels text, operation text, order_number text, n integer,
  primary key (channels, operation, order_number));
"""
_COLUMNS = ("seq", "at", "channel", "operation", "order_number", "package_number", "effective", "call_id", "params")
_SEPARATOR = "|"


class Ledger:
    """Append-only until a reset."""

    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._db.executescript(_SCHEMA)

    def record(
        self,
        *,
        at: float,
        channel: str,
        operation: str,
        is_effective: bool,
        call_id: str,
        order_number: str | None = None,
        package_number: str | None = None,
        params: dict[str, Any],
    ) -> None:
        """One effect, or a call that changed nothing. A call naming n packages records n rows with one `call_id`."""
        row = (at, channel, operation, order_number, package_number, int(is_effective), call_id, json.dumps(params))
        self._db.execute(
            "insert into ledger (at, channel, operation, order_number, package_number, effective, call_id, params)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def list_rows(self, channel: str | None, order_number: str | None, operation: str | None) -> list[dict[str, Any]]:
        """Rows, oldest first."""
        rows = self._db.execute(
            "select seq, at, channel, operation, order_number, package_number, effective, call_id, params from ledger"
            " where (?1 is null or channel = ?1) and (?2 is null or order_number = ?2)"
            " and (?3 is null or operation = ?3) order by seq",
            (channel, order_number, operation),
        )
        found = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        for row in found:
            row["effective"] = bool(row["effective"])
            row["params"] = json.loads(row["params"])
        return found

    def count_call(self, channels: Iterable[str], operation: str, order_numbers: Iterable[str]) -> None:
        """One more call, once for the operation and once for each order it names."""
        joined = _SEPARATOR.join(sorted(channels))
        self._db.executemany(
            "insert into calls values (?, ?, ?, 1) on conflict do update set n = n + 1",
            [(joined, operation, number) for number in ("", *order_numbers)],
        )

    def list_calls(self, channel: str | None, operation: str | None, order_number: str | None) -> list[dict[str, Any]]:
        """Call counts by operation. A call at an API that serves two channels counts for each, and once in all."""
        rows = self._db.execute(
            "select operation, sum(n) from calls"
            " where (?1 is null or instr(?4 || channels || ?4, ?4 || ?1 || ?4)) and (?2 is null or operation = ?2)"
            " and order_number = coalesce(?3, '') group by operation order by operation",
            (channel, operation, order_number, _SEPARATOR),
        )
        return [{"operation": name, "count": count} for name, count in rows]

    def clear(self) -> None:
        """Forget everything; sequence numbers go on."""
        self._db.execute("delete from ledger")
        self._db.execute("delete from calls")
