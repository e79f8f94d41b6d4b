"""A Step: one model call and the tool calls it asked for; the unit that a checkpoint records."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from nightshift.domain.message import Usage
from nightshift.domain.stop_reason import StopReason


class StepStatus(StrEnum):
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Step:
    """The record of one step.

    Attributes:
        number: 1-based within its run; the step's id holds it.
        stop_reason: why the model stopped or why the step failed, None while the loop goes on.
        nano_dollars: what the call cost, None where its model had no price in the table of `price_version`.
        model_ns: duration of the model call with its retries.
        error_type, error: class-like name and public text of the failure, None for a success.
        feedback, tags: what a person thought of it afterwards.
    """

    id: str
    run_id: str
    agent_id: str
    number: int
    status: StepStatus
    created_at: datetime
    model_handle: str
    model_endpoint: str | None
    context_window_tokens: int
    usage: Usage = field(default_factory=Usage)
    nano_dollars: int | None = None
    price_version: str | None = None
    stop_reason: StopReason | None = None
    model_ns: int = 0
    request_id: str | None = None
    error_type: str | None = None
    error: str | None = None
    feedback: Literal["positive", "negative"] | None = None
    tags: tuple[str, ...] = ()
