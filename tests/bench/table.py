"""What was measured, beside what was promised."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `is_met` is None when nothing was promised."""

    what: str
    figure: str
    goal: str = ""
    is_met: bool | None = None
    note: str = ""


def show(console: Console, title: str, rows: list[Row]) -> None:
    """Print the figures."""
    table = Table(title=title)
    for column in ("what", "measured", "goal", "", "note"):
        table.add_column(column, overflow="fold")
    for row in rows:
        mark = {True: "[green]met[/]", False: "[red]short[/]", None: ""}[row.is_met]
        table.add_row(row.what, row.figure, row.goal, mark, row.note)
    console.print(table)
