"""The skills of a client's environment, as the system prompt of one run lists them (letta_api_spec §3.1)."""

from collections.abc import Iterable, Iterator, Sequence

from nightshift.domain.block import Block
from nightshift.domain.run_request import ClientSkill

BLOCK_PREFIX = "skills/"
"""How the labels of an agent's own skills begin."""

_FILE = "SKILL.md"


def with_skills(system: str, blocks: Iterable[Block], skills: Iterable[ClientSkill]) -> str:
    """Return the system prompt with the list of skills after it; the agent's own come first, each name once."""
    own = [
        ClientSkill(block.label.removeprefix(BLOCK_PREFIX), block.description or "", f"{block.label}/{_FILE}")
        for block in blocks
        if block.label.startswith(BLOCK_PREFIX)
    ]
    found: dict[str, ClientSkill] = {}
    for skill in (*own, *skills):
        found.setdefault(skill.name, skill)
    if not found:
        return system
    shown = "\n\n".join("\n".join(_group(root, group)) for root, group in _by_root(found.values()).items())
    return f"{system}\n\n<available_skills>\n{shown}\n</available_skills>"


def _by_root(skills: Iterable[ClientSkill]) -> dict[str, list[tuple[str, ClientSkill]]]:
    """Return the skills by the folder above their own, each with its own folder's name."""
    groups: dict[str, list[tuple[str, ClientSkill]]] = {}
    for skill in skills:
        folder = skill.location.removesuffix(_FILE).rstrip("/")
        root, _, name = folder.rpartition("/")
        groups.setdefault(root or "/", []).append((name or skill.name, skill))
    return groups


def _group(root: str, skills: Sequence[tuple[str, ClientSkill]]) -> Iterator[str]:
    yield root
    for place, (folder, skill) in enumerate(skills, 1):
        is_last = place == len(skills)
        lines = skill.description.strip().splitlines()
        about = f" ({lines[0].strip()})" if lines else ""
        yield f"{'└──' if is_last else '├──'} {folder}/"
        yield f"{'    ' if is_last else '│   '}└── {_FILE}{about}"
