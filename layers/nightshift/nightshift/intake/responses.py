"""What a client that waited for a run is told: a LettaResponse, server-sent events, or an error (letta_api_spec §1.4).

An event's `seq_id` is the place of its message among all that the run shows, so that a stream that broke off goes on
with `starting_after`, through whichever endpoint.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nightshift.domain.approval import NOTHING_PENDING, PENDING
from nightshift.domain.display import Json, show_outputs, show_usage_statistics
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason

if TYPE_CHECKING:
    from nightshift.domain.step_outputs import StepOutputs

DONE = "data: [DONE]\n\n"

INPUT_TYPES: Final = frozenset({"user_message", "system_message", "approval_response_message"})
"""What the client itself sent; an answer to it shows what came of it."""

UNSTREAMED_TYPES: Final = frozenset({"summary_message", "event_message"})
"""What the official SDK knows in lists and not in streams."""

_RAISED: Final = frozenset(
    {StopReason.ERROR, StopReason.LLM_API_ERROR, StopReason.INVALID_LLM_RESPONSE, StopReason.INSUFFICIENT_CREDITS}
)
"""Reasons that are errors of the request; with every other one the answer is a LettaResponse that names it."""

_REFUSALS: Final[Mapping[str, tuple[int, str]]] = {
    PENDING: (409, "pending_approval"),
    NOTHING_PENDING: (400, "invalid_request"),
    "Invalid tool call IDs": (400, "invalid_request"),
    "INVALID_ARGUMENT": (400, "invalid_request"),
}
"""How the errors of runs begin that failed for what their request asked, to the answer where its client waits."""

_LLM_ERRORS: Final[Mapping[str, tuple[int, str]]] = {
    "LLMRateLimitError": (429, "llm_rate_limit"),
    "LLMInsufficientCreditsError": (402, "llm_insufficient_credits"),
    "LLMAuthenticationError": (401, "llm_authentication"),
    "LLMBadRequestError": (400, "llm_bad_request"),
    "LLMContextWindowExceededError": (400, "llm_bad_request"),
    "LLMUnprocessableEntityError": (400, "llm_bad_request"),
    "LLMTimeoutError": (504, "llm_timeout"),
}


@dataclass(frozen=True, slots=True)
class RunError:
    """How a failed run is answered where its client waits.

    Attributes:
        status: HTTP status.
        kind: `type` of the error in the API's words.
    """

    status: int
    kind: str
    message: str

    @classmethod
    def of(cls, run: Run, error_type: str | None) -> "RunError | None":
        """Say what error the run came to, None for one that its LettaResponse tells.

        Args:
            error_type: of the run's newest step, None when there is none.
        """
        if run.status is not RunStatus.FAILED or run.stop_reason not in _RAISED:
            return None
        if refused := next((kind for text, kind in _REFUSALS.items() if (run.error or "").startswith(text)), None):
            return cls(*refused, run.error or "")
        default = "llm_error" if (error_type or "").startswith("LLM") else "internal_error"
        status, kind = _LLM_ERRORS.get(error_type or "", (500, default))
        return cls(status, kind, run.error or "the run failed")

    def show(self, run: Run) -> Json:
        """Show the error as a body."""
        shown = {"type": self.kind, "message": self.message, "detail": self.message, "run_id": run.id}
        return {"error": shown, "detail": self.message}


def show_response(run: Run, shown: Iterable[Json], outputs: "Sequence[StepOutputs]" = ()) -> Json:
    """Show a terminal run as a LettaResponse.

    Args:
        shown: all its messages as displayed.
        outputs: what it asked to be told of its model's tokens.
    """
    return {
        "messages": [message for message in shown if message["message_type"] not in INPUT_TYPES],
        "stop_reason": _stop_reason(run),
        "usage": show_usage_statistics(run),
        **show_outputs(outputs),
    }


def show_events(
    run: Run, shown: Iterable[Json], error: RunError | None, *, starting_after: int = 0, with_inputs: bool = False
) -> str:
    """Show a run as server-sent events; one that goes on ends without a stop reason, and always with `[DONE]`."""
    messages = _numbered(shown, starting_after, UNSTREAMED_TYPES | (frozenset() if with_inputs else INPUT_TYPES))
    return (
        "".join(f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in (*messages, *_end(run, error))) + DONE
    )


def _numbered(shown: Iterable[Json], starting_after: int, left_out: frozenset[str]) -> Iterator[Json]:
    for seq_id, message in enumerate(shown, 1):
        if seq_id > starting_after and message["message_type"] not in left_out:
            yield message | {"seq_id": seq_id}


def _end(run: Run, error: RunError | None) -> Iterator[Json]:
    if not run.status.is_terminal:
        return
    if error is not None:
        yield {
            "message_type": "error_message",
            "run_id": run.id,
            "error_type": error.kind,
            "message": error.message,
            "detail": None,
            "seq_id": None,
        }
    yield _stop_reason(run)
    yield show_usage_statistics(run)


def _stop_reason(run: Run) -> Json:
    reason = run.stop_reason or StopReason.ERROR
    return {"message_type": "stop_reason", "stop_reason": reason.value}
