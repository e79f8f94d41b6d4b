"""Compacts the context of a conversation: a summary takes the place of messages, which stay in the log (ADR 13).

cut        which messages go, which stay                        compaction_plan
summarise  a model call; nothing is written meanwhile           summarizer
write      one checkpoint: run counts on · event and summary · system message · where the context starts

A crash before the write leaves the context as it was, one after it as it is then.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.compaction import (
    CALL_WAITS,
    NOTHING_TO_COMPACT,
    CompactionSettings,
    Trigger,
    pack_summary,
)
from nightshift.domain.errors import ModelCallError, RunFailedError
from nightshift.domain.message import Compaction, Message, MessageDraft, Role, TextPart
from nightshift.domain.prices import price_table
from nightshift.domain.run import Run
from nightshift.domain.step import Step, StepStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.checkpoint import Checkpoints
from nightshift.execution.compaction_plan import Cut, Scale, cut_context
from nightshift.execution.context_window import CHARS_PER_TOKEN, MESSAGE_OVERHEAD_TOKENS
from nightshift.execution.model_request import ask
from nightshift.execution.model_source import ModelSource
from nightshift.execution.prices import price_of_call
from nightshift.execution.run_log import count_usage, provider_of
from nightshift.execution.run_state import Entry, RunState
from nightshift.execution.skills import show_skills
from nightshift.execution.step import MODEL_TIMEOUT_SECONDS, StepResult
from nightshift.execution.summarizer import Assignment, Summary, summarize
from nightshift.storage.system_message import compile_system_message
from nightshift.telemetry import logger, measured

MAX_COMPACTIONS_PER_STEP = 3
"""Times that a step's context is compacted because its model refused it as too long (letta_api_spec §3.9)."""

OVERFLOW = StopReason.CONTEXT_WINDOW_OVERFLOW_IN_SYSTEM_PROMPT


class NothingToCompactError(RunFailedError):
    """The context holds nothing that could give way."""


@dataclass(frozen=True, slots=True)
class Compactor:
    """Compacts contexts; holds nothing of any of them."""

    checkpoints: Checkpoints
    models: ModelSource
    clock: Clock

    def after_step(self, state: RunState, timeout_seconds: float) -> str | None:
        """Compact the context that the newest step has filled; return why the run can't go on, None when it can.

        A summary that could not be made is no reason: the next step may still fit, or its model will say otherwise.
        """
        error = _overflow_of(state)
        if error is None:
            try:
                self._compact(state, Trigger.POST_STEP, timeout_seconds)
            except (NothingToCompactError, ModelCallError) as failed:
                logger.warning("context not compacted", trigger=Trigger.POST_STEP.value, reason=str(failed))
        state.step_tokens = 0
        return error

    def retried(
        self, state: RunState, refused: StepResult, call_again: Callable[[], StepResult], timeout_seconds: float
    ) -> StepResult:
        """Compact the context that a model refused as too long and ask again; return what came of it."""
        result = refused
        for _ in range(MAX_COMPACTIONS_PER_STEP):
            if not result.is_refused_as_too_long:
                break
            if error := _overflow_of(state):
                step = replace(result.step, stop_reason=OVERFLOW, error=error)
                return replace(result, step=step, stop_reason=OVERFLOW, error=error)
            try:
                self._compact(state, Trigger.OVERFLOW, timeout_seconds)
            except (NothingToCompactError, ModelCallError) as failed:
                error = f"{result.error}; the context could not be compacted: {failed}"
                return replace(result, step=replace(result.step, error=error), error=error)
            result = call_again()
        return result

    def on_request(self, state: RunState, timeout_seconds: float) -> tuple[Run, StopReason, StepResult | None]:
        """Do what a run to compact is for; return how it ends, with its step where that is not written yet."""
        run = state.run
        if run.last_sequence is not None:
            # Another runner wrote the summary and died before the run's end.
            return run, StopReason.END_TURN, None
        if state.unanswered_calls:
            return replace(run, error=CALL_WAITS), StopReason.ERROR, None
        began_at, began_ns = self.clock.now(), self.clock.monotonic_ns()
        try:
            self._compact(state, Trigger.MANUAL, timeout_seconds)
        except NothingToCompactError as nothing:
            return replace(run, error=str(nothing)), StopReason.ERROR, None
        except ModelCallError as error:
            model_ns = self.clock.monotonic_ns() - began_ns
            step = replace(_step_of(state, None), created_at=began_at, model_ns=model_ns)
            step = replace(step, status=StepStatus.FAILED, stop_reason=error.stop_reason)
            step = replace(step, error_type=error.error_type, error=str(error))
            failed = replace(run.with_call(step.usage, None), error=str(error), step_count=step.number)
            return failed, error.stop_reason, StepResult(step, None, error.stop_reason, str(error))
        return state.run, StopReason.END_TURN, None

    def _compact(self, state: RunState, trigger: Trigger, timeout_seconds: float) -> None:
        """Put a summary in the place of messages.

        Raises:
            NothingToCompactError: none may go, or nothing would be won.
            ModelCallError: no model gave a summary.
            LeaseLostError: another runner executes the conversation; nothing was written.
            RunEndedError: the run was ended by another hand; nothing was written.
        """
        settings = CompactionSettings.from_json(
            state.request.compaction_settings, state.require_agent().compaction_settings
        )
        scale = _scale_of(state, trigger)
        cut = cut_context(state.context, settings, scale, trigger)
        if cut is None:
            raise NothingToCompactError(NOTHING_TO_COMPACT)
        assignment = Assignment(
            settings,
            cut.evicted,
            state.request.override_model or state.require_agent().model,
            state.system,
            scale.window_tokens,
            scale.factor,
            min(MODEL_TIMEOUT_SECONDS, timeout_seconds),
        )
        began_at, began_ns = self.clock.now(), self.clock.monotonic_ns()
        summary = summarize(
            self.models, assignment, lambda model, request: ask(model, request, state, self.models, self.clock)
        )
        model_ns = self.clock.monotonic_ns() - began_ns
        is_step = trigger is Trigger.MANUAL
        step = replace(_step_of(state, summary), created_at=began_at, model_ns=model_ns) if is_step else None
        self._write(state, cut, summary, _measure(state, cut, summary, scale, trigger), step)

    def _write(self, state: RunState, cut: Cut, summary: Summary, compaction: Compaction, step: Step | None) -> None:
        run, now = state.run, self.clock.now()
        is_shown = state.request.include_compaction_messages
        packed = TextPart(pack_summary(summary.text, compaction, now))
        drafts = [MessageDraft(Role.SUMMARY if is_shown else Role.USER, (packed,), compaction=compaction)]
        if is_shown:
            drafts.insert(0, MessageDraft(Role.EVENT, compaction=compaction))
        # A compaction belongs to the step that filled the context, or to the one that found it too long.
        is_after_step = compaction.trigger == Trigger.POST_STEP
        step_id = ids.step_id(run.id, run.step_count if is_after_step else run.step_count + 1)
        cost = price_of_call(self.models, summary.handle, summary.usage)
        step = replace(step, nano_dollars=cost, price_version=price_table().version) if step else None
        changed = replace(run.with_call(summary.usage, cost), step_count=step.number if step else run.step_count)
        system = self._compile_system(state)
        entries = [Entry(draft, step_id) for draft in drafts]
        self.checkpoints.compact(state, changed, entries, cut.kept, system, step)
        if state.request.override_system is None:
            state.system = system.draft.text
            show_skills(self.checkpoints.database, state)
        logger.info(
            "context compacted",
            trigger=compaction.trigger,
            model=summary.handle,
            **measured(count_usage(summary.usage, cost), provider=provider_of(summary.handle)),
            tokens_before=compaction.tokens_before,
            tokens_after=compaction.tokens_after,
            messages_before=compaction.messages_before,
            messages_after=compaction.messages_after,
        )

    def _compile_system(self, state: RunState) -> Message:
        """Return the system message as memory is now, under the id of the one that it replaces."""
        run, database = state.run, self.checkpoints.database
        held = state.next_sequence - state.conversation.history_starts_at
        agent = state.require_agent()
        compiled = compile_system_message(database, agent, run.conversation_id, self.clock.now(), held)
        present = database.messages.system_message(run.tenant, run.conversation_id)
        return replace(compiled, id=present.id) if present else compiled


def _scale_of(state: RunState, trigger: Trigger) -> Scale:
    """Compare estimates with what is known: a step's count ends with its answer, a refusal means at least a window."""
    window, context = state.require_agent().context_window_tokens, state.context
    match trigger:
        case Trigger.POST_STEP:
            newest = next((at for at in range(len(context), 0, -1) if context[at - 1].role is Role.ASSISTANT), 0)
            return Scale.of(context[:newest], state.system, window, state.step_tokens)
        case Trigger.OVERFLOW:
            scale = Scale.of(context, state.system, window, window)
            return replace(scale, factor=max(1.0, scale.factor))
        case Trigger.MANUAL:
            return Scale.of(context, state.system, window, 0)


def _measure(state: RunState, cut: Cut, summary: Summary, scale: Scale, trigger: Trigger) -> Compaction:
    summary_tokens = (len(summary.text) // CHARS_PER_TOKEN + MESSAGE_OVERHEAD_TOKENS) * scale.factor
    return Compaction(
        trigger=trigger.value,
        context_window_tokens=scale.window_tokens,
        tokens_before=scale.tokens(state.context),
        tokens_after=scale.tokens(cut.kept) + int(summary_tokens),
        # Both with the system message.
        messages_before=len(state.context) + 1,
        messages_after=len(cut.kept) + 2,
    )


def _overflow_of(state: RunState) -> str | None:
    """Return what is wrong when the system prompt alone fills the window: no compaction helps then."""
    window = state.require_agent().context_window_tokens
    if len(state.system) // CHARS_PER_TOKEN < window or state.ending is not None:
        return None
    return (
        f"the system prompt alone fills the context window of {window} tokens; "
        "shorten the instructions or the memory blocks, or raise context_window_limit"
    )


def _step_of(state: RunState, summary: Summary | None) -> Step:
    """Return the step of a run to compact: its one model call."""
    run, agent = state.run, state.require_agent()
    number = run.step_count + 1
    step = Step(
        id=ids.step_id(run.id, number),
        run_id=run.id,
        agent_id=run.agent_id,
        number=number,
        status=StepStatus.SUCCESS,
        created_at=run.created_at,
        model_handle=agent.model,
        model_endpoint=None,
        context_window_tokens=agent.context_window_tokens,
        stop_reason=StopReason.END_TURN,
    )
    if summary is None:
        return step
    return replace(
        step,
        model_handle=summary.handle,
        model_endpoint=summary.endpoint,
        usage=summary.usage,
        request_id=summary.request_id,
    )
