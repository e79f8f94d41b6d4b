"""The API's description of itself: as the code is, the same everywhere, readable without token or another server."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from intake.deployment import Deployment
from nightshift.version import VERSION
from openapi_document import openapi_document
from routes import ROUTES
from support.letta_sdk import plain_http

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "docs" / "api" / "openapi.json"
SHIPPED = ROOT / "functions" / "http_api" / "openapi.json"


@pytest.fixture
def anybody(standing: Deployment) -> httpx.Client:
    """A client without a token."""
    return plain_http(None)


def test_committed_document_is_what_the_code_says() -> None:
    assert json.loads(COMMITTED.read_text("utf-8")) == openapi_document(), "run make openapi"


def test_check_of_the_committed_document_passes() -> None:
    command = [sys.executable, str(ROOT / "ops" / "api" / "write_openapi.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0  # noqa: S603 -- our own program


def test_shipped_document_is_the_committed_one() -> None:
    assert SHIPPED.read_bytes() == COMMITTED.read_bytes()
    assert not SHIPPED.is_symlink(), "a package holds files, not links out of it"


def test_document_names_every_route_once() -> None:
    document = openapi_document()
    described = [(method.upper(), path) for path, item in document["paths"].items() for method in item]
    assert described == sorted(described, key=described.index)
    assert len(described) == len(ROUTES)
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))
    assert document["info"]["version"] == VERSION


def test_every_reference_of_the_document_leads_somewhere_and_no_component_is_idle() -> None:
    document = openapi_document()
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert referred == set(document["components"]["schemas"])


@pytest.mark.parametrize("slash", ["", "/"])
def test_document_is_served_to_anybody(anybody: httpx.Client, slash: str) -> None:
    response = anybody.get(f"/v1/openapi.json{slash}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.text == COMMITTED.read_text("utf-8")


@pytest.mark.parametrize("slash", ["", "/"])
def test_page_needs_no_token_and_no_other_server(anybody: httpx.Client, slash: str) -> None:
    response = anybody.get(f"/docs{slash}")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert "SwaggerUIBundle(" in response.text
    assert not re.search(r"""<(script|link|img)[^>]*(src|href)=["']?(https?:)?//""", response.text)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy


def test_scripts_of_the_page_end_where_they_should(anybody: httpx.Client) -> None:
    page = anybody.get("/docs").text
    assert page.count("</script") == 2
    assert "<!--" not in page
