"""One stack for all tests of this folder."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from letta_client import Letta

from support.local_stack import LocalStack, running_stack
from support.scripted_model.rules import echo_history
from support.scripted_model.server import ScriptedModel

SCRIPTS = Path(__file__).with_name("sdk")
INSTALL = ("npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
"""Exact versions stand in package.json; a lock file would hold the addresses of whoever wrote it."""


@pytest.fixture(scope="session")
def provider() -> Iterator[ScriptedModel]:
    """The model behind every `openai/…` handle; tests give each model id a script of its own."""
    with ScriptedModel(rule=echo_history) as model:
        yield model


@pytest.fixture(scope="session")
def local_stack(provider: ScriptedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with running_stack(tmp_path_factory.mktemp("stack") / "home", provider) as stack:
        yield stack


@pytest.fixture
def letta(local_stack: LocalStack) -> Letta:
    return local_stack.letta()


@pytest.fixture(scope="session")
def node_scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts for Node, beside the packages that they import."""
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if missing:
        pytest.fail(f"{' and '.join(missing)} not found: the test of the SDK for Node needs Node 20 or newer with npm")
    folder = tmp_path_factory.mktemp("node") / "sdk"
    shutil.copytree(SCRIPTS, folder)
    installed = subprocess.run(INSTALL, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 -- our own program
    assert installed.returncode == 0, installed.stderr
    return folder
