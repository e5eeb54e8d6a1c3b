"""Every event is declared once, written somewhere, and reads well."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import app
from app.core.ids import new_id
from app.journal.catalogue import CATALOGUE, Event, describe
from app.orders import events

APP = Path(app.__file__).parent
SOURCES = {path: path.read_text() for path in APP.rglob("*.py")}
MODULES = {
    path.parent.name: importlib.import_module(f"app.{path.parent.name}.events") for path in APP.glob("*/events.py")
}
COMPUTED = {"changed", "from_state", "to_state"}


def events_in(value: object) -> list[Event[Any, Any]]:
    """An event, or several in a table."""
    found = value.values() if isinstance(value, dict) else [value]
    return [one for one in found if isinstance(one, Event)]


def test_events_are_declared_in_their_domains_and_nowhere_else() -> None:
    declared = {
        event.name for module in MODULES.values() for value in vars(module).values() for event in events_in(value)
    }

    assert declared == set(CATALOGUE)


@pytest.mark.parametrize("domain", sorted(MODULES))
def test_every_declared_event_is_written_somewhere(domain: str) -> None:
    importing = re.compile(rf"from app\.{domain} import .*\bevents\b")
    users = [text for text in SOURCES.values() if importing.search(text)]
    names = [name for name, value in vars(MODULES[domain]).items() if events_in(value) and name[0] != "_"]

    assert [name for name in names if not any(re.search(rf"events\.{name}\b", text) for text in users)] == []


def test_nothing_is_written_but_declared_events() -> None:
    other_way = re.compile(r"\bEntry\(|\bJournalRow\(|insert\(JournalRow|insert into journal\b")
    found = {path.relative_to(APP) for path, text in SOURCES.items() if other_way.search(text)}

    assert {path.parent.name for path in found} == {"journal"}


def test_every_event_reads_well_in_both_languages() -> None:
    for event in CATALOGUE.values():
        for text in (event.en, event.id):
            assert text[0].isupper() and text[-1].isalpha() and not set("{}") & set(text), event.name
        fields = {*event.before.model_fields, *event.after.model_fields}
        assert set(event.parameters) <= fields | COMPUTED, event.name


def test_facts_that_are_not_the_declared_ones_are_refused() -> None:
    order_id = new_id()

    with pytest.raises(ValidationError, match="hodl"):
        events.Hold(hold="x", hodl="y")  # type: ignore[call-arg]  # that is the point
    with pytest.raises(ValidationError, match="hold"):
        events.HELD(order_id)
    with pytest.raises(AssertionError, match=r"not the facts of order\.held"):
        events.HELD(order_id, after=events.PickPack(pick_pack="packed"))  # type: ignore[arg-type]  # that is the point


def test_entries_of_earlier_versions_are_still_sentences() -> None:
    assert describe("label.reprinted", {}, {"document_id": "doc_1"}, "en") == "label.reprinted"
    assert describe("order.cancellation_requested", {}, {"reason": None}, "id") == "Pembeli meminta pembatalan."
    assert describe("order.held", {}, {}, "en") == "Put on hold."
    moved = describe("order.status_changed", {"status": "unpaid"}, {"status": "ready_to_ship", "stage": "x"}, "en")
    assert moved == "Status changed: unpaid → ready_to_ship/x."
