"""Every field of an agent as the SDK creates, changes and reads it (letta_api_spec §5.4, §3.5)."""

import threading
from typing import Any

import pytest

from intake.deployment import Deployment
from intake.refusals import read_json
from support.scripted_model.server import ScriptedModel

UNKNOWN_BLOCK = "block-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"
UNKNOWN_TOOL = "tool-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"

RULES: list[dict[str, Any]] = [
    {"type": "run_first", "tool_name": "search", "args": {"query": "news"}},
    {"type": "exit_loop", "tool_name": "send_message"},
    {"type": "continue_loop", "tool_name": "search"},
    {
        "type": "constrain_child_tools",
        "tool_name": "search",
        "children": ["read"],
        "child_arg_nodes": [{"name": "read", "args": {"page": 1}}],
    },
    {"type": "parent_last_tool", "tool_name": "search", "children": ["read", "send_message"]},
    {
        "type": "conditional",
        "tool_name": "search",
        "child_output_mapping": {"found": "read"},
        "default_child": "send_message",
        "require_output_mapping": True,
    },
    {"type": "max_count_per_step", "tool_name": "search", "max_count_limit": 3},
    {"type": "required_before_exit", "tool_name": "read", "prompt_template": "Always {{ tool_name }}."},
    {"type": "requires_approval", "tool_name": "read"},
]


def test_agent_has_every_field_that_its_creator_gave(deployment: Deployment) -> None:
    client = deployment.sdk()
    block = client.blocks.create(label="house_rules", value="Be kind.")
    agent = client.agents.create(
        name="Full",
        model="openai/gpt-4o",
        block_ids=[block.id],
        memory_blocks=[{"label": "human", "value": "Bob"}],
        include_base_tools=False,
        tools=["send_message"],
        tool_rules=RULES,  # type: ignore[arg-type]  # the SDK takes plain dictionaries
        secrets={"API_KEY": "s3cret"},
        tool_exec_environment_variables={"REGION": "eu"},
        model_settings={
            "provider_type": "openai",
            "temperature": 0.3,
            "max_output_tokens": 777,
            "parallel_tool_calls": True,
            "reasoning": {"reasoning_effort": "low"},
        },
        response_format={"type": "json_schema", "json_schema": {"name": "answer", "schema": {}}},
        compaction_settings={"mode": "sliding_window", "sliding_window_percentage": 0.4},
        message_buffer_autoclear=True,
        hidden=True,
        project_id="project-1",
        max_files_open=3,
    )
    assert [block.label for block in agent.blocks] == ["human", "house_rules"]
    assert [tool.name for tool in agent.tools] == ["send_message"]
    assert [rule.model_dump(exclude_none=True) for rule in agent.tool_rules or ()] == RULES
    assert {one.key: one.value for one in agent.secrets or ()} == {"API_KEY": "s3cret", "REGION": "eu"}
    assert agent.tool_exec_environment_variables == agent.secrets
    config = agent.llm_config
    assert (config.temperature, config.max_tokens, config.parallel_tool_calls) == (0.3, 777, True)
    assert config.reasoning_effort == "low"
    assert agent.api_model_settings
    assert agent.api_model_settings.provider_type == "openai"
    assert agent.api_model_settings.temperature == 0.3
    assert agent.response_format
    assert agent.response_format.type == "json_schema"
    assert agent.compaction_settings
    assert agent.compaction_settings.mode == "sliding_window"
    assert (agent.message_buffer_autoclear, agent.hidden, agent.project_id) == (True, True, "project-1")
    assert agent.max_files_open == 3
    assert client.agents.retrieve(agent.id) == agent
    http = deployment.http()
    assert read_json(http.get("/v1/agents/")) == [read_json(http.get(f"/v1/agents/{agent.id}"))]


def test_llm_config_names_the_model_as_well(deployment: Deployment) -> None:
    config = {"model": "gpt-4o", "model_endpoint_type": "openai", "context_window": 9_000, "temperature": 0.0}
    agent = deployment.sdk().agents.create(llm_config=config)  # type: ignore[arg-type]  # the SDK takes plain dictionaries
    assert (agent.model, agent.llm_config.context_window, agent.llm_config.temperature) == ("openai/gpt-4o", 9_000, 0)


def test_message_ids_name_the_system_message(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    (message,) = deployment.sdk().agents.messages.list(agent.id).items
    assert agent.message_ids == [message.id]


def test_agent_begins_with_the_messages_that_its_creator_gave(deployment: Deployment, provider: ScriptedModel) -> None:
    sequence = [{"role": "user", "content": "I am Bob."}, {"role": "assistant", "content": "Hello, Bob."}]
    agent = deployment.create_agent(initial_message_sequence=sequence)
    said = deployment.sdk().agents.messages.list(agent.id, order="asc").items
    assert [message.message_type for message in said] == ["system_message", "user_message", "assistant_message"]
    run = deployment.post(agent.id, "Who am I?")
    deployment.answer_doorbells()
    assert deployment.sdk().runs.retrieve(run.id).status == "completed"
    assert len(deployment.sdk().agents.messages.list(agent.id).items) == 5


def test_change_touches_what_it_names(deployment: Deployment) -> None:
    client = deployment.sdk()
    agent = deployment.create_agent(name="Before", tags=["night"], metadata={"a": 1}, secrets={"KEY": "x"})
    changed = client.agents.update(
        agent.id, name="After", model="bedrock/amazon.nova-lite-v1:0", context_window_limit=5_000, timezone="UTC"
    )
    assert (changed.name, changed.model) == ("After", "bedrock/amazon.nova-lite-v1:0")
    assert (changed.llm_config.context_window, changed.llm_config.api_model_endpoint_type) == (5_000, "bedrock")
    assert (changed.tags, changed.metadata, changed.secrets) == (agent.tags, agent.metadata, agent.secrets)
    assert (changed.blocks, changed.tools, changed.created_at) == (agent.blocks, agent.tools, agent.created_at)
    assert client.agents.retrieve(agent.id) == changed
    emptied = client.agents.update(agent.id, tags=[], metadata={}, secrets={}, tool_ids=[], tool_rules=[])
    assert (emptied.tags, emptied.metadata, emptied.secrets, emptied.tools) == ([], {}, [], [])


def test_change_of_nothing_writes_nothing(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    with deployment.tries_no_write():
        assert deployment.sdk().agents.update(agent.id) == agent


def test_new_instructions_go_into_the_system_message(deployment: Deployment) -> None:
    client = deployment.sdk()
    agent = deployment.create_agent(system="Be brief.", memory_blocks=[{"label": "human", "value": "Bob"}])
    changed = client.agents.update(agent.id, system="Be thorough.")
    (message,) = client.agents.messages.list(agent.id).items
    assert message.message_type == "system_message"
    assert str(message.content).startswith("Be thorough.\n\n<memory_blocks>")
    assert changed.message_ids == [message.id] == agent.message_ids


def test_system_message_stays_until_it_is_recompiled(deployment: Deployment) -> None:
    client = deployment.sdk()
    agent = deployment.create_agent(memory_blocks=[{"label": "human", "value": "Bob"}])

    def system() -> str:
        message: Any = client.agents.messages.list(agent.id).items[0]
        return str(message.content)

    before = system()
    client.agents.blocks.update("human", agent_id=agent.id, value="Alice")
    assert system() == before
    dry = client.agents.recompile(agent.id, dry_run=True)
    assert "Alice" in dry
    assert system() == before
    client.agents.recompile(agent.id)
    assert "Alice" in system()
    assert "Bob" not in system()


def test_rules_are_told_to_the_model(deployment: Deployment) -> None:
    agent = deployment.create_agent(tool_rules=RULES)
    message: Any = deployment.sdk().agents.messages.list(agent.id).items[0]
    content = str(message.content)
    assert "<tool_usage_rules>" in content
    assert "only directly after search come: read, send_message" in content
    assert "Always read." in content


def test_changes_at_once_are_all_kept(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    labels = [f"block_{number}" for number in range(8)]
    blocks = [deployment.sdk().blocks.create(label=label, value="") for label in labels]
    clients = [deployment.sdk() for _ in blocks]
    threads = [
        threading.Thread(target=client.agents.blocks.attach, args=(block.id,), kwargs={"agent_id": agent.id})
        for client, block in zip(clients, blocks, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = deployment.sdk().agents.retrieve(agent.id).blocks
    assert sorted(block.label or "" for block in found) == labels


def test_agents_are_counted(deployment: Deployment) -> None:
    assert read_json(deployment.http().get("/v1/agents/count")) == 0
    deployment.create_agent()
    assert read_json(deployment.http().get("/v1/agents/count")) == 1


def test_agents_are_listed_by_how_their_last_run_ended(deployment: Deployment, provider: ScriptedModel) -> None:
    client = deployment.sdk()
    idle, busy = deployment.create_agent(name="Idle"), deployment.create_agent(name="Busy")
    deployment.post(busy.id)
    deployment.answer_doorbells()
    (ended,) = client.agents.list(last_stop_reason="end_turn").items
    assert (ended.id, ended.last_stop_reason) == (busy.id, "end_turn")
    assert ended.last_run_completion is not None
    assert list(client.agents.list(last_stop_reason="error")) == []
    assert [one.name for one in client.agents.list(order_by="last_run_completion")] == ["Busy", "Idle"]
    client.agents.update(idle.id, description="changed")
    assert [one.name for one in client.agents.list(order_by="updated_at")] == ["Idle", "Busy"]
    assert [one.name for one in client.agents.list(order_by="updated_at", limit=1, ascending=True)] == ["Busy", "Idle"]
    assert [one.name for one in client.agents.list(ascending=True)] == ["Idle", "Busy"]
    assert list(client.agents.list(project_id="project-1")) == []
    assert list(client.agents.list(identity_id="identity-1")) == []


def test_secrets_are_not_logged(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    agent = deployment.create_agent(secrets={"API_KEY": "s3cret-value"})
    deployment.sdk().agents.update(agent.id, secrets={"API_KEY": "s3cret-value"}, name="Renamed")
    captured = capsys.readouterr()
    assert "s3cret-value" not in captured.out + captured.err
