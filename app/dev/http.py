"""A caller of the public API and of the sandbox's controls, for the seed and the demo day."""

import time
import uuid
from typing import Any, Self

import httpx


class CallFailed(RuntimeError):
    """An answer that was not expected; the message says which."""


class Caller:
    """JSON over HTTP; every answer is a success or stops the program with what was said."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET."""
        return self._json("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: Any = None, *, form: dict[str, str] | None = None) -> Any:
        """The JSON of a POST; it carries an Idempotency-Key of its own."""
        return self._json("POST", path, json=body, data=form, headers={"Idempotency-Key": str(uuid.uuid4())})

    def content(self, path: str, **query: Any) -> bytes:
        """The bytes of a GET."""
        return self._call("GET", path, params=query).content

    def list_all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every entry of a list, page after page."""
        entries: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.get(path, limit=200, cursor=cursor, **query)
            entries += page["data"]
            cursor = page["page"]["next_cursor"]
            if cursor is None:
                return entries

    def finish(self, operation: dict[str, Any], *, seconds: float = 120) -> dict[str, Any]:
        """Wait until the operation has ended."""
        deadline = time.monotonic() + seconds
        while operation["state"] in {"queued", "running"}:
            if time.monotonic() > deadline:
                raise CallFailed(f"{operation['kind']} {operation['id']} has not ended after {seconds:g} seconds.")
            operation = self.get(f"/v1/operations/{operation['id']}", wait=5)
        return operation

    def _json(self, method: str, path: str, **request: Any) -> Any:
        answer = self._call(method, path, **request)
        return answer.json() if answer.content else None

    def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise CallFailed(f"{method} {path} got no answer: {error}") from error
        if not answer.is_success:
            raise CallFailed(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer


def approve_in_browser(authorization_url: str, shop_id: str) -> None:
    """What the seller's browser does: open the consent page, agree for one shop, come back to us, be sent on."""
    with httpx.Client(follow_redirects=False, timeout=30, trust_env=False) as browser:
        agreed = browser.get(httpx.URL(authorization_url).copy_merge_params({"shop_id": shop_id, "approve": "1"}))
        if not agreed.has_redirect_location:
            raise CallFailed(f"The consent page answered {agreed.status_code}: {agreed.text[:300]}")
        back = browser.get(agreed.headers["Location"])
        if not back.has_redirect_location:
            raise CallFailed(f"The callback answered {back.status_code}: {back.text[:300]}")
