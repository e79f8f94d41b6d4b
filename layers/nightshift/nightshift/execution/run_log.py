"""What is logged of a run's course, and the metrics that ride on those lines. Counts and reasons, never content."""

from collections.abc import Sequence

from nightshift.domain.message import ToolReturn, Usage
from nightshift.domain.run import Run
from nightshift.domain.step import Step
from nightshift.domain.stop_reason import StopReason
from nightshift.telemetry import logger, measured


def log_started(run: Run, *, is_first_start: bool) -> None:
    """Tell that a runner works on the run from here on; how long it waited counts once, whoever goes on with it."""
    waited_seconds = (run.started_at - run.created_at).total_seconds() if run.started_at else 0.0
    queued = measured({"RunQueuedSeconds": round(waited_seconds, 3)}) if is_first_start else {}
    logger.info("run started", fencing_token=run.fencing_token, step_count=run.step_count, **queued)


def log_step(step: Step) -> None:
    """Tell how a model call went: the log, the metrics and the trace."""
    from nightshift.execution.model_trace import trace_model_call  # noqa: PLC0415 -- loaded after a model's answer

    values = {"Steps": 1, "ModelLatency": step.model_ns // 1_000_000, **count_usage(step.usage, step.nano_dollars)}
    if step.error is not None:
        values["ModelFailures"] = 1
    logger.info(
        "step finished",
        status=step.status.value,
        model=step.model_handle,
        total_tokens=step.usage.total_tokens,
        error_type=step.error_type,
        reason=step.error,
        **measured(values, provider=provider_of(step.model_handle)),
    )
    trace_model_call(step)


def log_returns(returns: Sequence[ToolReturn]) -> None:
    """Tell how many tool calls were answered, and which tools failed."""
    failed = [given.name for given in returns if given.status == "error"]
    errors = measured({"ToolErrors": len(failed)}) if failed else {}
    logger.info("tool calls answered", calls=len(returns), failed_tools=failed, **errors)


def log_finished(run: Run, stop_reason: StopReason, *, is_poison: bool = False) -> None:
    """Tell how the run ended."""
    values: dict[str, float] = {"RunsCompleted": 1, "RunSeconds": round((run.total_duration_ns or 0) / 1e9, 3)}
    if is_poison:
        values["RunsPoisoned"] = 1
    logger.info(
        "run finished",
        status=run.status.value,
        step_count=run.step_count,
        total_tokens=run.usage.total_tokens,
        **measured(values, stop_reason=stop_reason.value),
    )


def count_usage(usage: Usage, nano_dollars: int | None) -> dict[str, float]:
    """Return the metrics of what one model call used and, where its model has a price, cost."""
    from nightshift.domain.prices import NANO_DOLLARS  # noqa: PLC0415 -- loaded where a model was asked

    values: dict[str, float] = {
        "InputTokens": usage.prompt_tokens,
        "OutputTokens": usage.completion_tokens,
        "CachedTokens": usage.cached_input_tokens,
    }
    return values if nano_dollars is None else values | {"Dollars": nano_dollars / NANO_DOLLARS}


def provider_of(handle: str) -> str:
    """Return the dimension of a model: its provider, of which there are few; of models there are many."""
    return handle.partition("/")[0]
