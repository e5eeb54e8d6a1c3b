"""Durable state in one SQLite file: what was answered is on disk before the answer leaves."""

import json
import sqlite3
from pathlib import Path
from typing import Any

_SCHEMA = """
create table if not exists things (kind text, id text, body text, primary key (kind, id));
create table if not exists ledger (
  seq integer primary key autoincrement, at real, channel text, operation text, order_number text, package_number text,
  effective integer, call_id text, params text);
create index if not exists ledger_order on ledger (order_number);
create table if not exists calls (channel text, operation text, order_number text, n integer,
  primary key (channel, operation, order_number));
create table if not exists due (seq integer primary key autoincrement, at real, channel text, kind text, args text);
"""


class Store:
    """Things by kind and id, the ledger, call counts, and what is due later."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "sandbox.sqlite", isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def put(self, kind: str, id: str, body: Any) -> None:
        """Insert or replace one thing."""
        self._db.execute("insert or replace into things values (?, ?, ?)", (kind, id, json.dumps(body)))

    def load(self, kind: str) -> dict[str, Any]:
        """Every thing of a kind, in order of insertion."""
        rows = self._db.execute("select id, body from things where kind = ? order by rowid", (kind,))
        return {id: json.loads(body) for id, body in rows}

    def delete(self, kind: str) -> None:
        """Drop all things of a kind."""
        self._db.execute("delete from things where kind = ?", (kind,))

    def next_number(self, name: str) -> int:
        """A number that this folder never gives again."""
        value = int(self.load("number").get(name, 0)) + 1
        self.put("number", name, value)
        return value

    # --- ledger -------------------------------------------------------------------------------------------------------

    def record(self, rows: list[tuple[float, str, str, str | None, str | None, bool, str, dict[str, Any]]]) -> None:
        """Append ledger rows: at, channel, operation, order, package, effective, call id, parameters."""
        self._db.executemany(
            "insert into ledger (at, channel, operation, order_number, package_number, effective, call_id, params)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            [(*row[:5], int(row[5]), row[6], json.dumps(row[7])) for row in rows],
        )

    def list_ledger(self, channel: str | None, order_number: str | None, operation: str | None) -> list[dict[str, Any]]:
        """Ledger rows, oldest first."""
        rows = self._db.execute(
            "select seq, at, channel, operation, order_number, package_number, effective, call_id, params from ledger"
            " where (?1 is null or channel = ?1) and (?2 is null or order_number = ?2) and (?3 is null or"
            " operation = ?3)"
            " order by seq",
            (channel, order_number, operation),
        )
        names = (
            "seq",
            "at",
            "channel",
            "operation",
            "order_number",
            "package_number",
            "effective",
            "call_id",
            "params",
        )
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for row in found:
            row["effective"] = bool(row["effective"])
            row["params"] = json.loads(row["params"])
        return found

    def count_call(self, channel: str, operation: str, order_number: str) -> None:
        """One more call."""
        self._db.execute(
            "insert into calls values (?, ?, ?, 1) on conflict do update set n = n + 1",
            (channel, operation, order_number),
        )

    def list_calls(self, channel: str | None, operation: str | None, order_number: str | None) -> list[dict[str, Any]]:
        """Call counts by operation."""
        rows = self._db.execute(
            "select operation, sum(n) from calls where (?1 is null or channel = ?1) and (?2 is null or operation = ?2)"
            " and order_number = coalesce(?3, '') group by operation order by operation",
            (channel, operation, order_number),
        )
        return [{"operation": name, "count": count} for name, count in rows]

    def clear_history(self) -> None:
        """Forget ledger, calls and what is due."""
        for table in ("ledger", "calls", "due"):
            self._db.execute(f"delete from {table}")  # noqa: S608 (our names)

    # --- due ----------------------------------------------------------------------------------------------------------

    def add_due(self, at: float, channel: str, kind: str, args: dict[str, Any]) -> None:
        """Something happens at `at` (sandbox time)."""
        self._db.execute(
            "insert into due (at, channel, kind, args) values (?, ?, ?, ?)", (at, channel, kind, json.dumps(args))
        )

    def take_due(self, until: float) -> tuple[float, str, str, dict[str, Any]] | None:
        """The earliest thing that is due, removed."""
        row = self._db.execute(
            "select seq, at, channel, kind, args from due where at <= ? order by at, seq limit 1", (until,)
        ).fetchone()
        if row is None:
            return None
        self._db.execute("delete from due where seq = ?", (row[0],))
        return row[1], row[2], row[3], json.loads(row[4])
