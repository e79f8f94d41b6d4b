"""Kills: one process a second, of a function chosen by chance, now and then all; and the embedded AWS itself once."""

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
LATEST_SHARE: Final = 0.7
"""Of the time, after which the embedded AWS is killed even if the clients are not half way yet."""


@dataclass(slots=True)
class Killer:
    """Kills for a while, in a thread of its own.

    Attributes:
        is_half_way: tells when it is time for the embedded AWS.
        killed: processes that were ended, by function.
        emulator_kills: how often the embedded AWS was.
        ended_at: monotonic time of the last kill.
        failure: what kept it from going on.
    """

    stack: LocalStack
    duration_seconds: float
    chance: random.Random
    is_half_way: Callable[[], bool]
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
        started = time.monotonic()
        try:
            while (passed := time.monotonic() - started) < self.duration_seconds:
                is_time = self.is_half_way() or passed > LATEST_SHARE * self.duration_seconds
                if is_time and not self.emulator_kills:
                    self._kill_emulator()
                self._kill_functions()
                time.sleep(INTERVAL_SECONDS)
        except BaseException as failure:  # noqa: BLE001 -- raised by `join`, in the thread that waits
            self.failure = failure

    def _kill_functions(self) -> None:
        for process in self._choose(self.stack.function_processes()):
            kill(process.pid)
            self.killed[process.function] += 1
            self.ended_at = time.monotonic()

    def _choose(self, processes: list[FunctionProcess]) -> list[FunctionProcess]:
        """Choose a function first: the API has many processes, and those that execute runs are to die as often."""
        if self.chance.random() < CHANCE_OF_ALL:
            return processes
        functions = sorted({process.function for process in processes})
        function = self.chance.choice(functions) if functions else ""
        return [process for process in processes if process.function == function][:1]

    def _kill_emulator(self) -> None:
        self.stack.kill_emulator()
        self.emulator_kills += 1
        self.stack.command("up")
