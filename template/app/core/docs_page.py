# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The documentation page, from assets of our own, under a policy without inline scripts."""

from html import escape
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.staticfiles import StaticFiles
from secure import ContentSecurityPolicy
from starlette.responses import HTMLResponse, JSONResponse

from app.core.public import public

_ASSETS = Path(__file__).parent / "static" / "swagger-ui"
_REASON = "documentation is shown without login; DOCS_ENABLED decides whether it is there at all"

# What Swagger UI needs and no more. data: are the icons in its style sheet.
DOCS_POLICY = (
    ContentSecurityPolicy()
    .default_src("'none'")
    .script_src("'self'")
    .style_src("'self'")
    .img_src("'self'", "data:")
    .connect_src("'self'")
    .frame_ancestors("'none'")
    .base_uri("'none'")
    .form_action("'none'")
    .header_value
)

# In this order; the last is there when the service has logins with providers.
_SCRIPTS = [
    name
    for name in ("swagger-ui-bundle.js", "init.js", "providers.js")
    if (_ASSETS / name).exists()
]

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{root}/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="{root}/docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui" data-openapi-url="{root}/openapi.json"></div>
{scripts}
</body>
</html>
"""
_SCRIPT = '<script src="{root}/docs/assets/{name}"></script>'


def docs_router() -> APIRouter:
    """Return `/docs` and `/openapi.json`; the assets are mounted by `create_app`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    @public(reason=_REASON)
    def docs(request: Request) -> HTMLResponse:
        """Show Swagger UI."""
        root = escape(request.scope.get("root_path", "").rstrip("/"))
        scripts = "\n".join(_SCRIPT.format(root=root, name=name) for name in _SCRIPTS)
        page = _PAGE.format(title=escape(request.app.title), root=root, scripts=scripts)
        return HTMLResponse(page, headers={"Content-Security-Policy": DOCS_POLICY})

    @router.get("/openapi.json")
    @public(reason=_REASON)
    def openapi(request: Request) -> JSONResponse:
        """Describe the service."""
        return JSONResponse(request.app.openapi())

    return router


def docs_assets() -> StaticFiles:
    """Return the app that serves Swagger UI's files (see static/swagger-ui/SOURCES)."""
    return public(reason=_REASON)(StaticFiles(directory=_ASSETS))
