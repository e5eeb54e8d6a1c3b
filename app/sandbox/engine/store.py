"""Durable state in one SQLite file: what was answered is on disk before the answer leaves."""

import fcntl
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
create table if not exists things (kind text, id text, body text, primary key (kind, id));
create table if not exists due (seq integer primary key autoincrement, at real, channel text, kind text, args text);
create index if not exists due_at on due (at, seq);
"""


class FolderInUse(Exception):
    """Another sandbox runs on this folder."""


class Store:
    """Things by kind and id, numbers that never repeat, and what is due later. One process per folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(f"Another sandbox runs on {folder}; set PLUGOSYNC_HOME or --home.") from None
        self.db = sqlite3.connect(folder / "world.sqlite", isolation_level=None)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = normal")  # in the kernel before the answer: a SIGKILL loses nothing
        self.db.executescript(_SCHEMA)
        self._numbers: dict[str, int] = self.load("number")
        self._next_due = self._read_next_due()

    def close(self) -> None:
        """Give the folder back."""
        self.db.close()
        self._lock.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing on disk. Commits even when the body raises: memory has changed by then, disk must agree."""
        if self.db.in_transaction:
            yield
            return
        self.db.execute("begin")
        try:
            yield
        finally:
            self.db.execute("commit")

    def put(self, kind: str, id: str, body: Any) -> None:
        """Insert one thing or change it; it keeps its place in the order of insertion."""
        self.db.execute(
            "insert into things values (?, ?, ?) on conflict do update set body = excluded.body",
            (kind, id, json.dumps(body)),
        )

    def load(self, kind: str) -> dict[str, Any]:
        """Every thing of a kind, in order of insertion."""
        rows = self.db.execute("select id, body from things where kind = ? order by rowid", (kind,))
        return {id: json.loads(body) for id, body in rows}

    def remove(self, kind: str, id: str) -> None:
        """Drop one thing, if it is there."""
        self.db.execute("delete from things where kind = ? and id = ?", (kind, id))

    def clear(self, kind: str) -> None:
        """Drop all things of a kind."""
        self.db.execute("delete from things where kind = ?", (kind,))

    def next_number(self, name: str) -> int:
        """A number that this folder never gives again, not even after a reset."""
        value = self._numbers.get(name, 0) + 1
        self._numbers[name] = value
        self.put("number", name, value)
        return value

    def add_due(self, at: float, channel: str, kind: str, args: dict[str, Any]) -> None:
        """Something happens at `at` (sandbox time)."""
        self.db.execute(
            "insert into due (at, channel, kind, args) values (?, ?, ?, ?)", (at, channel, kind, json.dumps(args))
        )
        self._next_due = at if self._next_due is None else min(at, self._next_due)

    def take_due(self, until: float) -> tuple[float, str, str, dict[str, Any]] | None:
        """The earliest thing that is due, removed; equal moments in the order they were planned."""
        if self._next_due is None or self._next_due > until:
            return None
        row = self.db.execute("select seq, at, channel, kind, args from due order by at, seq limit 1").fetchone()
        self.db.execute("delete from due where seq = ?", (row[0],))
        self._next_due = self._read_next_due()
        return row[1], row[2], row[3], json.loads(row[4])

    def clear_due(self) -> None:
        """Nothing is due any more."""
        self.db.execute("delete from due")
        self._next_due = None

    def _read_next_due(self) -> float | None:
        at: float | None = self.db.execute("select min(at) from due").fetchone()[0]
        return at
