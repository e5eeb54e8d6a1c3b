"""The contract says what the service does."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.core.settings import Settings
from app.journal.catalogue import CATALOGUE
from app.main import create_app, write_openapi

COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The contract as this code makes it, without a server or a secret."""
    parsed: dict[str, Any] = json.loads(create_app(Settings.model_validate({})).state.openapi_document())
    return parsed


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def test_the_committed_contract_is_current(tmp_path: Path) -> None:
    write_openapi(tmp_path / "openapi.json")

    assert (tmp_path / "openapi.json").read_text() == COMMITTED.read_text(), "run `make openapi`"


async def test_the_served_contract_is_the_committed_one(http: httpx.AsyncClient) -> None:
    answer = await http.get("/openapi.json")

    assert answer.json()["openapi"].startswith("3.1")
    assert answer.text == COMMITTED.read_text()


def test_operation_ids_are_unique_and_verb_first(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in _operations(document)]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", operation_id) for operation_id in ids)


def test_every_operation_is_described_and_tagged(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}

    for method, path, operation in _operations(document):
        assert operation.get("description"), f"{method} {path}"
        assert operation["tags"] and set(operation["tags"]) <= tags, f"{method} {path}"


def test_guarded_operations_document_their_refusals(document: dict[str, Any]) -> None:
    guarded = [entry for entry in _operations(document) if entry[2]["security"]]

    assert len(guarded) > 10
    for method, path, operation in guarded:
        assert operation["responses"].keys() >= {"401", "403", "422", "429", "503"}, f"{method} {path}"
        assert "404" in operation["responses"] or "{" not in path, f"{method} {path}"
        assert operation["security"][0] == {"accessToken": []}


def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        for status, response in operation["responses"].items():
            if status >= "4" and path != "/readyz":
                content = response["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, f"{method} {path} {status}"
                assert re.search(r"`[a-z_]+`", response["description"]), f"{method} {path} {status}"


def test_what_answers_202_needs_an_idempotency_key(document: dict[str, Any]) -> None:
    accepting = [entry for entry in _operations(document) if "202" in entry[2]["responses"]]

    assert accepting
    for method, path, operation in accepting:
        required = {p["name"]: p["required"] for p in operation.get("parameters", ())}
        assert required.get("Idempotency-Key") is True, f"{method} {path}"


def test_bodies_refuse_unknown_fields(document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        if "/push/" in path or "/callback/" in path:
            continue  # what marketplaces send is taken as it comes
        content = operation.get("requestBody", {}).get("content", {})
        for media_type in content.keys() & {"application/json", "application/x-www-form-urlencoded"}:
            reference = content[media_type]["schema"].get("$ref", "")
            schema = document["components"]["schemas"].get(reference.rsplit("/", 1)[-1], {})
            is_union = "oneOf" in content[media_type]["schema"] or "anyOf" in content[media_type]["schema"]
            assert is_union or schema.get("additionalProperties") is False, f"{method} {path}"


def test_the_catalogue_says_what_history_entries_hold(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    told = schemas["EventCatalogue"]["properties"]
    assert set(told) == set(schemas["EventCatalogue"]["required"]) == set(CATALOGUE)
    arranged = told["shipment.arranged"]["properties"]
    assert arranged["from"]["properties"]["stage"] == {"type": "string"}
    assert arranged["to"]["required"] == ["stage", "handover", "evidence"]
    assert not re.search("additionalProperties.: false|default", json.dumps(told)), "more may be added"
    entry = schemas["HistoryEntry"]["properties"]
    assert "EventCatalogue" in entry["type"]["description"] and "enum" not in entry["type"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)))

    for reference in references:
        place: Any = document
        for part in reference.split("/"):
            assert part in place, reference
            place = place[part]
