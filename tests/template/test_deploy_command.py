"""`make deploy`: the parameters of samconfig.toml, those that were asked for, and a release of its own."""

import importlib
import re
import subprocess
import tomllib
from typing import Any

import pytest

from template.expand import ROOT

type Commands = list[list[str]]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Collect the SAM CLI's commands instead of running them."""
    commands: Commands = []

    def run(words: list[object], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append([str(word) for word in words])
        return subprocess.CompletedProcess(commands[-1], 0)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_deploy_is_a_new_release_with_all_parameters(
    ran: Commands, monkeypatch: pytest.MonkeyPatch, template: dict[str, Any]
) -> None:
    assert deploy(monkeypatch, at=1_796_083_815, parameters=["LogLevel=DEBUG"]) == 0
    assert deploy(monkeypatch, at=1_796_083_816, parameters=["DeploymentPreference=AllAtOnce"]) == 0
    assert [command[1:4] for command in ran] == [
        ["build", "--config-env", "prod"],
        ["deploy", "--config-env", "prod"],
    ] * 2
    first, second = (dict(word.split("=") for word in command[5:]) for command in ran if command[1] == "deploy")
    assert first == {
        "DeploymentPreference": "Canary10Percent5Minutes",
        "LogLevel": "DEBUG",
        "Release": "1796083815",
    }
    assert second == {"DeploymentPreference": "AllAtOnce", "Release": "1796083816"}
    assert re.fullmatch(template["Parameters"]["Release"]["AllowedPattern"], first["Release"])


def test_deploy_to_nowhere_is_refused(
    ran: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(monkeypatch, environment="moon") == 1
    assert capsys.readouterr().err.startswith("ERROR: samconfig.toml has no section 'moon'")
    assert ran == []


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_sam_deploy_by_itself_is_refused(environment: str, template: dict[str, Any]) -> None:
    """It would keep the last release, so that nothing new is published and the old versions stay in use."""
    section = tomllib.loads((ROOT / "samconfig.toml").read_text())[environment]["deploy"]["parameters"]
    declared = dict(override.split("=") for override in section["parameter_overrides"])
    assert not re.fullmatch(template["Parameters"]["Release"]["AllowedPattern"], declared["Release"])


def deploy(
    monkeypatch: pytest.MonkeyPatch, environment: str = "prod", at: int = 0, parameters: list[str] | None = None
) -> int:
    """Run the command and return its exit code."""
    monkeypatch.syspath_prepend(str(ROOT / "ops" / "local"))
    command: Any = importlib.import_module("deploy")
    options = [word for parameter in parameters or [] for word in ("--parameter", parameter)]
    monkeypatch.setattr("sys.argv", ["deploy", environment, *options])
    monkeypatch.setattr("time.time", lambda: at + 0.9)
    exit_code: int = command.main()
    return exit_code
