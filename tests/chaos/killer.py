"""Kills: a function's process a second, of all functions in turn, now and then all; and the embedded AWS once."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from support.local_stack import FunctionProcess, LocalStack, kill

INTERVAL_SECONDS: Final = 1.0
CHANCE_OF_ALL: Final = 0.05
"""How often every process is killed instead of one."""
BEGINS_AT_SHARE: Final = 0.4
"""Of the requests that are accepted before the first kill: then functions of all kinds are at work."""
LATEST_SHARE: Final = 0.5
"""Of the time, after which the embedded AWS is killed even if the clients are not half way yet."""


@dataclass(slots=True)
class Killer:
    """Kills for a while, in a thread of its own.

    Attributes:
        accepted_share: of all requests, 0 to 1: at a half it is time for the embedded AWS.
        killed: processes that were ended, by function.
        emulator_kills: how often the embedded AWS was.
        ended_at: monotonic time of the last kill.
        failure: what kept it from going on.
    """

    stack: LocalStack
    duration_seconds: float
    chance: random.Random
    accepted_share: Callable[[], float]
    killed: Counter[str] = field(default_factory=Counter)
    emulator_kills: int = 0
    ended_at: float = 0
    failure: BaseException | None = None
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._kill_until_over, daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def join(self) -> None:
        """Wait for the last kill.

        Raises:
            BaseException: what kept the killer from going on, as a stack that did not come up again.
        """
        self._thread.join()
        if self.failure:
            raise self.failure

    def _kill_until_over(self) -> None:
        try:
            self._await_work()
            started = time.monotonic()
            while (passed_seconds := time.monotonic() - started) < self.duration_seconds:
                if self._is_emulators_turn(passed_seconds):
                    self._kill_emulator()
                self._kill_functions()
                time.sleep(INTERVAL_SECONDS)
        except BaseException as failure:  # noqa: BLE001 -- raised by `join`, in the thread that waits
            self.failure = failure

    def _await_work(self) -> None:
        ends_at = time.monotonic() + self.duration_seconds
        while self.accepted_share() < BEGINS_AT_SHARE and time.monotonic() < ends_at:
            time.sleep(INTERVAL_SECONDS)

    def _is_emulators_turn(self, passed_seconds: float) -> bool:
        is_time = self.accepted_share() > 0.5 or passed_seconds > LATEST_SHARE * self.duration_seconds
        return is_time and not self.emulator_kills

    def _kill_functions(self) -> None:
        # Not what a function started: a user's code that is killed is a tool that failed, and its model is told so.
        for process in self._choose([found for found in self.stack.function_processes() if found.function]):
            kill(process.pid)
            self.killed[process.function] += 1
            self.ended_at = time.monotonic()

    def _choose(self, processes: list[FunctionProcess]) -> list[FunctionProcess]:
        """Choose the function that was killed least: the API has many processes, and the others are to die as often."""
        if self.chance.random() < CHANCE_OF_ALL:
            return processes
        self.chance.shuffle(processes)
        return sorted(processes, key=lambda process: self.killed[process.function])[:1]

    def _kill_emulator(self) -> None:
        self.stack.kill_emulator()
        self.emulator_kills += 1
        self.stack.command("up")
