"""What a request says of an agent, put into the agent (letta_api_spec §5.4)."""

import random
from dataclasses import replace
from typing import Any

from nightshift.domain.agent import Agent
from nightshift.intake.wire.agents import CreateAgent, UpdateAgent
from nightshift.intake.wire.tool_rules import to_rules

_ADJECTIVES = (
    "Amber",
    "Brisk",
    "Calm",
    "Deft",
    "Early",
    "Frosty",
    "Gentle",
    "Hazel",
    "Keen",
    "Lunar",
    "Quiet",
    "Swift",
)
_NOUNS = (
    "Badger",
    "Comet",
    "Falcon",
    "Harbor",
    "Heron",
    "Lantern",
    "Maple",
    "Otter",
    "Owl",
    "Raven",
    "Sparrow",
    "Tide",
)


def random_name() -> str:
    """Return a name for an agent whose creator gave none."""
    return f"{random.choice(_ADJECTIVES)} {random.choice(_NOUNS)}"


def handle_of(body: CreateAgent | UpdateAgent) -> str | None:
    """Return the model's handle, by whichever of two ways it was given."""
    return body.model if body.llm_config is None or body.model is not None else body.llm_config.to_handle()


def with_fields(agent: Agent, body: CreateAgent | UpdateAgent) -> Agent:
    """Return the agent with every field that the request gives; what is absent or null stays."""
    plain: dict[str, Any] = {
        "name": body.name,
        "system": body.system,
        "description": body.description,
        "block_ids": _distinct(body.block_ids),
        "tool_ids": _distinct(body.tool_ids),
        "tool_rules": None if body.tool_rules is None else to_rules(body.tool_rules),
        "tags": _distinct(body.tags),
        "metadata": body.metadata,
        "secrets": body.all_secrets(),
        "embedding": body.embedding,
        "compaction_settings": _plain(body.compaction_settings),
        "message_buffer_autoclear": body.message_buffer_autoclear,
        "timezone": body.timezone,
    }
    given = {name: value for name, value in (plain | _model_fields(body)).items() if value is not None}
    return replace(agent, **given, extra=agent.extra | body.extra())


def _model_fields(body: CreateAgent | UpdateAgent) -> dict[str, Any]:
    """Return what concerns the model: a field of its own goes before `model_settings`, these before `llm_config`."""
    settings, config = body.model_settings, body.llm_config
    return {
        "model": handle_of(body),
        "context_window_tokens": body.context_window_limit or (config.context_window if config else None),
        "max_output_tokens": body.max_tokens
        or (settings.max_output_tokens if settings else None)
        or (config.max_tokens if config else None),
        "temperature": _first(settings and settings.temperature, config and config.temperature),
        "parallel_tool_calls": _first(
            body.parallel_tool_calls,
            settings and settings.parallel_tool_calls,
            config and config.parallel_tool_calls,
        ),
        "response_format": _plain(
            body.response_format or (settings and settings.response_format) or (config and config.response_format)
        ),
        "model_settings": settings.rest() if settings else None,
    }


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _plain(value: Any) -> Any:
    return None if value is None else value.model_dump(exclude_none=True)


def _distinct(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(dict.fromkeys(values))
