"""The page at GET /docs in a real browser: what it shows, and a request that a person sends from it."""

import json
import os
import platform
import shutil
import struct
from pathlib import Path

import pytest
from letta_client import Letta

from stack.sdk_script import SCRIPT_SECONDS, run_script
from support.local_stack import ROOT, LocalStack

PICTURES = Path(os.environ.get("SCREENSHOTS") or "")
"""Where the screenshots are kept for a person to look at; nowhere unless SCREENSHOTS names a folder."""

HAS_BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")


@pytest.mark.timeout(SCRIPT_SECONDS + 60)
@pytest.mark.skipif(
    not HAS_BROWSER and (platform.system(), platform.machine()) != ("Linux", "x86_64"),
    reason="no chromium or google-chrome on PATH; the one that npm brings is for Linux on x86_64",
)
def test_page_shows_the_operations_and_sends_a_post(
    local_stack: LocalStack, letta: Letta, node_scripts: Path, tmp_path: Path
) -> None:
    agents = len(list(letta.agents.list()))
    pictures = PICTURES if PICTURES.name else tmp_path
    pictures.mkdir(parents=True, exist_ok=True)

    # The package of the browser unpacks itself into the temporary folder.
    command = ["node", str(node_scripts / "use_docs_page.js"), str(pictures)]
    found = run_script(local_stack, command, TMPDIR=str(tmp_path))

    document = json.loads((ROOT / "docs" / "api" / "openapi.json").read_text())
    documented = [path for path, item in document["paths"].items() for _ in item.keys() - {"parameters"}]
    assert sorted(found["operations"]) == sorted(documented)
    assert found["sent"] == [
        {"method": "GET", "path": "/v1/openapi.json", "status": 200},
        {"method": "POST", "path": "/v1/agents", "status": 200},
    ]
    assert (found["status"], found["errors"]) == ("200", [])
    assert len(list(letta.agents.list())) == agents + 1
    for name in ("operations.png", "answer.png"):
        width, height = _size(pictures / name)
        assert width >= 1_000, name
        assert height >= 400, name


def _size(picture: Path) -> tuple[int, int]:
    """Return the width and height of a PNG."""
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    return width, height
