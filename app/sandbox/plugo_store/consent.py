"""`/wc-auth/v1/authorize`: the merchant agrees, the shop posts a key to the app and sends the browser back.

`&approve=1` agrees without a browser, `&approve=0` refuses.
"""

import json
from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.sandbox.plugo_store.answers import page
from app.sandbox.plugo_store.world import Shop, World

AUTHORIZE = "wc-auth/v1/authorize"
_REQUIRED = ("app_name", "user_id", "return_url", "callback_url", "scope")
_SCOPES = ("read", "write", "read_write")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Consent:
    """Pages of every store."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._http = httpx.AsyncClient(timeout=30, trust_env=False)

    async def serve(self, shop: Shop, request: Request) -> Response:
        """The question, or what follows the answer."""
        query = request.query_params
        problem = next((f"Missing parameter {name}" for name in _REQUIRED if not query.get(name)), None)
        problem = problem or _find_problem(query.get("scope", ""), query["return_url"], query["callback_url"])
        if problem is not None:
            return page(401, f"Access denied: {escape(problem)}")
        if query.get("approve") not in ("0", "1"):
            return HTMLResponse(_render(shop, dict(query)))
        is_granted = query["approve"] == "1"
        if is_granted and not await self._hand_out(shop, query["callback_url"], query["user_id"], query["scope"]):
            return page(500, "An error occurred in the request and at the time were unable to send the consumer data")
        result = {"success": "1" if is_granted else "0", "user_id": query["user_id"]}
        return RedirectResponse(_with_query(query["return_url"], result), status_code=302)

    async def close(self) -> None:
        """Give connections back."""
        await self._http.aclose()

    async def _hand_out(self, shop: Shop, url: str, user_id: str, scope: str) -> bool:
        """A key nobody took is no key."""
        with self.world.engine.store.transaction():
            name, key = self.world.new_key(shop, scope)
        body = {
            "key_id": key["key_id"],
            "user_id": user_id,
            "consumer_key": name,
            "consumer_secret": key["secret"],
            "key_permissions": scope,
        }
        headers = {"Content-Type": "application/json;charset=utf-8"}
        try:
            answer = await self._http.post(url, content=json.dumps(body).encode(), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            is_taken = False
        else:
            is_taken = answer.status_code == 200
        if not is_taken:
            with self.world.engine.store.transaction():
                self.world.revoke_key(name)
        return is_taken


def _find_problem(scope: str, return_url: str, callback_url: str) -> str | None:
    if scope not in _SCOPES:
        return f"Invalid scope {scope}"
    if urlsplit(return_url).scheme not in ("http", "https"):
        return "The return_url is not a valid URL"
    callback = urlsplit(callback_url)
    if callback.scheme != "https" and not (callback.scheme == "http" and callback.hostname in _LOOPBACK):
        return "The callback_url needs to be over SSL"
    return None


def _render(shop: Shop, query: dict[str, str]) -> str:
    links = "".join(
        f'<li><a href="?{escape(urlencode({**query, "approve": answer}))}">{label}</a></li>'
        for answer, label in (("1", "Approve"), ("0", "Deny"))
    )
    question = f"{escape(query['app_name'])} would like to connect to {escape(shop['name'])}"
    return f"<!doctype html><title>Simulated PlugoStore</title><h1>{question}</h1><ul>{links}</ul>"


def _with_query(url: str, extra: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(extra)) if part)
    return urlunsplit(parts._replace(query=query))
