"""One model call of a run: ask, judge the answer, and say what follows."""

from dataclasses import dataclass, replace
from datetime import datetime

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.errors import ModelCallError
from nightshift.domain.message import MessageDraft, Role, TextPart, ToolSchema, Usage
from nightshift.domain.step import Step, StepStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.context_window import keep_newest, room_for_messages
from nightshift.execution.model_source import ModelSource
from nightshift.execution.run_state import RunState
from nightshift.models.port import Finish, ModelAnswer, ModelRequest

MODEL_TIMEOUT_SECONDS = 120.0
"""For one model call with its retries, unless less time is left to the function."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a model call came to.

    Attributes:
        answer: the assistant's message, None when the call failed or the answer was unusable.
        stop_reason: why the run ends with this step, None when the loop goes on with the tool calls.
        error: public text of the failure.
        retry_after_seconds: how long the provider asked to wait before the same call may succeed.
    """

    step: Step
    answer: MessageDraft | None
    stop_reason: StopReason | None
    error: str | None = None
    retry_after_seconds: float | None = None


def call_model(
    state: RunState, source: ModelSource, tools: tuple[ToolSchema, ...], clock: Clock, timeout_seconds: float
) -> StepResult:
    """Ask the run's model for its next answer. Writes nothing; a failure is a result, not an exception."""
    handle = state.request.override_model or state.require_agent().model
    attempt = _Attempt(state, clock, handle, clock.now(), clock.monotonic_ns())
    try:
        model = source.model(handle)
        attempt = replace(attempt, endpoint=model.endpoint)
        return attempt.answered(model.complete(_to_request(state, handle, tools, timeout_seconds)))
    except ModelCallError as error:
        return attempt.failed(error)


def _to_request(state: RunState, handle: str, tools: tuple[ToolSchema, ...], timeout_seconds: float) -> ModelRequest:
    agent = state.require_agent()
    room = room_for_messages(agent.context_window_tokens, state.system)
    return ModelRequest(
        model=handle.partition("/")[2],
        system=state.system,
        messages=keep_newest(state.context, room),
        timeout_seconds=min(MODEL_TIMEOUT_SECONDS, timeout_seconds),
        tools=tools,
        max_tokens=agent.max_output_tokens,
        temperature=agent.temperature,
    )


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A step while its model thinks."""

    state: RunState
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
        return StepResult(step, draft, stop_reason)

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
