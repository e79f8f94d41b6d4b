"""`make import`: a `.af` file becomes agents here, through the API, all of it or nothing."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from letta_client import APIError

import agent_file
import import_agent_file
from agent_file import AgentFileError
from import_agent_file import Importer
from intake.deployment import Deployment

FILES = Path(__file__).parents[1] / "fixtures" / "agent_files"
CLERK = FILES / "parcel_clerk.af"


def changed(folder: Path, **changes: Any) -> Path:
    """Write the file with other values at its top level; None takes a key away."""
    data = json.loads(CLERK.read_text()) | changes
    file = folder / "changed.af"
    file.write_text(json.dumps({name: value for name, value in data.items() if value is not None}))
    return file


@pytest.fixture
def importer(deployment: Deployment) -> Importer:
    return Importer(deployment.sdk(), "openai/scripted")


def test_agents_come_with_their_fields_shared_blocks_and_tools(deployment: Deployment, importer: Importer) -> None:
    clerk_id, porter_id = importer.run(agent_file.read(CLERK))

    clerk, porter = (deployment.sdk().agents.retrieve(agent_id) for agent_id in (clerk_id, porter_id))
    assert (clerk.name, clerk.system, clerk.timezone) == (
        "Parcel clerk -Berlin-",
        "You track parcels.",
        "Europe/Berlin",
    )
    assert (clerk.tags, clerk.metadata, clerk.description) == (
        ["parcels", "berlin"],
        {"team": "post"},
        "Answers about parcels.",
    )
    assert (clerk.model, clerk.llm_config.context_window) == ("openai/scripted", 64_000)
    assert {block.label: block.value for block in clerk.blocks} == {
        "human": "Bob likes short answers.",
        "persona": "Polite.",
    }
    (shared,) = porter.blocks
    assert shared.id in {block.id for block in clerk.blocks}
    assert (shared.read_only, shared.limit) == (True, 5_000)
    assert {tool.name for tool in clerk.tools} == {"look_up_parcel", "memory_insert", "conversation_search"}
    assert [tool.name for tool in porter.tools] == ["memory_insert"]
    assert [rule.model_dump()["tool_name"] for rule in clerk.tool_rules or []] == ["look_up_parcel"]
    assert [secret.key for secret in clerk.secrets or []] == ["PARCEL_KEY"]


def test_messages_of_user_and_agent_in_context_are_carried_in_order(deployment: Deployment, importer: Importer) -> None:
    clerk_id, _ = importer.run(agent_file.read(CLERK))

    messages = [message.model_dump() for message in deployment.sdk().agents.messages.list(clerk_id, order="asc")]
    said = [(message["message_type"], message["content"]) for message in messages[1:]]
    texts = [(kind, content if isinstance(content, str) else content[0]["text"]) for kind, content in said]
    assert texts == [
        ("user_message", "Where is A-17?"),
        ("assistant_message", "A-17 is on its way."),
        ("user_message", "Thank you"),
    ]


def test_what_is_left_out_is_said(importer: Importer) -> None:
    importer.run(agent_file.read(CLERK))

    assert importer.left_out == [
        "tool web_search (letta_builtin): not offered here",
        "tool print_label (external_mcp): not offered here",
        "tool shout: its source is typescript, Python alone is executed",
        "1 tool rules of Parcel clerk (Berlin): their tools are not here",
        "3 messages of Parcel clerk (Berlin): tool calls, their results, reasoning, and what is older than "
        "40 messages or out of its context",
        "values of the secrets PARCEL_KEY of Parcel clerk (Berlin): set them anew",
        "1 groups",
        "1 sources",
        "1 files",
        "1 mcp servers",
    ]


def test_imported_agent_runs(deployment: Deployment, provider: Any) -> None:
    clerk_id, _ = Importer(deployment.sdk(), "openai/scripted").run(agent_file.read(CLERK))
    run = deployment.post(clerk_id, "And A-18?")

    deployment.answer_doorbells()

    assert deployment.sdk().runs.retrieve(run.id).status == "completed"
    seen = provider.requests[-1].texts_of("user")
    assert seen == ["Where is A-17?", "Thank you", "And A-18?"]


def test_second_import_shares_the_tool_and_makes_agents_of_their_own(
    deployment: Deployment, importer: Importer
) -> None:
    first = importer.run(agent_file.read(CLERK))
    second = Importer(deployment.sdk(), "openai/scripted").run(agent_file.read(CLERK))

    assert not set(first) & set(second)
    assert len(list(deployment.sdk().tools.list(name="look_up_parcel"))) == 1


def test_tool_of_another_source_is_not_replaced_and_nothing_is_left(deployment: Deployment, importer: Importer) -> None:
    mine = deployment.sdk().tools.create(
        source_code='def look_up_parcel() -> str:\n    """Mine."""\n    return "mine"\n'
    )

    with pytest.raises(AgentFileError, match="a tool named look_up_parcel exists here with another source"):
        importer.run(agent_file.read(CLERK))

    assert deployment.sdk().tools.retrieve(mine.id).source_code == mine.source_code
    assert_nothing_made(deployment)


def test_model_that_is_not_known_leaves_nothing_behind(deployment: Deployment) -> None:
    with pytest.raises(APIError, match="no-such-provider"):
        Importer(deployment.sdk(), "no-such-provider/model").run(agent_file.read(CLERK))

    assert list(deployment.sdk().tools.list(name="look_up_parcel")) == []
    assert_nothing_made(deployment)


def assert_nothing_made(deployment: Deployment) -> None:
    assert list(deployment.sdk().agents.list()) == []
    assert list(deployment.sdk().blocks.list()) == []


def test_model_of_the_file_is_taken_without_another(deployment: Deployment) -> None:
    clerk_id, _ = Importer(deployment.sdk(), None).run(agent_file.read(CLERK))

    assert deployment.sdk().agents.retrieve(clerk_id).model == "openai/gpt-4o-mini"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("#!/bin/sh", "expected JSON, found something else"),
        ("[]", "expected an object with `agents`, `blocks` and `tools`, found list"),
        ('{"openapi": "3.1.0"}', "found an object with openapi"),
    ],
)
def test_file_that_is_no_agent_file_is_refused(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "x.af"
    file.write_text(content)
    with pytest.raises(AgentFileError, match="is no agent file") as refused:
        agent_file.read(file)
    assert said in str(refused.value)


def test_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(AgentFileError, match="there is no "):
        agent_file.read(tmp_path / "none.af")


def test_command_says_what_is_wrong_and_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LETTA_BASE_URL", raising=False)
    for arguments, said in (
        ([str(tmp_path / "none.af")], "ERROR: there is no "),
        ([str(CLERK), "--home", str(tmp_path)], "ERROR: no stack in "),
    ):
        monkeypatch.setattr(sys, "argv", ["import_agent_file.py", *arguments])
        assert import_agent_file.main() == 1
        assert capsys.readouterr().err.startswith(said)


def test_older_form_is_refused_with_the_way_to_a_newer_one() -> None:
    with pytest.raises(AgentFileError, match=r"older form, of one agent .* 0.6.47.* export it from there"):
        agent_file.read(FILES / "older_form.af")


def test_newer_form_is_refused_by_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(AgentFileError, match="newer than this importer knows: it has dreams"):
        agent_file.read(changed(tmp_path, dreams=[]))


def test_file_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AgentFileError, match="names block-0, block-1, which the file doesn't hold"):
        agent_file.read(changed(tmp_path, blocks=[]))
    with pytest.raises(AgentFileError, match=r"agents\.0.id: Field required"):
        agent_file.read(changed(tmp_path, agents=[{"name": "x"}]))
