"""Agents, blocks and tools as the API shows them (letta_api_spec §5.4, §5.5)."""

from typing import Any

from nightshift.clock import to_iso
from nightshift.domain.agent import Agent
from nightshift.domain.block import Block
from nightshift.domain.display import Json, show_message
from nightshift.domain.tool import Tool
from nightshift.domain.tool_rule import rule_to_json
from nightshift.intake.agent_view import AgentView
from nightshift.models.handles import provider_type


def show_agent(view: AgentView) -> Json:
    """Show an agent as AgentState; relationships are always filled."""
    agent = view.agent
    blocks = [show_block(block) for block in view.blocks]
    secrets = _show_secrets(agent)
    return {
        **_NOT_OFFERED,
        **agent.extra,
        "id": agent.id,
        "name": agent.name,
        "agent_type": agent.agent_type,
        "system": agent.system,
        "description": agent.description,
        "metadata": agent.metadata,
        "created_at": to_iso(agent.created_at),
        "updated_at": to_iso(agent.updated_at),
        "llm_config": _show_llm_config(agent),
        "model": agent.model,
        "model_settings": _show_model_settings(agent),
        "embedding": agent.embedding,
        "compaction_settings": agent.compaction_settings,
        "response_format": agent.response_format,
        "memory": {"agent_type": agent.agent_type, "blocks": blocks, "file_blocks": [], "prompt_template": ""},
        "blocks": blocks,
        "tools": [show_tool(tool) for tool in view.tools],
        "tags": list(agent.tags),
        "tool_rules": [rule_to_json(rule) for rule in agent.tool_rules],
        "secrets": secrets,
        "tool_exec_environment_variables": secrets,
        "message_ids": [agent.system_message_id] if agent.system_message_id else [],
        "message_buffer_autoclear": agent.message_buffer_autoclear,
        "timezone": agent.timezone,
        "last_run_completion": to_iso(view.last_run_at) if view.last_run_at else None,
        "last_stop_reason": view.last_stop_reason,
        "pending_approval": _show_pending(view),
    }


_NOT_OFFERED: Json = {
    "sources": [],
    "identities": [],
    "identity_ids": [],
    "embedding_config": None,
    "enable_sleeptime": None,
    "last_run_duration_ms": None,
    "managed_group": None,
    "multi_agent_group": None,
    "max_files_open": None,
    "per_file_view_window_char_limit": None,
    "project_id": None,
    "template_id": None,
    "base_template_id": None,
    "hidden": None,
}


def _show_pending(view: AgentView) -> Json | None:
    shown = show_message(view.pending_approval) if view.pending_approval else []
    return next((part for part in shown if part["message_type"] == "approval_request_message"), None)


def _show_secrets(agent: Agent) -> list[Json]:
    return [{"agent_id": agent.id, "key": key, "value": value} for key, value in agent.secrets.items()]


def _show_model_settings(agent: Agent) -> Json:
    settings: dict[str, Any] = {
        "provider_type": provider_type(agent.model),
        "parallel_tool_calls": agent.parallel_tool_calls,
    }
    optional = {
        "max_output_tokens": agent.max_output_tokens,
        "temperature": agent.temperature,
        "response_format": agent.response_format,
    }
    return settings | {name: value for name, value in optional.items() if value is not None} | agent.model_settings


def _show_llm_config(agent: Agent) -> Json:
    provider, _, model = agent.model.partition("/")
    reasoning = agent.model_settings.get("reasoning") or {}
    return {
        "model": model,
        "handle": agent.model,
        "model_endpoint_type": provider_type(agent.model),
        "model_endpoint": None,
        "provider_name": provider,
        "provider_category": "base",
        "context_window": agent.context_window_tokens,
        "temperature": agent.temperature,
        "max_tokens": agent.max_output_tokens,
        "parallel_tool_calls": agent.parallel_tool_calls,
        "response_format": agent.response_format,
        "reasoning_effort": reasoning.get("reasoning_effort"),
    }


def show_block(block: Block) -> Json:
    """Show a memory block."""
    return {
        "hidden": None,
        "project_id": None,
        "is_template": False,
        "template_name": None,
        **block.origin,
        "id": block.id,
        "label": block.label,
        "value": block.value,
        "limit": block.limit_chars,
        "description": block.description,
        "read_only": block.is_read_only,
        "metadata": block.metadata,
        "tags": list(block.tags),
    }


def show_tool(tool: Tool) -> Json:
    """Show a tool; its metadata goes by the name of `metadata_`, as the SDK has it."""
    return {
        "id": tool.id,
        "name": tool.name,
        "tool_type": tool.tool_type,
        "description": tool.description,
        "source_code": tool.source_code,
        "source_type": tool.source_type,
        "json_schema": tool.json_schema,
        "args_json_schema": tool.args_json_schema,
        "tags": list(tool.tags),
        "return_char_limit": tool.return_char_limit,
        "pip_requirements": None if tool.pip_requirements is None else list(tool.pip_requirements),
        "npm_requirements": None if tool.npm_requirements is None else list(tool.npm_requirements),
        "default_requires_approval": tool.default_requires_approval,
        "enable_parallel_execution": tool.enable_parallel_execution,
        "metadata_": tool.metadata,
        "project_id": None,
    }
