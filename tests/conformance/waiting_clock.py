"""A clock for operations that wait for a run: while they sleep, the runner works."""

from intake.deployment import Deployment
from nightshift.clock import SystemClock


class RunnerClock(SystemClock):
    """Gives the time of a sleep to the runner instead, and takes no longer than the runner needs."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._slept_ns = 0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self._slept_ns

    def sleep(self, seconds: float) -> None:
        self._slept_ns += int(seconds * 1e9)
        self._deployment.answer_doorbells()
