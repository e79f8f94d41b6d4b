"""Agents that make no sense, and changes that do not: refused, with nothing written (letta_api_spec §5.4, §3.5)."""

from collections.abc import Callable
from typing import Any

import pytest
from letta_client import ConflictError, NotFoundError, UnprocessableEntityError
from letta_client.types import AgentState

from intake.deployment import UNKNOWN_AGENT, Deployment
from intake.refusals import assert_refused

UNKNOWN_BLOCK = "block-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"
UNKNOWN_TOOL = "tool-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"

REFUSED_FIELDS: dict[str, dict[str, Any]] = {
    "rule of unknown kind": {"tool_rules": [{"type": "sometimes", "tool_name": "x"}]},
    "rule without kind": {"tool_rules": [{"tool_name": "x"}]},
    "rule without tool": {"tool_rules": [{"type": "exit_loop"}]},
    "rule without children": {"tool_rules": [{"type": "parent_last_tool", "tool_name": "x"}]},
    "rule without mapping": {"tool_rules": [{"type": "conditional", "tool_name": "x", "child_output_mapping": {}}]},
    "rule with arguments of no child": {
        "tool_rules": [
            {"type": "constrain_child_tools", "tool_name": "x", "children": [], "child_arg_nodes": [{"name": "y"}]}
        ]
    },
    "rule that never allows": {"tool_rules": [{"type": "max_count_per_step", "tool_name": "x", "max_count_limit": 0}]},
    "rules object": {"tool_rules": {}},
    "block id malformed": {"block_ids": ["block-1"]},
    "block ids string": {"block_ids": UNKNOWN_BLOCK},
    "tool id malformed": {"tool_ids": [UNKNOWN_BLOCK]},
    "too many blocks": {"block_ids": [UNKNOWN_BLOCK] * 51},
    "secret number": {"secrets": {"KEY": 1}},
    "secrets list": {"secrets": ["KEY"]},
    "secret without name": {"secrets": {"": "x"}},
    "environment null": {"tool_exec_environment_variables": {"KEY": None}},
    "autoclear word": {"message_buffer_autoclear": "yes"},
    "response format unknown": {"response_format": {"type": "xml"}},
    "response format without schema": {"response_format": {"type": "json_schema"}},
    "model settings of no provider": {"model_settings": {"provider_type": "acme"}},
    "model settings too hot": {"model_settings": {"provider_type": "openai", "temperature": 3.5}},
    "model settings without provider": {"model_settings": {"temperature": 0.5}},
    "reasoning effort unknown": {"model_settings": {"provider_type": "openai", "reasoning": {"reasoning_effort": "x"}}},
    "llm_config without window": {"llm_config": {"model": "gpt", "model_endpoint_type": "openai"}},
    "compaction mode unknown": {"compaction_settings": {"mode": "shred"}},
    "compaction share above all": {"compaction_settings": {"sliding_window_percentage": 1.5}},
    "parallel calls number": {"parallel_tool_calls": 1},
    "hidden word": {"hidden": "no"},
    "timezone number": {"timezone": 1},
}

REFUSED_IN_CREATE: dict[str, dict[str, Any]] = {
    "tools string": {"tools": "search"},
    "base tools word": {"include_base_tools": "no"},
    "initial message without role": {"initial_message_sequence": [{"content": "hello"}]},
    "too many initial messages": {"initial_message_sequence": [{"role": "user", "content": "a"}] * 41},
}


@pytest.mark.parametrize(
    "fields", (REFUSED_FIELDS | REFUSED_IN_CREATE).values(), ids=REFUSED_FIELDS | REFUSED_IN_CREATE
)
def test_new_agent_with_a_wrong_field_is_refused(standing: Deployment, fields: dict[str, Any]) -> None:
    with standing.tries_no_write():
        response = standing.http().post("/v1/agents/", json={"model": "openai/scripted"} | fields)
    assert_refused(response, 422)


@pytest.fixture(scope="module")
def clerk(standing: Deployment) -> AgentState:
    """An agent that no change of this module's refused ones may touch."""
    return standing.create_agent(name="Clerk", tags=["night"])


@pytest.mark.parametrize("fields", REFUSED_FIELDS.values(), ids=REFUSED_FIELDS)
def test_change_to_a_wrong_field_is_refused(standing: Deployment, clerk: AgentState, fields: dict[str, Any]) -> None:
    with standing.tries_no_write():
        response = standing.http().patch(f"/v1/agents/{clerk.id}", json={"name": "Changed"} | fields)
    assert_refused(response, 422)


@pytest.mark.parametrize(
    "fields",
    [
        {"block_ids": [UNKNOWN_BLOCK]},
        {"tool_ids": [UNKNOWN_TOOL]},
        {"model": "acme/gpt"},
        {"tools": ["no_such_tool"]},
    ],
)
def test_agent_of_what_does_not_exist_is_refused(
    standing: Deployment, clerk: AgentState, fields: dict[str, Any]
) -> None:
    with standing.tries_no_write():
        assert_refused(standing.http().post("/v1/agents/", json={"model": "openai/scripted"} | fields), 404)
        if "tools" not in fields:
            assert_refused(standing.http().patch(f"/v1/agents/{clerk.id}", json={"name": "New"} | fields), 404)


def test_unknown_agent_is_not_changed(standing: Deployment) -> None:
    agents = standing.sdk().agents
    asks: list[Callable[[], object]] = [
        lambda: agents.update(UNKNOWN_AGENT, name="x"),
        lambda: agents.recompile(UNKNOWN_AGENT),
        lambda: agents.recompile(UNKNOWN_AGENT, dry_run=True),
    ]
    for ask in asks:
        with standing.tries_no_write(), pytest.raises(NotFoundError):
            ask()
    with pytest.raises(UnprocessableEntityError):
        agents.update("agent-1", name="x")


def test_two_blocks_of_one_label_are_refused(deployment: Deployment) -> None:
    client = deployment.sdk()
    first, second = (client.blocks.create(label="human", value=value) for value in "ab")
    agent = deployment.create_agent(block_ids=[first.id])
    asks: list[Callable[[], object]] = [
        lambda: deployment.create_agent(block_ids=[first.id, second.id]),
        lambda: deployment.create_agent(block_ids=[first.id], memory_blocks=[{"label": "human", "value": ""}]),
        lambda: client.agents.update(agent.id, block_ids=[first.id, second.id]),
        lambda: client.agents.blocks.attach(second.id, agent_id=agent.id),
    ]
    for ask in asks:
        with deployment.writes_nothing(), pytest.raises(ConflictError):
            ask()


def test_agent_too_large_to_be_shown_is_refused(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    with deployment.tries_no_write():
        large = {"model": "openai/scripted", "system": "x" * 2_500_001}
        assert_refused(deployment.http().post("/v1/agents/", json=large), 413)
        assert_refused(deployment.http().patch(f"/v1/agents/{agent.id}", json={"system": "x" * 2_500_001}), 413)
