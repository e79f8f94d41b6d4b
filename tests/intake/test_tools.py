"""Tools by themselves and by the agents that have them (letta_api_spec §5.1, §5.5)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from letta_client import BadRequestError, ConflictError, NotFoundError

from intake.deployment import UNKNOWN_AGENT, Deployment
from intake.refusals import assert_refused, read_json

UNKNOWN_TOOL = "tool-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"

BASE_NAMES = {
    "archival_memory_insert",
    "archival_memory_search",
    "conversation_search",
    "memory_insert",
    "memory_replace",
    "memory_rethink",
    "send_message",
}

ADD = '''
def helper(x):
    return x

def add(first: int, second: int = 1) -> int:
    """Add two numbers.

    Args:
        first: The first number.
        second (int): The second number.

    Returns:
        Their sum.
    """
    return helper(first) + second
'''

REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "no source": ({"source_code": None}, 422),
    "empty source": ({"source_code": ""}, 422),
    "endless source": ({"source_code": "#" * 262_145}, 422),
    "source of no function": ({"source_code": "x = 1"}, 400),
    "source of a class alone": ({"source_code": "class A:\n  def f(self): ..."}, 400),
    "source that does not parse": ({"source_code": "def f(:"}, 400),
    "source with a zero byte": ({"source_code": "def f(): ...\0"}, 400),
    "source nested too deeply": ({"source_code": "def f(a: " + "|".join(["int"] * 20_000) + "): ..."}, 400),
    "source type unknown": ({"source_type": "cobol"}, 422),
    "typescript without schema": ({"source_type": "typescript"}, 400),
    "name in another alphabet": ({"source_code": "def größe(): ..."}, 400),
    "name too long": ({"source_code": f"def {'f' * 65}(): ..."}, 400),
    "schema without name": ({"json_schema": {"description": "x"}}, 422),
    "schema with a name of spaces": ({"json_schema": {"name": "a b"}}, 422),
    "schema of no object": ({"json_schema": {"name": "a", "parameters": {"type": "string"}}}, 422),
    "return limit zero": ({"return_char_limit": 0}, 422),
    "return limit above all": ({"return_char_limit": 1_000_001}, 422),
    "requirement without name": ({"pip_requirements": [{"version": "1"}]}, 422),
    "requirements of words": ({"pip_requirements": ["httpx"]}, 422),
    "tags string": ({"tags": "a"}, 422),
    "approval word": ({"default_requires_approval": "yes"}, 422),
    "name of a built-in tool": ({"source_code": "def send_message(message: str): ..."}, 409),
}


@pytest.mark.parametrize(("fields", "status"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_tool_that_makes_no_sense_is_refused(
    standing: Deployment, method: str, fields: dict[str, Any], status: int
) -> None:
    with standing.tries_no_write():
        response = standing.http().request(method, "/v1/tools/", json={"source_code": ADD} | fields)
    assert_refused(response, status)


def test_tool_is_created_from_its_source(deployment: Deployment) -> None:
    tools = deployment.sdk().tools
    tool = tools.create(
        source_code=ADD,
        tags=["math"],
        return_char_limit=500,
        pip_requirements=[{"name": "httpx", "version": "0.28.1"}],
        default_requires_approval=True,
        enable_parallel_execution=True,
    )
    assert (tool.name, tool.description, tool.tool_type, tool.source_type) == (
        "add",
        "Add two numbers.",
        "custom",
        "python",
    )
    assert tool.json_schema == {
        "name": "add",
        "description": "Add two numbers.",
        "parameters": {
            "type": "object",
            "properties": {
                "first": {"type": "integer", "description": "The first number."},
                "second": {"type": "integer", "description": "The second number."},
            },
            "required": ["first"],
        },
    }
    assert (tool.source_code, tool.tags, tool.return_char_limit) == (ADD, ["math"], 500)
    assert (tool.default_requires_approval, tool.enable_parallel_execution) == (True, True)
    assert tool.pip_requirements
    assert (tool.pip_requirements[0].name, tool.pip_requirements[0].version) == ("httpx", "0.28.1")
    assert tools.retrieve(tool.id) == tool


def test_source_is_never_executed(deployment: Deployment) -> None:
    source = "raise SystemExit\ndef f(): ...\nimport no_such_module_anywhere"
    assert deployment.sdk().tools.create(source_code=source).name == "f"


def test_schema_and_description_of_the_creator_go_before_the_source(deployment: Deployment) -> None:
    tools = deployment.sdk().tools
    parameters = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    schema: dict[str, object] = {"name": "count", "description": "Counts.", "parameters": parameters}
    tool = tools.create(source_code="export function count(n) {}", source_type="typescript", json_schema=schema)
    assert (tool.name, tool.description, tool.json_schema) == ("count", "Counts.", schema)
    other = tools.create(source_code=ADD, description="Sums.", args_json_schema=dict(parameters))
    assert (other.description, other.args_json_schema) == ("Sums.", parameters)
    assert other.json_schema == {"name": "add", "description": "Sums.", "parameters": parameters}


@pytest.mark.parametrize("again", ["create", "upsert"])
def test_second_tool_of_a_name_replaces_the_first(deployment: Deployment, again: str) -> None:
    tools = deployment.sdk().tools
    first = tools.upsert(source_code=ADD, tags=["math"])
    second = getattr(tools, again)(source_code="def add(a: float): ...", return_char_limit=9)
    assert second.id == first.id
    assert (second.json_schema["parameters"]["required"], second.tags) == (["a"], ["math"])
    assert [tool.id for tool in tools.list(tool_types=["custom"])] == [first.id]


def test_creates_of_one_name_at_once_make_one_tool(deployment: Deployment) -> None:
    made: list[str] = []
    clients = [deployment.sdk() for _ in range(6)]
    threads = [
        threading.Thread(target=lambda client=client: made.append(client.tools.create(source_code=ADD).id))
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert len(set(made)) == 1


def test_tool_is_changed(deployment: Deployment) -> None:
    tools = deployment.sdk().tools
    tool = tools.create(source_code=ADD, tags=["math"])
    changed = tools.update(tool.id, return_char_limit=7, metadata={"a": 1}, description="Sums.")
    assert (changed.name, changed.return_char_limit, changed.metadata, changed.tags) == ("add", 7, {"a": 1}, ["math"])
    assert changed.description == "Sums."
    renamed = tools.update(tool.id, source_code="def plus(a: str): ...")
    assert (renamed.id, renamed.name, renamed.return_char_limit) == (tool.id, "plus", 7)
    assert tools.create(source_code=ADD).id != tool.id
    with deployment.writes_nothing(), pytest.raises(ConflictError):
        tools.update(tool.id, source_code=ADD)
    with deployment.tries_no_write(), pytest.raises(BadRequestError):
        tools.update(tool.id, source_code="nonsense")


def test_deleted_tool_is_gone_from_its_agents_and_its_name_is_free(deployment: Deployment) -> None:
    client = deployment.sdk()
    tool = client.tools.create(source_code=ADD)
    agent = deployment.create_agent(tools=["add"], include_base_tools=False)
    client.tools.delete(tool.id)
    assert [item["pk"]["S"] for item in deployment.items("AgentsTable")] == [f"{deployment.tenant}#{agent.id}"]
    assert client.agents.retrieve(agent.id).tools == []
    for ask in (client.tools.retrieve, client.tools.delete, client.tools.update):
        with pytest.raises(NotFoundError):
            ask(tool.id)
    assert client.tools.create(source_code=ADD).id != tool.id


def test_built_in_tools_are_there_and_stay(deployment: Deployment) -> None:
    client = deployment.sdk()
    assert {tool.name for tool in client.tools.list()} == BASE_NAMES
    (tool,) = client.tools.list(name="memory_insert").items
    assert tool.tool_type == "letta_memory_core"
    assert client.tools.retrieve(tool.id).json_schema == tool.json_schema
    for ask in (client.tools.delete, client.tools.update):
        with deployment.tries_no_write(), pytest.raises(BadRequestError):
            ask(tool.id)
    assert deployment.items("AgentsTable") == []


def test_built_in_tools_of_two_tenants_have_other_ids(deployment: Deployment) -> None:
    mine, theirs = ({tool.id for tool in one.sdk().tools.list()} for one in (deployment, deployment.stranger))
    assert mine.isdisjoint(theirs)
    with pytest.raises(NotFoundError):
        deployment.sdk().tools.retrieve(theirs.pop())


def test_tools_are_listed_and_filtered(deployment: Deployment) -> None:
    client = deployment.sdk()
    base = [tool.id for tool in client.tools.list(order="asc")]
    add = client.tools.create(source_code=ADD).id
    sub = client.tools.create(source_code="def subtract(): ...").id

    def found(**query: Any) -> list[str]:
        return [tool.id for tool in client.tools.list(order="asc", **query)]

    assert found() == [*base, add, sub]
    assert [tool.id for tool in client.tools.list()] == [sub, add, *base[::-1]]
    for limit in (1, 3, 8):
        assert found(limit=limit) == [*base, add, sub]
        assert [tool.id for tool in client.tools.list(limit=limit)] == [sub, add, *base[::-1]]
    assert found(after=base[-1]) == [add, sub]
    assert found(after=add) == [sub]
    assert [tool.id for tool in client.tools.list(order="asc", before=base[2], limit=2).items] == base[:2]
    assert found(name="add") == [add]
    assert found(names=["add", "subtract"]) == [add, sub]
    assert found(tool_ids=[sub, base[0]]) == [base[0], sub]
    assert found(search="TRACT") == [sub]
    assert found(tool_types=["custom"]) == [add, sub]
    assert found(exclude_tool_types=["custom"]) == base
    assert found(return_only_letta_tools=True) == base
    assert read_json(deployment.http().get("/v1/tools/count")) == 9


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/v1/tools/{UNKNOWN_TOOL}", 404),
        ("PATCH", f"/v1/tools/{UNKNOWN_TOOL}", 404),
        ("DELETE", f"/v1/tools/{UNKNOWN_TOOL}", 404),
        ("GET", "/v1/tools/tool-1", 422),
        ("GET", f"/v1/tools/?after={UNKNOWN_TOOL}", 404),
        ("GET", "/v1/tools/?limit=0", 422),
        ("GET", "/v1/tools/?tool_types=hammer", 422),
        ("GET", f"/v1/agents/{UNKNOWN_AGENT}/tools", 404),
        ("GET", f"/v1/agents/<agent>/tools?after={UNKNOWN_TOOL}", 404),
        ("PATCH", f"/v1/agents/<agent>/tools/attach/{UNKNOWN_TOOL}", 404),
        ("PATCH", "/v1/agents/<agent>/tools/attach/tool-1", 422),
        ("PATCH", f"/v1/agents/{UNKNOWN_AGENT}/tools/detach/{UNKNOWN_TOOL}", 404),
        ("PATCH", "/v1/agents/<agent>/tools/approval/memory_insert", 422),
        ("POST", "/v1/agents/<agent>/tools/memory_insert/run", 400),
        ("GET", "/v1/models/?provider_category=base&limit=x", 200),
    ],
)
def test_what_is_not_there_is_refused(standing: Deployment, method: str, path: str, status: int) -> None:
    agent = standing.create_agent()
    with standing.writes_nothing():
        response = standing.http().request(method, path.replace("<agent>", agent.id), json={"description": "x"})
    assert response.status_code == status
    if status != 200:
        assert_refused(response, status)


def test_tool_of_another_tenant_is_unknown(deployment: Deployment) -> None:
    theirs = deployment.stranger.sdk().tools.create(source_code=ADD)
    agent = deployment.create_agent()
    client = deployment.sdk()
    asks: list[Callable[[], object]] = [
        lambda: client.tools.retrieve(theirs.id),
        lambda: client.tools.update(theirs.id, description="x"),
        lambda: client.tools.delete(theirs.id),
        lambda: client.agents.tools.attach(theirs.id, agent_id=agent.id),
        lambda: client.agents.update(agent.id, tool_ids=[theirs.id]),
        lambda: deployment.create_agent(tools=["add"]),
    ]
    for ask in asks:
        with deployment.writes_nothing(), pytest.raises(NotFoundError):
            ask()
    assert client.tools.create(source_code=ADD).id != theirs.id
