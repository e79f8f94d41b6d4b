"""Every code block of README and docs is run as it stands, on the stack that `make up` would start.

Shell blocks each stand for themselves, Python blocks of a page go on from each other, TypeScript blocks are programs
for Node. What is not run says why on its page (support/docs_blocks.py).
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.docs_blocks import PICTURES, ROOT, Block, blocks_of, pages
from support.local_stack import PARAMETERS, LocalStack
from support.scripted_model.answers import Call, Reply
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

BLOCK_SECONDS = 240
PAGES = [page for page in pages() if any(block.language not in PICTURES for block in blocks_of(page))]
ARGUMENTS = {"refund": '{"order_id": "A-17"}', "measure_desk": "{}"}
"""The tools of the pages, and what the model asks of them."""


@dataclass(slots=True)
class Tally:
    """What became of all blocks."""

    executed: list[Block] = field(default_factory=list)
    skipped: list[Block] = field(default_factory=list)


@pytest.fixture(scope="module")
def tally() -> Tally:
    return Tally()


@pytest.fixture(scope="module")
def workplace(local_stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a clone in which `make up` was said."""
    folder = tmp_path_factory.mktemp("clone")
    for entry in ROOT.iterdir():
        if entry.name not in {".local", ".git"}:
            (folder / entry.name).symlink_to(entry)
    (folder / ".local").symlink_to(local_stack.home)
    return folder


@pytest.fixture(scope="module")
def environment(local_stack: LocalStack) -> dict[str, str]:
    """What `make` and the SDKs need to mean the tests' stack, and the values that the pages leave to their reader."""
    return {
        **local_stack.environment,
        "PORT": str(local_stack.port),
        "STACK_HOME": str(local_stack.home),
        "PARAMETERS": " ".join(f"{name}={value}" for name, value in PARAMETERS.items()),
        "LETTA_BASE_URL": local_stack.description["base_url"],
        "LETTA_API_KEY": local_stack.description["api_key"],
        "PYTHONPATH": str(ROOT / "layers" / "nightshift"),
    }


@pytest.fixture
def python(workplace: Path, environment: dict[str, str]) -> Iterator[Callable[[Block], None]]:
    """What runs a Python block after the others of its page."""
    command = [sys.executable, str(Path(__file__).with_name("python_session.py"))]
    with subprocess.Popen(  # noqa: S603 -- our own program
        command, cwd=workplace, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as session:
        assert session.stdin
        assert session.stdout
        requests, answers = session.stdin, session.stdout

        def run(block: Block) -> None:
            requests.write(json.dumps([str(block), block.text]) + "\n")
            requests.flush()
            assert (wrong := json.loads(answers.readline())) is None, f"{block}:\n{wrong}"

        yield run
        session.kill()


@pytest.fixture(autouse=True)
def model(provider: ScriptedModel) -> None:
    """A model that asks for the page's tool once, and then answers."""

    def ask_once(seen: SeenRequest) -> Reply:
        offered = [tool["function"]["name"] for tool in seen.body.get("tools", [])]
        name = next((name for name in offered if name in ARGUMENTS), None)
        if name is None or seen.tool_returns_since_user:
            return Reply("Done.")
        return Reply(tool_calls=(Call(name, ARGUMENTS[name]),))

    provider.play_for("gpt-4o-mini", rule=ask_once)


@pytest.mark.timeout(BLOCK_SECONDS * 2)
@pytest.mark.parametrize("page", PAGES)
def test_blocks_of_a_page_do_what_they_say(
    page: str,
    tally: Tally,
    python: Callable[[Block], None],
    workplace: Path,
    environment: dict[str, str],
    node_scripts: Path,
) -> None:
    for block in blocks_of(page):
        if block.reason is not None:
            tally.skipped.append(block)
            continue
        match block.language:
            case "python":
                python(block)
            case "bash":
                _run(block, ["bash", "-euo", "pipefail", "-c", block.text], workplace, environment)
            case "typescript":
                program = node_scripts / f"{Path(page).stem}-{block.line}.mjs"
                program.write_text(block.text)
                _run(block, ["node", str(program)], node_scripts, environment)
            case "json" | "yaml":
                pass  # tests/docs reads them
            case _:
                continue
        tally.executed.append(block)


def test_every_block_was_run_or_says_why_not(tally: Tally, tell: Callable[[str], None]) -> None:
    everything = [block for page in PAGES for block in blocks_of(page) if block.language not in PICTURES]
    without_reason = [block for block in everything if block not in tally.executed and not block.reason]
    tell(f"Docs blocks run: {len(tally.executed)} executed, {len(without_reason)} skipped without reason")
    for block in tally.skipped:
        tell(f"    {block} not run: {block.reason}")
    assert without_reason == []


def _run(block: Block, command: list[str], folder: Path, environment: dict[str, str]) -> None:
    ended = subprocess.run(  # noqa: S603 -- our own program
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=BLOCK_SECONDS
    )
    assert ended.returncode == 0, f"{block} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}"
