"""The fixtures of the crash suite, and its figures: each test tells how many points it struck and what came of them."""

import json
from collections import Counter

import pytest

import queue_runner
import workflow_slice
from crash.aftermath import Harm
from support.aws_tables import Stack, client_of
from support.lane_fixtures import lane, provider, stack
from support.state_machine import load_definition

__all__ = ["lane", "provider", "stack"]

_FIGURES = pytest.StashKey[Counter[str]]()


@pytest.fixture
def deployed(stack: Stack) -> Stack:
    """Give a stack that has the state machine too, to functions that have not seen another one."""
    queue_runner._settings.cache_clear()
    workflow_slice._settings.cache_clear()
    client_of("stepfunctions").create_state_machine(
        name=stack.environment("QueueRunnerFunction")["LONG_RUN_ARN"].rsplit(":")[-1],
        definition=json.dumps(load_definition()),
        roleArn="arn:aws:iam::123456789012:role/long-run",
    )
    return stack


@pytest.hookimpl
def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Tally(config))


class _Tally:
    """Adds up what the tests tell, those of other processes too."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._figures: Counter[str] = Counter()
        self._broken_off = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        figures = dict(report.user_properties)
        if report.when == "call" and "kill points" in figures:
            self._figures.update({name: int(str(figures[name])) for name in ("kill points", *Harm)})
        elif report.failed:
            self._broken_off += 1

    def pytest_unconfigure(self) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is None or not self._figures["kill points"]:
            return
        line = ", ".join(f"{harm} {self._figures[harm]}" for harm in Harm)
        broken_off = f", broken off {self._broken_off}" if self._broken_off else ""
        terminal.write_line(f"kill points: {self._figures['kill points']}, {line}{broken_off}")
