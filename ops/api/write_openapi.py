"""Writes the OpenAPI document; with --check only tells whether the committed one is what the code says.

Run it as `python ops/api/write_openapi.py [--check]`.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "functions" / "http_api" / "openapi.json"
sys.path[:0] = [str(COMMITTED.parent), str(ROOT / "layers" / "nightshift")]


def main() -> int:
    """Return 1 if the committed document is stale and was to be checked."""
    from openapi_document import openapi_document  # noqa: PLC0415 -- the folders above make it importable

    text = json.dumps(openapi_document(), indent=1, ensure_ascii=False) + "\n"
    if "--check" in sys.argv:
        if COMMITTED.read_text("utf-8") == text:
            return 0
        sys.stderr.write("functions/http_api/openapi.json is stale: run make openapi\n")
        return 1
    COMMITTED.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
