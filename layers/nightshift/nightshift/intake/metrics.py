"""How long runs and steps took, as the API shows it (letta_api_spec §2.5, §5.2): nanoseconds, moments since 1970."""

from datetime import datetime

from nightshift.domain.display import Json
from nightshift.domain.run import Run
from nightshift.domain.step import Step

_NOT_OFFERED: Json = {"organization_id": None, "project_id": None, "template_id": None, "base_template_id": None}


def show_run_metrics(run: Run) -> Json:
    """Show the metrics of a run; what has not happened yet is null."""
    return {
        "id": run.id,
        "agent_id": run.agent_id,
        "run_start_ns": _epoch_ns(run.started_at) if run.started_at else None,
        "run_ns": run.total_duration_ns,
        "num_steps": run.step_count,
        "tools_used": None,
        **_NOT_OFFERED,
    }


def show_step_metrics(step: Step) -> Json:
    """Show the metrics of a step: it begins with its model call, which is what of it is measured."""
    began_ns = _epoch_ns(step.created_at)
    return {
        "id": step.id,
        "run_id": step.run_id,
        "agent_id": step.agent_id,
        "provider_id": None,
        "step_start_ns": began_ns,
        "llm_request_start_ns": began_ns,
        "llm_request_ns": step.model_ns,
        "tool_execution_ns": None,
        "step_ns": step.model_ns,
        **_NOT_OFFERED,
    }


def _epoch_ns(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1_000
