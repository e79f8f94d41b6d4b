"""What a run asked to be told of its model's tokens (letta_api_spec §3.10), step by step."""

from dataclasses import dataclass
from typing import Any

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StepOutputs:
    """What one step adds.

    Attributes:
        logprobs: of the answer's tokens, in the shape of the API; None when they were not asked for or not to be had.
        turns: the tool returns that the model was given in this run, and its answer with the ids of its tokens;
            empty likewise.
    """

    logprobs: Json | None = None
    turns: tuple[Json, ...] = ()
