"""What a crash test plays: what clients send, what the model answers, and what may come of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crash.kill_switch import DEATHS, MEDDLINGS, Strike
from nightshift.domain.stop_reason import StopReason
from support.receiver import Behaviour
from support.scripted_model.rules import Rule

if TYPE_CHECKING:
    from crash.world import World

type Json = dict[str, Any]

PAY = """
def pay(amount: int = 1) -> str:
    \"\"\"Pay.\"\"\"
    return "paid"
"""
"""The tool of every scenario's agent; its executions are counted by the key that they are given."""

NEVER_REPEATED: Mapping[str, Any] = {"metadata_": {"repeat_policy": "never"}}
"""Fields of a tool that is executed once or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One of the things that happen to a conversation.

    Attributes:
        model: answers what it is asked, the same when it is asked again.
        requests: bodies, one accepted run each; what a body lacks is a user's message.
        agent, tool: fields of the agent, further ones of its tool `pay`.
        has_callbacks: whether the requests name a `callback_url`.
        reply: answers a run that has paused for its client, by the ids of the calls it asks for; None leaves it so.
        is_compacted: whether a compaction is asked for after all requests.
        receiver: what the receiver of callbacks does, in turn, the last one from then on.
        slice_seconds: 0 makes every step a slice of its own, hence a run of several steps a long run.
        slices_per_execution: after which LongRun goes on in a fresh execution.
        loses_doorbells: whether no message of RunQueue arrives before a sweep.
        meddling: what somebody else does in the middle of it.
        meddles_before_slice: number of the slice, from 0, before which the meddling happens while deaths strike at
            every write; None makes the meddling itself strike at every write, while nothing dies.
        log_length: messages in the log once everything is done; None where the strike decides how far a run comes.
        stop_reasons: with which the runs may end.
        check: says what does not hold at the end beside what always has to hold.
    """

    model: Rule
    requests: Sequence[Json] = ({},)
    agent: Mapping[str, Any] = field(default_factory=dict)
    tool: Mapping[str, Any] = field(default_factory=dict)
    has_callbacks: bool = False
    reply: Callable[[list[str]], Json] | None = None
    is_compacted: bool = False
    receiver: Sequence[Behaviour] = ()
    slice_seconds: float = 120
    slices_per_execution: int | None = None
    loses_doorbells: bool = False
    meddling: Callable[["World"], None] | None = None
    meddles_before_slice: int | None = None
    log_length: int | None = None
    stop_reasons: frozenset[StopReason] = frozenset({StopReason.END_TURN})
    check: Callable[["World"], str | None] = lambda world: None

    @property
    def strikes(self) -> Sequence[Strike]:
        """Return what strikes at every write."""
        return DEATHS if self.meddling is None or self.meddles_before_slice is not None else MEDDLINGS

    @property
    def is_never_repeated(self) -> bool:
        return self.tool == NEVER_REPEATED
