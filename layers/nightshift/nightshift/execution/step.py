"""One model call of a run: ask, judge the answer, and say what follows."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.errors import ModelCallError
from nightshift.domain.message import MessageDraft, Role, TextPart, ToolSchema, Usage
from nightshift.domain.step import Step, StepStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.model_request import ask, to_request
from nightshift.execution.model_source import ModelSource
from nightshift.execution.run_state import RunState
from nightshift.models.port import Finish, ModelAnswer

if TYPE_CHECKING:
    from nightshift.domain.step_outputs import StepOutputs

MODEL_TIMEOUT_SECONDS = 120.0
"""For one model call with its retries, unless less time is left to the function."""

OVERFLOW_ERROR = "LLMContextWindowExceededError"
"""`error_type` of a call whose messages don't fit the model's window."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a model call came to.

    Attributes:
        answer: the assistant's message, None when the call failed or the answer was unusable.
        stop_reason: why the run ends with this step, None when the loop goes on with the tool calls.
        error: public text of the failure.
        retry_after_seconds: how long the provider asked to wait before the same call may succeed.
        outputs: what the run asked to be told of the model's tokens.
    """

    step: Step
    answer: MessageDraft | None
    stop_reason: StopReason | None
    error: str | None = None
    retry_after_seconds: float | None = None
    outputs: "StepOutputs | None" = None

    @property
    def is_refused_as_too_long(self) -> bool:
        """Tell whether the provider refused the messages as more than the model's window."""
        return self.step.error_type == OVERFLOW_ERROR

    @property
    def is_last_word(self) -> bool:
        """Tell whether the model said all it had to say."""
        return self.step.status is StepStatus.SUCCESS and self.answer is not None and not self.answer.tool_calls


def call_model(
    state: RunState,
    source: ModelSource,
    tools: tuple[ToolSchema, ...],
    clock: Clock,
    timeout_seconds: float,
    tool_choice: str | None = None,
) -> StepResult:
    """Ask the run's model for its next answer. Writes nothing; a failure is a result, not an exception."""
    handle = state.request.override_model or state.require_agent().model
    attempt = _Attempt(state, source, clock, handle, clock.now(), clock.monotonic_ns())
    try:
        model = source.model(handle)
        attempt = replace(attempt, endpoint=model.endpoint)
        seconds = min(MODEL_TIMEOUT_SECONDS, timeout_seconds)
        request = to_request(state, handle, tools, seconds, tool_choice)
        return attempt.answered(ask(model, request, state, source, clock))
    except ModelCallError as error:
        return attempt.failed(error)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A step while its model thinks."""

    state: RunState
    source: ModelSource
    clock: Clock
    handle: str
    began_at: datetime
    began_ns: int
    endpoint: str | None = None

    def answered(self, answer: ModelAnswer) -> StepResult:
        draft = MessageDraft(role=Role.ASSISTANT, content=answer.content, tool_calls=answer.tool_calls)
        stop_reason, error = _judge(answer)
        if error is not None:
            step = self._step(StepStatus.FAILED, answer.usage, stop_reason, error, "LLMResponseError")
            return StepResult(step, draft if draft.text else None, stop_reason, error)
        step = self._step(StepStatus.SUCCESS, answer.usage, stop_reason, request_id=answer.request_id)
        return StepResult(step, draft, stop_reason, outputs=self._outputs(answer))

    def _outputs(self, answer: ModelAnswer) -> "StepOutputs | None":
        if not (answer.logprobs or answer.tokens):
            return None
        from nightshift.execution.outputs import outputs_of  # noqa: PLC0415 -- few runs ask for them

        return outputs_of(self.state, answer)

    def failed(self, error: ModelCallError) -> StepResult:
        step = self._step(StepStatus.FAILED, Usage(), error.stop_reason, str(error), error.error_type)
        return StepResult(step, None, error.stop_reason, str(error), error.retry_after_seconds)

    def _step(
        self,
        status: StepStatus,
        usage: Usage,
        stop_reason: StopReason | None,
        error: str | None = None,
        error_type: str | None = None,
        request_id: str | None = None,
    ) -> Step:
        from nightshift.domain.prices import price_table  # noqa: PLC0415 -- only where a model was asked
        from nightshift.execution.prices import price_of_call  # noqa: PLC0415 -- as above

        run = self.state.run
        number = run.step_count + 1
        return Step(
            id=ids.step_id(run.id, number),
            run_id=run.id,
            agent_id=run.agent_id,
            number=number,
            status=status,
            created_at=self.began_at,
            model_handle=self.handle,
            model_endpoint=self.endpoint,
            context_window_tokens=self.state.require_agent().context_window_tokens,
            usage=usage,
            nano_dollars=price_of_call(self.source, self.handle, usage),
            price_version=price_table().version,
            stop_reason=stop_reason,
            model_ns=self.clock.monotonic_ns() - self.began_ns,
            request_id=request_id,
            error_type=error_type,
            error=error,
        )


def _judge(answer: ModelAnswer) -> tuple[StopReason | None, str | None]:
    """Say why the run stops at this answer (None: it goes on), and what is wrong with the answer (§3.3)."""
    if answer.tool_calls:
        return None, None
    if answer.finish is Finish.LENGTH:
        return StopReason.MAX_TOKENS_EXCEEDED, "the answer reached the limit of output tokens; raise max_tokens"
    if not any(isinstance(part, TextPart) and part.text for part in answer.content):
        return StopReason.INVALID_LLM_RESPONSE, "the model answered neither text nor a tool call"
    return StopReason.END_TURN, None
