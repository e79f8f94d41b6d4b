"""The tools that agents have (letta_api_spec §5.1)."""

import pytest
from letta_client import BadRequestError, NotFoundError

from intake.deployment import Deployment

ADD = "def add(first: int, second: int = 1): ..."


def test_tool_is_attached_and_detached(deployment: Deployment) -> None:
    client = deployment.sdk()
    tool = client.tools.create(source_code=ADD, default_requires_approval=True)
    agent = deployment.create_agent(include_base_tools=False)
    attached = client.agents.tools.attach(tool.id, agent_id=agent.id)
    assert attached
    assert [one.name for one in attached.tools] == ["add"]
    assert [(rule.type, rule.tool_name) for rule in attached.tool_rules or ()] == [("requires_approval", "add")]
    with deployment.tries_no_write():
        assert client.agents.tools.attach(tool.id, agent_id=agent.id) == attached
    detached = client.agents.tools.detach(tool.id, agent_id=agent.id)
    assert detached
    assert (detached.tools, detached.tool_rules) == ([], [])
    with deployment.tries_no_write(), pytest.raises(NotFoundError):
        client.agents.tools.detach(tool.id, agent_id=agent.id)
    assert client.tools.retrieve(tool.id).name == "add"


def test_agents_tools_come_ten_at_a_time(deployment: Deployment) -> None:
    client = deployment.sdk()
    names = [f"tool_{number:02}" for number in range(12)]
    for name in names:
        client.tools.create(source_code=f"def {name}(): ...")
    agent = deployment.create_agent(include_base_tools=False, tools=names)
    assert [len(page.items) for page in client.agents.tools.list(agent.id).iter_pages()][:2] == [10, 2]
    assert [tool.name for tool in client.agents.tools.list(agent.id, order="asc")] == names


def test_approval_is_switched_on_and_off(deployment: Deployment) -> None:
    client = deployment.sdk()
    agent = deployment.create_agent(tool_rules=[{"type": "exit_loop", "tool_name": "memory_insert"}])

    def switch(to: bool) -> list[str | None]:
        state = client.agents.tools.update_approval("memory_insert", agent_id=agent.id, body_requires_approval=to)
        assert state
        return [rule.type for rule in state.tool_rules or ()]

    assert switch(True) == ["exit_loop", "requires_approval"]
    assert switch(True) == ["exit_loop", "requires_approval"]
    assert switch(False) == ["exit_loop"]
    with deployment.tries_no_write(), pytest.raises(NotFoundError):
        client.agents.tools.update_approval("add", agent_id=agent.id, body_requires_approval=True)


def test_tools_too_large_together_are_refused(deployment: Deployment) -> None:
    client = deployment.sdk()
    large = [
        client.tools.create(source_code=f"def {name}(): ...\n" + "#" * 200_000).id for name in ("one", "two", "three")
    ]
    agent = deployment.create_agent(tool_ids=large[:2])
    with deployment.tries_no_write(), pytest.raises(BadRequestError):
        client.agents.tools.attach(large[2], agent_id=agent.id)
    with deployment.tries_no_write(), pytest.raises(BadRequestError):
        deployment.create_agent(tool_ids=large)
