"""What is recorded about reports: who takes data out."""

from typing import Final

from app.journal.catalogue import Event, Facts, Nothing


class Export(Facts):
    """How orders were written, and by which filters; not what was looked for."""

    grain: str
    columns: str
    filters: list[str]


EXPORTED: Final = Event("report.exported", Nothing, Export, "Report exported", "Laporan diunduh", kind="audit")
