"""What must hold after every single write, whoever made it and whatever came before."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from disorder.stored_state import StoredState
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.storage.dynamo import Item
from nightshift.storage.keys import DUE_SHARD


@dataclass(slots=True)
class Promises:
    """The checks, and what they remember.

    Attributes:
        accepted: run ids by conversation, in the order of acceptance.
        tokens: the highest fencing token that was seen, by conversation.
        ended: terminal runs as they were first seen.
    """

    accepted: dict[str, list[str]]
    tokens: Counter[str] = field(default_factory=Counter)
    ended: dict[str, Run] = field(default_factory=dict)

    def check(self, state: StoredState) -> None:
        for conversation_id, accepted in self.accepted.items():
            lane = state.lanes[conversation_id]
            self._check_lease(conversation_id, lane)
            check_queue(lane, accepted, state)
            check_due_index(lane)
            check_log(lane, state.logs[conversation_id], accepted, state)
        for run in state.runs.values():
            self._check_end(run)
            check_steps(run, state.steps[run.id])
            check_delivery(run, state.deliveries.get(run.id))

    def _check_lease(self, conversation_id: str, lane: Item) -> None:
        assert lane["fencing_token"] >= self.tokens[conversation_id], "the fencing token went back"
        self.tokens[conversation_id] = lane["fencing_token"]

    def _check_end(self, run: Run) -> None:
        if run.status.is_terminal:
            first = self.ended.setdefault(run.id, run)
            # The returns of a cancelled run's tools, and what they took, come after its end; nothing else may.
            grown = replace(first, first_sequence=run.first_sequence, last_sequence=run.last_sequence, spent=run.spent)
            assert run == (grown if run.status is RunStatus.CANCELLED else first), "a terminal run changed"
        else:
            assert run.id not in self.ended, "a terminal run came back"


def check_queue(lane: Item, accepted: Sequence[str], state: StoredState) -> None:
    """Runs leave in the order they were accepted in, none before its end, and one alone is at work."""
    waiting = lane["waiting"]
    left = accepted[: len(accepted) - len(waiting)]
    assert [*left, *waiting] == [*accepted], "the queue is not in the order of acceptance"
    for run_id in left:
        assert state.runs[run_id].status.is_terminal, "a run left the queue before its end"
    for run_id in waiting[1:]:
        assert state.runs[run_id].status is not RunStatus.RUNNING, "two runs of a conversation at once"


def check_due_index(lane: Item) -> None:
    """Whatever somebody must look at is in the due-index, and nothing else is."""
    is_due = lane.get("due_shard") == DUE_SHARD and "due_at" in lane
    is_wanted = bool(lane["waiting"]) or "lease_holder" in lane
    assert is_due == is_wanted, "lost to the sweeper" if is_wanted else "rung for ever, for nothing"


def check_log(lane: Item, log: Sequence[Item], accepted: Sequence[str], state: StoredState) -> None:
    """The log has no gap and no message twice; a run's messages are one range of it, in the order of acceptance."""
    assert [item["sequence"] for item in log] == list(range(1, len(log) + 1)), "a gap in the log"
    payloads = Counter(item["payload"] for item in log)
    assert payloads.most_common(1)[0][1] == 1 if log else True, f"written twice: {payloads.most_common(1)}"
    owners = [run_id for run_id, _ in itertools.groupby(item["run_id"] for item in log)]
    assert owners == [run_id for run_id in accepted if run_id in set(owners)], "messages of runs are mixed"
    for run_id in owners:
        run = state.runs[run_id]
        places = [item["sequence"] for item in log if item["run_id"] == run_id]
        assert (run.first_sequence, run.last_sequence) == (places[0], places[-1]), "a run's range is not its messages"
    first = state.runs[lane["waiting"][0]] if lane["waiting"] else None
    written = first.last_sequence if first and first.last_sequence else lane["next_sequence"] - 1
    assert written == len(log), "the next message has no place of its own"


def check_steps(run: Run, numbers: Sequence[int]) -> None:
    assert sorted(numbers) == list(range(1, run.step_count + 1)), "steps are not those that were counted"


def check_delivery(run: Run, delivery: Item | None) -> None:
    """A callback is there from the moment that its run ends, and tells how it ended."""
    is_wanted = run.callback_url is not None and run.status.is_terminal
    assert (delivery is not None) == is_wanted, "a delivery without its run's end, or the other way round"
    if delivery is not None and run.stop_reason:
        assert (delivery["run_status"], delivery["stop_reason"]) == (run.status.value, run.stop_reason.value)
