"""A Run: one request to process messages, from acceptance to a terminal status."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from nightshift.domain.message import Usage
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason

DEFAULT_MAX_STEPS = 50
"""Steps that a run may take when its request names no `max_steps` (letta_api_spec §1.1)."""

MAX_STARTS_WITHOUT_PROGRESS = 3
"""Runners that may die on a run without one checkpoint between them, before it is held to be poison and fails."""


MAX_WAITS = 10
"""Times in a row that a run sleeps because its provider asked for time, before it fails with the provider's error."""


class RunKind(StrEnum):
    """What a run does, in the words of its `metadata.run_type`."""

    MESSAGES = "send_message_async"
    COMPACTION = "compact_messages"


@dataclass(frozen=True, slots=True)
class DisplayConfig:
    """How the run's messages are shown: `request_config` of the API. None means every message type."""

    use_assistant_message: bool = True
    assistant_message_tool_name: str = "send_message"
    assistant_message_tool_kwarg: str = "message"
    include_return_message_types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run took of AWS.

    Attributes:
        slices: in which runners worked on it.
        runner_ms: that they took, model calls and all; up to ten runs share the invocation that is billed.
        x86_64_mb_ms, arm64_mb_ms: the run's share of that times the function's memory, which Lambda has a price for.
        write_units, half_read_units: of DynamoDB, as it charges them; a read is charged by halves.
        transitions: of the LongRun state machine.
    """

    slices: int = 0
    runner_ms: int = 0
    x86_64_mb_ms: int = 0
    arm64_mb_ms: int = 0
    write_units: int = 0
    half_read_units: int = 0
    transitions: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.slices + other.slices,
            self.runner_ms + other.runner_ms,
            self.x86_64_mb_ms + other.x86_64_mb_ms,
            self.arm64_mb_ms + other.arm64_mb_ms,
            self.write_units + other.write_units,
            self.half_read_units + other.half_read_units,
            self.transitions + other.transitions,
        )

    @property
    def is_counted(self) -> bool:
        """Tell whether nothing is missing that its price is made of; older versions counted less, or nothing.

        Accepting a run takes write units, and a runner that worked has memory.
        """
        return self.write_units > 0 and (self.runner_ms == 0 or self.x86_64_mb_ms + self.arm64_mb_ms > 0)


@dataclass(frozen=True, slots=True)
class Run:
    """The state of one run as it is stored.

    Attributes:
        conversation_id: the conversation it belongs to: a `conv-` id, or the agent's id for its default conversation.
        fencing_token: the newest runner's; a checkpoint with another one fails (promise 4). 0 before the first start.
        first_sequence, last_sequence: the range of the conversation's log that this run wrote, None before it began.
        starts_without_progress: runners that started on it since its last checkpoint.
        wait_count: times since its last answer that it was put to sleep because its provider asked for time.
        started_call_ids: tool calls that must never be repeated and were started; their returns are not stored yet.
        ttft_ns: from the start of work to the model's first answer.
        spent: from its acceptance up to its newest checkpoint.
        nano_dollars: what its model calls cost, as far as their models have a price (domain/prices.py).
        unpriced_calls: model calls whose model has none.
        has_outputs: whether its steps kept what it asked to be told of its model's tokens (domain/step_outputs.py).
        body_hash: of the request that made it, to know the SDK's repetition by; None in runs of older versions.
    """

    id: str
    tenant: str
    agent_id: str
    conversation_id: str
    status: RunStatus
    created_at: datetime
    kind: RunKind = RunKind.MESSAGES
    max_steps: int = DEFAULT_MAX_STEPS
    display: DisplayConfig = field(default_factory=DisplayConfig)
    callback_url: str | None = None
    stop_reason: StopReason | None = None
    error: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    fencing_token: int = 0
    first_sequence: int | None = None
    last_sequence: int | None = None
    step_count: int = 0
    starts_without_progress: int = 0
    wait_count: int = 0
    started_call_ids: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    spent: Spent = field(default_factory=Spent)
    nano_dollars: int = 0
    unpriced_calls: int = 0
    ttft_ns: int | None = None
    body_hash: str | None = None
    has_outputs: bool = False

    @property
    def public_conversation_id(self) -> str | None:
        """Return the conversation id as the API shows it: None for the agent's default conversation."""
        return None if self.conversation_id == self.agent_id else self.conversation_id

    @property
    def is_priced(self) -> bool:
        """Tell whether all its model calls had a price; runs of older versions with tokens counted none."""
        return not self.unpriced_calls and (self.nano_dollars > 0 or not self.usage.total_tokens)

    def with_call(self, usage: Usage, nano_dollars: int | None) -> "Run":
        """Return the run with one more model call; None is the cost of a model that has no price."""
        return replace(
            self,
            usage=self.usage + usage,
            nano_dollars=self.nano_dollars + (nano_dollars or 0),
            unpriced_calls=self.unpriced_calls + (nano_dollars is None),
        )

    @property
    def total_duration_ns(self) -> int | None:
        """Return the time from the start of work to the terminal write; whole microseconds, None before both."""
        if self.started_at is None or self.completed_at is None:
            return None
        elapsed = self.completed_at - self.started_at
        return (elapsed.days * 86_400 * 1_000_000 + elapsed.seconds * 1_000_000 + elapsed.microseconds) * 1_000
