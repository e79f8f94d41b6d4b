"""Two hundred runs while processes die: `make chaos`. Ends with a table, and with 1 if any line of it is off.

On an embedded AWS of its own, functions are killed by SIGKILL every second while clients post, and the embedded AWS
itself once in between. Then nobody is killed any more, and all has to come to its end by itself.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from letta_client import Letta

from chaos.callbacks import Callbacks
from chaos.killer import Killer
from chaos.load import AGENTS, MODEL, RUNS_PER_AGENT, Load, model_rule
from chaos.outcome import AgentOutcome, Outcome, count_effects, read_agent
from chaos.verdict import explain, judge
from support.local_stack import LocalStack, running_stack
from support.receiver import running_receiver
from support.scripted_model.server import ScriptedModel

POSTS: Final = AGENTS * RUNS_PER_AGENT
POSTING_SHARE: Final = 0.8
"""Of the time of the kills, how much of it clients post."""
PARAMETERS: Final = {
    # A kill costs seconds, and a busy machine does not look like one.
    "LeaseSeconds": "12",
    # An agent's queue takes several slices, so that Step Functions have their part in it.
    "SliceSeconds": "20",
}
SETTLE_SECONDS: Final = 600
"""After the last kill: two rounds of the sweeper for a run, two for its callback, and time for a busy machine."""
PROGRESS_SECONDS: Final = 10
LOOK_SECONDS: Final = 2


@dataclass(slots=True)
class Storm:
    """One storm over one stack."""

    stack: LocalStack
    load: Load
    killer: Killer
    callbacks: Callbacks
    started: float

    def rage(self, seconds: float, chance: random.Random) -> None:
        """Post and kill until all is posted and the last kill is done."""
        self.killer.start()
        with ThreadPoolExecutor(1) as client:
            posting = client.submit(self.load.post_all, seconds * POSTING_SHARE, chance)
            self._watch(lambda: posting.done() and self.killer.is_over, seconds + SETTLE_SECONDS)
            posting.result()
        self.killer.join()

    def settle(self) -> float:
        """Wait until every accepted run has ended and was announced; return the seconds since the last kill."""
        self._watch(self._is_settled, SETTLE_SECONDS)
        return time.monotonic() - self.killer.ended_at

    def outcome(self) -> Outcome:
        letta = self.stack.letta()
        with ThreadPoolExecutor(4) as readers:
            agents = tuple(readers.map(lambda agent_id: read_agent(letta, self.load, agent_id), self.load.agent_ids))
        self.callbacks.take_in()
        return Outcome(
            agents=agents,
            callbacks={run_id: frozenset(ids) for run_id, ids in self.callbacks.by_run.items()},
            forged=self.callbacks.forged + self._disagreeing(agents),
            effects=count_effects(self.callbacks.effects()),
        )

    def _disagreeing(self, agents: tuple[AgentOutcome, ...]) -> int:
        shown = {run_id: status for agent in agents for run_id, status in agent.statuses.items()}
        return sum(shown.get(run_id) != status for run_id, status in self.callbacks.statuses.items())

    def _is_settled(self) -> bool:
        return set(self.load.accepted.values()) <= set(self.callbacks.by_run)

    def _watch(self, is_over: Callable[[], bool], limit_seconds: float) -> None:
        """Take callbacks in and tell how far all is, until it is over or the limit is reached."""
        ends_at, tells_at = time.monotonic() + limit_seconds, 0.0
        while not is_over() and time.monotonic() < ends_at:
            if time.monotonic() >= tells_at:
                self._tell()
                tells_at = time.monotonic() + PROGRESS_SECONDS
            time.sleep(LOOK_SECONDS)
            self.callbacks.take_in()
        self._tell()

    def _tell(self) -> None:
        passed, killer = time.monotonic() - self.started, self.killer
        print(
            f"{passed:6.0f} s  accepted {len(self.load.accepted):3}  announced {len(self.callbacks.by_run):3}"
            f"  killed {killer.killed.total():3} functions' processes, {killer.emulator_kills} embedded AWS",
            flush=True,
        )


def main() -> int:
    """Return 0 if every line of the table is right. Whoever ends the storm early leaves no stack behind."""
    arguments = _parse_arguments()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"chaos        seed {arguments.seed}; the stack is built and deployed", flush=True)
    with tempfile.TemporaryDirectory(prefix="nightshift-chaos-") as folder, ScriptedModel() as provider:
        provider.play_for(MODEL, rule=model_rule())
        with running_stack(Path(folder) / "home", provider, **PARAMETERS) as stack:
            is_right = storm(stack, arguments.seed, arguments.seconds)
            if arguments.keep_logs:
                _keep_logs(stack.home, arguments.keep_logs)
    return 0 if is_right else 1


def storm(stack: LocalStack, seed: int, seconds: float) -> bool:
    """Let a storm pass over the stack, print the table and return whether every line is right."""
    started = time.monotonic()
    with running_receiver() as receiver:
        load = Load.create(_patient(stack), receiver.url, receiver.port)
        killer = Killer(stack, seconds, random.Random(seed), lambda: len(load.accepted) / POSTS)
        raging = Storm(stack, load, killer, Callbacks(receiver, stack.description["callback_secret"]), started)
        raging.rage(seconds, random.Random(seed + 1))
        recovered_seconds = raging.settle()
        outcome = raging.outcome()
        lines = judge(outcome, POSTS)
    killed = ", ".join(f"{name} {count}" for name, count in sorted(killer.killed.items()))
    print(f"\nseed {seed}: {killer.killed.total()} functions' processes killed ({killed})")
    print(f"{'embedded AWS killed':<34}{killer.emulator_kills:>6}")
    for line in [*lines, *explain(outcome)]:
        print(line)
    print(f"{'requests sent again by clients':<34}{load.repeated:>6}")
    print(f"{'callbacks received':<34}{raging.callbacks.received:>6}")
    print(f"{'seconds to recover':<34}{recovered_seconds:>6.0f}", flush=True)
    return not any(line.is_off for line in lines)


def _patient(stack: LocalStack) -> Letta:
    return stack.letta().with_options(max_retries=3)


def _keep_logs(home: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for log in home.glob("*.log"):
        (target / log.name).write_bytes(log.read_bytes())


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000), help="of the kills")
    parser.add_argument("--seconds", type=float, default=60, help="how long processes are killed (default: 60)")
    parser.add_argument("--keep-logs", type=Path, help="folder for the stack's logs, which are deleted otherwise")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
