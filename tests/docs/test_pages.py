"""What can be seen of the pages without running them: blocks name their language, links lead somewhere."""

import json
import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # it has no types

from support.docs_blocks import PICTURES, ROOT, blocks_of, pages

LANGUAGES = PICTURES | {"bash", "python", "typescript", "json", "yaml"}
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", pages())
def test_every_block_names_a_language_that_is_run_or_is_a_picture(page: str) -> None:
    for block in blocks_of(page):
        assert block.language in LANGUAGES, f"{block} is {block.language or 'nothing'}: one of {sorted(LANGUAGES)}"


@pytest.mark.parametrize("page", pages())
def test_every_block_of_data_is_well_formed(page: str) -> None:
    for block in blocks_of(page):
        match block.language:
            case "json":
                json.loads(block.text)
            case "yaml":
                yaml.safe_load(block.text)
            case "python":
                compile(block.text, str(block), "exec")


@pytest.mark.parametrize("page", pages())
def test_links_within_the_project_lead_somewhere(page: str) -> None:
    for target in LINK.findall((ROOT / page).read_text()):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        file = (ROOT / page).parent / name if name else ROOT / page
        assert file.exists(), f"{page}: {target}"
        assert not anchor or anchor in _anchors(file), f"{page}: {target}"


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
