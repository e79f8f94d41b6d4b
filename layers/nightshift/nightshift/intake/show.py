"""Runs and steps as the API shows them (letta_api_spec §2.1, §4, §5.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightshift.clock import to_iso
from nightshift.domain.callback import CallbackDelivery
from nightshift.domain.display import Json, show_metadata, show_outputs, show_usage
from nightshift.domain.message import Usage
from nightshift.domain.run import Run
from nightshift.domain.step import Step

if TYPE_CHECKING:
    from nightshift.domain.step_outputs import StepOutputs


@dataclass(frozen=True, slots=True)
class RunView:
    """A run, with its callback's delivery where it has one, and with what it asked to be told of its model's tokens."""

    run: Run
    delivery: CallbackDelivery | None = None
    outputs: "Sequence[StepOutputs]" = ()


def show_run(view: RunView) -> Json:
    """Show a run; its `callback_*` fields are its delivery's newest attempt."""
    run, delivery = view.run, view.delivery
    types = run.display.include_return_message_types
    return {
        "id": run.id,
        "agent_id": run.agent_id,
        "status": run.status.value,
        "stop_reason": run.stop_reason.value if run.stop_reason else None,
        "created_at": to_iso(run.created_at),
        "completed_at": to_iso(run.completed_at) if run.completed_at else None,
        "background": True,
        "conversation_id": run.public_conversation_id,
        "base_template_id": None,
        "metadata": show_metadata(run) | ({"result": show_outputs(view.outputs)} if view.outputs else {}),
        "request_config": {
            "use_assistant_message": run.display.use_assistant_message,
            "assistant_message_tool_name": run.display.assistant_message_tool_name,
            "assistant_message_tool_kwarg": run.display.assistant_message_tool_kwarg,
            "include_return_message_types": None if types is None else list(types),
        },
        "callback_url": run.callback_url,
        "callback_sent_at": to_iso(delivery.sent_at) if delivery and delivery.sent_at else None,
        "callback_status_code": delivery.status_code if delivery else None,
        "callback_error": delivery.error if delivery else None,
        "ttft_ns": run.ttft_ns,
        "total_duration_ns": run.total_duration_ns,
    }


def show_step(step: Step) -> Json:
    """Show a step; a failed one says why in `error_type` and `error_data`."""
    provider, _, model = step.model_handle.partition("/")
    return {
        "id": step.id,
        "run_id": step.run_id,
        "agent_id": step.agent_id,
        "status": step.status.value,
        "stop_reason": step.stop_reason.value if step.stop_reason else None,
        "model": model,
        "model_handle": step.model_handle,
        "model_endpoint": step.model_endpoint,
        "provider_name": provider,
        "provider_category": "base",
        "provider_id": None,
        "origin": None,
        "context_window_limit": step.context_window_tokens,
        **show_usage(step.usage),
        **_show_optional_counts(step.usage),
        "tags": list(step.tags),
        "tid": None,
        "trace_id": None,
        "request_id": step.request_id,
        "messages": [],
        "feedback": step.feedback,
        "project_id": None,
        "error_type": step.error_type,
        "error_data": {"message": step.error} if step.error else None,
    }


def _show_optional_counts(usage: Usage) -> Json:
    return {
        "cached_input_tokens": usage.cached_input_tokens or None,
        "cache_write_tokens": usage.cache_write_tokens or None,
        "reasoning_tokens": usage.reasoning_tokens or None,
    }
