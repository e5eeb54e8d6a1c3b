"""Every refusal is a problem with a stable code."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core.errors import RangeInvalid, Unavailable
from app.core.problems import problems
from tests.fixtures.application import Desk, client_of

FIELDS = {"type", "title", "status", "detail", "code", "source", "request_id", "retryable", "errors"}


async def test_a_problem_is_complete(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/me")

    problem = answer.json()
    assert problem.keys() == FIELDS
    assert problem["type"] == "https://docs.plugosync.id/problems/unauthenticated"
    assert (problem["status"], problem["source"], problem["retryable"]) == (401, "plugosync", False)
    assert problem["request_id"] == answer.headers["X-Request-Id"]


async def test_texts_follow_the_language_and_codes_do_not(desk: Desk) -> None:
    owner = await desk.client()
    answers = {
        language: (await owner.post("/v1/api-keys", json={"scopes": []}, headers={"Accept-Language": language})).json()
        for language in ("en", "id")
    }

    english, indonesian = answers["en"]["errors"], answers["id"]["errors"]
    assert [entry["code"] for entry in english] == [entry["code"] for entry in indonesian] == ["missing", "too_short"]
    assert english[0] == {"pointer": "/name", "code": "missing", "detail": "This is required."}
    assert indonesian[0]["detail"] == "Bagian ini wajib diisi."
    assert answers["en"]["detail"] != answers["id"]["detail"]


async def test_an_unknown_url_is_not_found(http: httpx.AsyncClient) -> None:
    answers = [await http.get(path) for path in ("/", "/v1", "/v1/nothing", "/v1/me/", "/v1/%00", "/../etc/passwd")]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not_found")}


async def test_a_wrong_method_is_told_which_ones_there_are(desk: Desk) -> None:
    owner = await desk.client()
    answer = await owner.put(f"/v1/users/usr_{desk.owner_id.hex}", json={})

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "DELETE, PATCH"


async def test_a_bug_is_answered_without_a_trace(own_application: FastAPI) -> None:
    async def fail() -> None:
        raise RuntimeError("secret detail")

    own_application.add_api_route("/v1/bug", fail)
    answer = await client_of(own_application).get("/v1/bug")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.json().keys() == FIELDS
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]
    assert "secret" not in answer.text and "Traceback" not in answer.text


async def test_a_database_that_is_away_is_503_with_a_time_to_come_back(own_application: FastAPI) -> None:
    async def fail() -> None:
        raise Unavailable()

    own_application.add_api_route("/v1/away", fail)
    answer = await client_of(own_application).get("/v1/away", headers={"Accept-Language": "id"})

    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "unavailable", True)
    assert answer.headers["Retry-After"] == "2"
    assert "basis data" in answer.json()["detail"]


async def test_an_error_names_its_parameter(own_application: FastAPI) -> None:
    async def fail() -> None:
        raise RangeInvalid(parameter="placed_to", detail="`placed_to` lies before `placed_from`.")

    own_application.add_api_route("/v1/range", fail)
    answer = await client_of(own_application).get("/v1/range")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_range")
    detail = "`placed_to` lies before `placed_from`."
    assert answer.json()["errors"] == [{"parameter": "placed_to", "code": "invalid_range", "detail": detail}]


@pytest.mark.parametrize(
    ("params", "parameter", "code"),
    [
        ({"limit": 0}, "limit", "out_of_range"),
        ({"limit": -1}, "limit", "out_of_range"),
        ({"limit": 201}, "limit", "out_of_range"),
        ({"limit": "1e9"}, "limit", "wrong_type"),
        ({"cursor": "x" * 2001}, "cursor", "too_long"),
        ({"cursor": "a\0b"}, "cursor", "nul_character"),
        ({"limti": 5}, "limti", "unknown_parameter"),
        ({"access_token": "x"}, "access_token", "unknown_parameter"),
    ],
)
async def test_a_bad_parameter_is_named(desk: Desk, params: dict[str, Any], parameter: str, code: str) -> None:
    answer = await (await desk.client()).get("/v1/users", params=params)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "validation_failed")
    assert [(entry["parameter"], entry["code"]) for entry in problem["errors"]] == [(parameter, code)]


async def test_public_routes_refuse_unknown_parameters_too(http: httpx.AsyncClient) -> None:
    answers = [
        await http.post("/v1/auth/token?username=a", data={"username": "a", "password": "b"}),
        await http.get("/healthz", params={"x": 1}),
    ]

    assert {answer.status_code for answer in answers} == {422}
    assert [answer.json()["errors"][0]["parameter"] for answer in answers] == ["username", "x"]


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "application/*;q=0.5", "text/html, application/json", ""]
)
async def test_json_is_given_to_who_takes_it(desk: Desk, accept: str) -> None:
    answer = await (await desk.client()).get("/v1/me", headers={"Accept": accept or "*/*"})

    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("accept", ["image/png", "application/xml", "application/json;q=0", "text/*"])
async def test_json_is_not_forced_on_who_refuses_it(desk: Desk, accept: str) -> None:
    answer = await (await desk.client()).get("/v1/me", headers={"Accept": accept})

    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert answer.json()["errors"][0]["header"] == "Accept"


async def test_a_strange_form_is_no_bug(http: httpx.AsyncClient) -> None:
    answers = [
        await http.post("/v1/auth/token", json={"username": "a", "password": "b"}),
        await http.post("/v1/auth/token", data={"username": "a", "password": "b", "admin": "1"}),
        await http.post("/v1/auth/token", data={"username": "a", "password": "b", "grant_type": "implicit"}),
        await http.post(
            "/v1/auth/token", content=b"--x\r\nbroken", headers={"Content-Type": "multipart/form-data; boundary=x"}
        ),
    ]

    assert [answer.status_code for answer in answers[:3]] == [422, 422, 422]
    assert answers[1].json()["errors"][0]["pointer"] == "/admin"
    assert answers[3].status_code in (400, 422) and answers[3].json().keys() == FIELDS


def test_documented_problems_list_their_codes_by_status() -> None:
    documented = problems(RangeInvalid, Unavailable)

    assert set(documented) == {422, 503}
    assert "`invalid_range`" in documented[422]["description"]
    assert list(documented[422]["content"]) == ["application/problem+json"]
