"""Documents over HTTP."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.ids import new_id
from app.documents import pdf, service
from app.documents.service import NewDocument, Paper
from app.documents.store import open_store
from tests.documents.papers import draw_paper, read_pages, read_quarters
from tests.fixtures.application import Desk

PACK = pdf.merge([draw_paper(f"label {number}") for number in range(1, 8)])


async def keep(desk: Desk, content: bytes = PACK, **changes: Any) -> str:
    """A label pack of seven pages. Answers its id as callers see it."""
    database: Database = desk.app.state.database
    sha256 = await open_store(desk.app.state.settings.documents_location).put(desk.merchant_id, content)
    order_id = new_id().hex
    manifest = [
        {"page": page, "order_id": order_id, "order_number": "A1", "package_number": f"P{page}"} for page in range(1, 8)
    ]
    missing = {"order_id": order_id, "order_number": "A2", "package_number": None, "code": "label_not_ready"}
    values: dict[str, Any] = {
        "kind": "label_pack",
        "layout": "a6",
        "paper": Paper(sha256, 7, len(content)),
        "operation_id": new_id(),
        "manifest": manifest,
        "missing": [{**missing, "en": "Not ready.", "id": "Belum siap."}],
    }
    new = NewDocument(**(values | changes))
    return f"doc_{(await database.transact(service.create_document, desk.merchant_id, new)).hex}"


async def test_a_document_tells_what_is_on_its_pages(desk: Desk) -> None:
    document_id = await keep(desk)
    http = await desk.client("packer")

    english = (await http.get(f"/v1/documents/{document_id}")).json()
    indonesian = (await http.get(f"/v1/documents/{document_id}", headers={"Accept-Language": "id"})).json()

    assert english["id"] == document_id
    assert (english["kind"], english["state"], english["layout"], english["pages"]) == ("label_pack", "ready", "a6", 7)
    assert english["size"] == len(PACK) and english["sha256"] == hashlib.sha256(PACK).hexdigest()
    assert [entry["page"] for entry in english["manifest"]] == list(range(1, 8))
    assert english["manifest"][2]["package_number"] == "P3"
    assert re.fullmatch(r"ord_[0-9a-f]{32}", english["manifest"][0]["order_id"])
    assert (english["missing"][0]["code"], english["missing"][0]["text"]) == ("label_not_ready", "Not ready.")
    assert indonesian["missing"][0]["text"] == "Belum siap."


async def test_the_whole_file_is_answered_as_it_was_stored(desk: Desk) -> None:
    document_id = await keep(desk)
    http = await desk.client("viewer")

    answer = await http.get(f"/v1/documents/{document_id}/content", params={"layout": "a6"})

    assert answer.content == PACK
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["etag"] == f'"{hashlib.sha256(PACK).hexdigest()}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    name = rf'attachment; filename="labels_20\d{{6}}_{document_id[-8:]}\.pdf"'
    assert re.fullmatch(name, answer.headers["content-disposition"])


@pytest.mark.parametrize(
    ("pages", "expected"), [("3", [3]), ("3-7", [3, 4, 5, 6, 7]), ("1-1", [1]), ("7", [7]), ("1-7", range(1, 8))]
)
async def test_some_pages_are_answered_alone(desk: Desk, pages: str, expected: Any) -> None:
    document_id = await keep(desk)
    http = await desk.client()

    answer = await http.get(f"/v1/documents/{document_id}/content", params={"pages": pages})

    assert read_pages(answer.content) == [f"label {number}" for number in expected]
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'


@pytest.mark.parametrize("pages", ["3-1", "0", "8", "1-8", "0-3", "-3", "3-", "", "abc", "1,2", "01", "٣", "1e3", " 3"])
async def test_pages_that_do_not_exist_are_refused(desk: Desk, pages: str) -> None:
    document_id = await keep(desk)
    http = await desk.client()

    answer = await http.get(f"/v1/documents/{document_id}/content", params={"pages": pages})

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_pages")
    assert problem["errors"][0]["parameter"] == "pages" and "between 1 and 7" in problem["detail"]


@pytest.mark.parametrize("layout", ["a4", "A6", "../a6", "a4x2"])
async def test_a_layout_it_does_not_come_in_is_refused(desk: Desk, layout: str) -> None:
    document_id = await keep(desk)
    http = await desk.client()

    answer = await http.get(f"/v1/documents/{document_id}/content", params={"layout": layout})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_pages")
    assert "`a6`" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [[1, 2, 3, 4], [5, 6, 7, None]]),
        ({"start": "3"}, [[None, None, 1, 2], [3, 4, 5, 6], [7, None, None, None]]),
        ({"pages": "3-5", "start": "4"}, [[None, None, None, 3], [4, 5, None, None]]),
    ],
)
async def test_four_labels_on_a_sheet(desk: Desk, parameters: dict[str, str], expected: list[list[int | None]]) -> None:
    """Also some of them again, on a sheet that is begun: pages 34–41, the printer jammed."""
    document_id = await keep(desk)
    http = await desk.client()
    path = f"/v1/documents/{document_id}/content"

    answer = await http.get(path, params={"layout": "a4x4", **parameters})
    again = await http.get(path, params={"layout": "a4x4", **parameters})

    told = [[f"label {number}" if number else "" for number in sheet] for sheet in expected]
    assert read_quarters(answer.content) == told
    assert answer.content == again.content, "the same question gives the same bytes"


@pytest.mark.parametrize("parameters", [{"start": "5"}, {"pages": "1" * 21}, {"layout": "a" * 21}])
async def test_other_parameters_are_refused(desk: Desk, parameters: dict[str, str]) -> None:
    document_id = await keep(desk)
    http = await desk.client()

    answer = await http.get(f"/v1/documents/{document_id}/content", params=parameters)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"][0]["parameter"] in parameters


async def test_a_start_needs_sheets_of_four(desk: Desk) -> None:
    document_id = await keep(desk)
    http = await desk.client()

    answer = await http.get(f"/v1/documents/{document_id}/content", params={"start": "2"})

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "start")


async def test_another_merchants_document_is_not_there(desk: Desk, other_desk: Desk) -> None:
    document_id = await keep(desk)
    stranger, owner = await other_desk.client(), await desk.client()

    for path in (f"/v1/documents/{document_id}", f"/v1/documents/{document_id}/content"):
        foreign = await stranger.get(path)
        absent = await owner.get(path.replace(document_id, f"doc_{new_id().hex}"))
        assert foreign.status_code == absent.status_code == 404
        assert foreign.json()["code"] == absent.json()["code"] == "not_found"
        assert foreign.json()["detail"] == absent.json()["detail"]


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "doc_%00", "doc_..", "doc_" + "a" * 31 + "%ef%bc%8f", "x" * 5_000],
)
async def test_a_path_that_is_no_id_leads_nowhere(desk: Desk, name: str) -> None:
    http = await desk.client()

    for path in (f"/v1/documents/{name}", f"/v1/documents/{name}/content"):
        answer = await http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_key_needs_the_scope(desk: Desk) -> None:
    document_id = await keep(desk)
    allowed = await desk.make_key("documents:read")
    refused = await desk.make_key("orders:read")

    path = f"/v1/documents/{document_id}/content"
    assert (await desk.with_token(allowed["key"]).get(path)).content == PACK
    answer = await desk.with_token(refused["key"]).get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_lost_file_is_told_and_remembered(desk: Desk, application: FastAPI) -> None:
    content = draw_paper("to be lost")
    document_id = await keep(desk, content, paper=Paper(hashlib.sha256(content).hexdigest(), 1, len(content)))
    folder = Path(application.state.settings.documents_location.removeprefix("file://")) / desk.merchant_id.hex
    [file] = folder.rglob(f"{hashlib.sha256(content).hexdigest()}.pdf")
    file.write_bytes(content[:100])
    http = await desk.client()

    for _ in range(2):
        answer = await http.get(f"/v1/documents/{document_id}/content")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")
    assert (await http.get(f"/v1/documents/{document_id}")).json()["state"] == "failed"


async def test_the_contract_names_the_refusals(application: FastAPI) -> None:
    document = application.state.openapi_document()
    assert isinstance(document, bytes)
    text = document.decode()

    assert all(f"`{code}`" in text for code in ("invalid_pages", "not_ready"))
    assert "application/pdf" in text
