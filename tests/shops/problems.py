"""Reads error answers."""

import httpx


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and the field at fault."""
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    body = answer.json()
    field = body["errors"][0] if body["errors"] else {}
    return answer.status_code, body["code"], field.get("pointer") or field.get("parameter")
