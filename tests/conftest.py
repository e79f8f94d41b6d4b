"""What all tests share: a receiver of callbacks, and the lines they tell at the end, whichever process they ran in."""

from collections.abc import Callable, Iterator

import pytest

from support.receiver import Receiver, running_receiver

_FIGURE = "figure"

type Tell = Callable[[str], None]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Return what takes a line for the end of the test run."""
    return lambda line: record_property(_FIGURE, line)


class _Report:
    """Collects the lines of all processes."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self._lines += [str(value) for name, value in report.user_properties if name == _FIGURE]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self._lines:
            terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Report())
