"""Runs every probe with all corrections, and on demand without the one that its module names in ``CORRECTION``.

EMULATOR_PROBES=each adds the side without that one correction, EMULATOR_PROBES=stock the release as shipped; on both
the probe must fail, or the correction is needed no more.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import embedded_aws
import pytest
from embedded_aws import EmbeddedAws

UNCORRECTED_SIDE = os.environ.get("EMULATOR_PROBES", "")
AUTOSAVE_SECONDS = "0.3"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_ways: holds with and without the module's correction")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each probe its sides."""
    if "without" not in metafunc.fixturenames:
        return
    sides = [pytest.param("", id="corrected")]
    if UNCORRECTED_SIDE:
        both_ways = any(mark.name == "both_ways" for mark in metafunc.definition.iter_markers())
        must_fail = [] if both_ways else [pytest.mark.xfail(strict=True, reason="the correction is not applied")]
        left_out = "all" if UNCORRECTED_SIDE == "stock" else metafunc.module.CORRECTION
        sides.append(pytest.param(left_out, id="uncorrected", marks=must_fail))
    metafunc.parametrize("without", sides, indirect=True, scope="module")


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less for what must not come."""
    if request.node.get_closest_marker("xfail"):
        monkeypatch.setattr(embedded_aws, "PATIENCE_SECONDS", 3.0)


@pytest.fixture(scope="module")
def without(request: pytest.FixtureRequest) -> str:
    """What the emulator is started without: nothing, or the module's correction."""
    return str(request.param)


@pytest.fixture(scope="session")
def fully_corrected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """One emulator with all corrections, shared by the modules that do not stop it."""
    emulator = EmbeddedAws(tmp_path_factory.mktemp("corrected"))
    emulator.start()
    yield emulator
    emulator.kill()


@pytest.fixture(scope="module")
def aws(
    request: pytest.FixtureRequest, without: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedAws]:
    """The emulator of this side."""
    if not without:
        yield request.getfixturevalue("fully_corrected")
        return
    emulator = EmbeddedAws(tmp_path_factory.mktemp("uncorrected"), without)
    emulator.start()
    yield emulator
    emulator.kill()


@pytest.fixture
def aws_to_restart(without: str, tmp_path: Path) -> Iterator[EmbeddedAws]:
    """An emulator for one test, which may stop or kill it."""
    emulator = EmbeddedAws(tmp_path, without, AUTOSAVE_SECONDS=AUTOSAVE_SECONDS)
    emulator.start()
    yield emulator
    emulator.kill()


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """The file that functions write their records to."""
    return tmp_path / "records"


@pytest.fixture
def stack_name(request: pytest.FixtureRequest) -> str:
    """A stack name of the test's own."""
    name = "".join(character if character.isalnum() else "-" for character in request.node.originalname)
    return name.removeprefix("test-")[:40].strip("-")
