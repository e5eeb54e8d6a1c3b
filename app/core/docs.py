"""`/docs`: the API reference, with everything it needs served from here."""

import base64
import hashlib
import html
import importlib.metadata
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse, HTMLResponse

from app.core.errors import NotFound

router = APIRouter(include_in_schema=False)

_ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_START = (
    "SwaggerUIBundle({url: 'openapi.json', dom_id: '#reference', deepLinking: true, docExpansion: 'none',"
    " filter: true, persistAuthorization: false, tryItOutEnabled: true, validatorUrl: null});"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script>{start}</script>
</body>
</html>
"""
_START_DIGEST = base64.b64encode(hashlib.sha256(_START.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; script-src 'self' 'sha256-{_START_DIGEST}'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/docs")
async def read_docs(request: Request) -> HTMLResponse:
    """The reference as a page."""
    page = _PAGE.format(title=html.escape(request.app.title), start=_START)
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/assets/{name}")
async def read_docs_asset(name: str) -> FileResponse:
    """Swagger UI's own files, from the package that carries them."""
    if name not in _ASSETS:
        raise NotFound()
    return FileResponse(_folder() / name, media_type=_ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})


@router.get("/openapi.json")
async def read_openapi(request: Request) -> Response:
    """The contract; the same document as `openapi/openapi.json`."""
    return Response(request.app.state.openapi_document(), media_type="application/json")


def _folder() -> Path:
    return Path(str(importlib.metadata.distribution("fastapi-offline").locate_file("fastapi_offline/static")))
