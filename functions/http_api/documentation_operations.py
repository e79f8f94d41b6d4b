"""The API's description of itself: the OpenAPI document, and a page to read it and to try the API."""

from functools import cache
from pathlib import Path
from string import Template
from typing import Final

import aws_lambda_powertools
from aws_lambda_powertools.event_handler.api_gateway import Response

from operations import Request, operation

DOCUMENT: Final = Path(__file__).with_name("openapi.json")
"""Written by `make openapi`; docs/api/openapi.json is a link to it."""

_SWAGGER_UI: Final = Path(aws_lambda_powertools.__file__).parent / "event_handler" / "openapi" / "swagger_ui"
"""Swagger UI as Powertools ships it; the page holds all of it, so that no other server has to be trusted."""

_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_PAGE: Final = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Nightshift API</title>
<link rel="icon" href="data:,">
<style>$style</style>
</head>
<body>
<div id="swagger-ui">Loading…</div>
<script>$script</script>
<script>
SwaggerUIBundle({
  url: location.pathname.replace(/docs\\/*$$/, "v1/openapi.json"),
  dom_id: "#swagger-ui",
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  tryItOutEnabled: true,
});
</script>
</body>
</html>
""")


@operation("Retrieve this document")
def retrieve_openapi(_request: Request) -> Response[str]:
    return Response(200, "application/json", DOCUMENT.read_text("utf-8"), {"Cache-Control": "no-cache"})


@operation("Show a page that explains the API and sends requests with your token", returns="text/html")
def show_page(_request: Request) -> Response[str]:
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _CONTENT_SECURITY_POLICY}
    return Response(200, "text/html; charset=utf-8", _page(), headers)


@cache
def _page() -> str:
    style = (_SWAGGER_UI / "swagger-ui.min.css").read_text("utf-8")
    script = (_SWAGGER_UI / "swagger-ui-bundle.min.js").read_text("utf-8")
    # Within a page these two end a script, or hide its end, wherever they stand; escaped they mean the same.
    script = script.replace("</script", "\\x3C/script").replace("<!--", "\\x3C!--")
    return _PAGE.substitute(style=style, script=script)
