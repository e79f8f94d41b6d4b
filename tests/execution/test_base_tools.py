"""The base tools in a run: memory, search, archive, legacy answers (letta_api_spec §3.4, §3.11)."""

import json

import pytest

from execution.test_situations import LOOK_UP, calls, rule, shown_types
from nightshift.domain.block import Block
from nightshift.domain.message import ToolReturn
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.checkpoint import Checkpoints
from nightshift.intake.conversation_path import find_place
from nightshift.intake.conversations import ConversationRegistry
from nightshift.intake.query import Queries
from nightshift.intake.renewal import Renewal
from nightshift.intake.submit import Submission
from nightshift.intake.wire.conversations import CreateConversation, ForkQuery
from nightshift.intake.wire.create_run import CreateRun
from support.lane import FUNCTION_MS, TENANT, Lane
from support.scripted_model.answers import Call, Reply

HUMAN = {"label": "human", "value": "name: Ada\nlikes: tea"}
FIXED = {"label": "persona", "value": "terse", "read_only": True}
ALL = [
    "memory_rethink",
    "archival_memory_insert",
    "archival_memory_search",
    "send_message",
]


def use_memory(lane: Lane, **fields: object) -> None:
    lane.agent = lane.create_agent(**{"memory_blocks": [HUMAN, FIXED], "tools": ALL} | fields)


def call(lane: Lane, name: str, **arguments: object) -> ToolReturn:
    """Let the model call the tool once and answer; return what the tool returned."""
    lane.provider.play([calls(name, arguments=json.dumps(arguments)), Reply("done")])
    run = lane.accept()
    lane.run_slice()
    assert lane.run(run).stop_reason in {StopReason.END_TURN, StopReason.TOOL_RULE}, lane.run(run).error
    return [given for message in lane.log for given in message.draft.tool_returns][-1]


def block(lane: Lane, label: str) -> Block:
    agent = lane.database.agents.get(TENANT, lane.agent.id)
    assert agent is not None
    return next(one for one in lane.database.blocks.get_many(TENANT, agent.block_ids) if one.label == label)


def test_memory_tools_change_the_block_and_return_its_value(lane: Lane) -> None:
    use_memory(lane)

    assert call(lane, "memory_insert", label="human", new_string="age: 36").text == "name: Ada\nlikes: tea\nage: 36"
    assert call(lane, "memory_insert", label="human", new_string="#", insert_line=0).status == "success"
    assert call(lane, "memory_replace", label="human", old_string="tea", new_string="coffee").status == "success"
    assert block(lane, "human").value == "#\nname: Ada\nlikes: coffee\nage: 36"
    assert call(lane, "memory_rethink", label="human", new_memory="Ada").text == "Ada"
    assert block(lane, "human").value == "Ada"
    assert call(lane, "memory_rethink", label="project", new_memory="engine").text == "engine"
    assert block(lane, "project").value == "engine"


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("memory_insert", {"label": "persona", "new_string": "x"}, "read-only"),
        ("memory_rethink", {"label": "persona", "new_memory": "x"}, "read-only"),
        ("memory_insert", {"label": "nobody", "new_string": "x"}, "the blocks are: human, persona"),
        ("memory_insert", {"label": "human", "new_string": "x", "insert_line": 9}, "0 to 2"),
        ("memory_insert", {"label": "human", "new_string": "x" * 200_000}, "100000 characters at most"),
        ("memory_insert", {"label": "human"}, "missing arguments: new_string"),
        ("memory_replace", {"label": "human", "old_string": "milk", "new_string": ""}, "does not occur"),
        ("memory_replace", {"label": "human", "old_string": 3, "new_string": ""}, "wrong type"),
        ("conversation_search", {"start_date": "yesterday"}, "ISO 8601"),
        ("archival_memory_insert", {"content": " "}, "1 to 30000 characters"),
    ],
)
def test_base_tool_that_cannot_do_it_says_why_and_changes_nothing(
    lane: Lane, name: str, arguments: dict[str, object], why: str
) -> None:
    use_memory(lane)

    given = call(lane, name, **arguments)

    assert given.status == "error"
    assert given.text.startswith(f"Error executing function {name}: ")
    assert why in given.text
    assert (block(lane, "human").value, block(lane, "human").version) == (HUMAN["value"], 0)


def test_edits_of_one_answer_see_each_other_and_are_one_write(lane: Lane) -> None:
    use_memory(lane, parallel_tool_calls=True)
    edits = [{"label": "human", "new_string": "one"}, {"label": "human", "new_string": "two"}]
    made = tuple(Call("memory_insert", json.dumps(edit), f"call_{place}") for place, edit in enumerate(edits))
    lane.provider.play([Reply(tool_calls=made), Reply("done")])
    run = lane.accept()

    lane.run_slice()

    assert block(lane, "human").value == "name: Ada\nlikes: tea\none\ntwo"
    assert block(lane, "human").version == 1
    lane.assert_settled([run])


def test_block_that_others_change_meanwhile_is_edited_as_it_is_then(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_memory(lane)
    record = Checkpoints.record
    others = iter(["likes: milk"])

    def change_first(checkpoints: Checkpoints, state: object, *rest: object, **options: object) -> None:
        if options.get("beside") and (value := next(others, None)):
            changed = block(lane, "human")
            lane.database.dynamo.write(lane.database.blocks.replace(_with_value(changed, value)))
        record(checkpoints, state, *rest, **options)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(Checkpoints, "record", change_first)
    given = call(lane, "memory_insert", label="human", new_string="age: 36")

    assert given.text == block(lane, "human").value == "likes: milk\nage: 36"


def _with_value(changed: Block, value: str) -> Block:
    from dataclasses import replace

    return replace(changed, value=value)


def test_stored_system_message_stays_and_a_new_conversation_sees_the_memory(lane: Lane) -> None:
    use_memory(lane)
    call(lane, "memory_replace", label="human", old_string="tea", new_string="coffee")
    call(lane, "memory_insert", label="human", new_string="age: 36")

    assert all("likes: tea" in seen.texts_of("system")[0] for seen in lane.provider.requests)
    made = ConversationRegistry(lane.database, lane.doorbell, lane.clock).create(
        TENANT, lane.agent.id, CreateConversation()
    )
    system = lane.database.messages.system_message(TENANT, made.description.id)
    assert system is not None
    assert "likes: coffee\nage: 36" in system.draft.text


def test_recompiled_system_message_counts_what_is_out_of_view(lane: Lane) -> None:
    use_memory(lane)
    call(lane, "archival_memory_insert", content="Ada was born in 1815")
    made = ConversationRegistry(lane.database, lane.doorbell, lane.clock).create(
        TENANT, lane.agent.id, CreateConversation()
    )
    renewal, archived = Renewal(lane.database, lane.clock), "- 1 memories that you kept"
    said = renewal.recompile(find_place(lane.database, TENANT, lane.agent.id), is_kept=True)
    elsewhere = renewal.recompile(find_place(lane.database, TENANT, made.description.id), is_kept=True)
    assert ("- 4 previous messages" in said, archived in said) == (True, True)
    assert ("- 0 previous messages" in elsewhere, archived in elsewhere) == (True, True)

    renewal.reset(find_place(lane.database, TENANT, lane.agent.id))

    said = renewal.recompile(find_place(lane.database, TENANT, lane.agent.id), is_kept=False)
    assert "- 0 previous messages" in said


def test_conversation_search_finds_what_was_said_and_not_what_tools_said(lane: Lane) -> None:
    use_memory(lane)
    for text in ("the engine is analytical", "the loom is a Jacquard"):
        lane.provider.play([Reply(f"noted: {text}")])
        lane.accept(text)
        lane.run_slice()

    assert (
        call(lane, "conversation_search", query="Jacquard")
        .text.splitlines()[0]
        .endswith("assistant: noted: the loom is a Jacquard")
    )
    found = call(lane, "conversation_search", query="engine", roles=["user"]).text
    assert found.endswith("user: the engine is analytical")
    assert "Jacquard" not in found
    assert call(lane, "conversation_search", query="zeppelin").text == "No results."
    assert call(lane, "conversation_search", end_date="1999-12-31").text == "No results."
    assert len(call(lane, "conversation_search", limit=2).text.splitlines()) == 2


def test_conversation_search_finds_what_was_said_in_others_of_the_agent_once(lane: Lane) -> None:
    use_memory(lane)
    say(lane, "the airship is a zeppelin", lane.agent.id)
    use_memory(lane)
    registry = ConversationRegistry(lane.database, lane.doorbell, lane.clock)
    say(lane, "the engine is analytical", lane.agent.id)
    other = registry.create(TENANT, lane.agent.id, CreateConversation()).description.id
    say(lane, "the loom is a Jacquard", other)
    place = find_place(lane.database, TENANT, other)
    registry.fork(TENANT, place, ForkQuery())

    found = call(lane, "conversation_search", roles=["user"]).text.splitlines()
    assert [line.split("] ")[1] for line in found] == ["user: the loom is a Jacquard", "user: the engine is analytical"]
    assert call(lane, "conversation_search", query="zeppelin").text == "No results."

    Renewal(lane.database, lane.clock).reset(find_place(lane.database, TENANT, lane.agent.id))
    assert call(lane, "conversation_search", query="engine").text == "No results."
    registry.delete(TENANT, other)
    lane.runner().run(TENANT, other, FUNCTION_MS)
    assert "Jacquard" in call(lane, "conversation_search", query="Jacquard").text, "the fork has it still"


def say(lane: Lane, text: str, conversation_id: str) -> None:
    """Let a run of this conversation say it, and the model answer."""
    body = CreateRun.model_validate({"messages": [{"role": "user", "content": text}]})
    lane.provider.play([Reply("noted")])
    submission = Submission(lane.database, lane.doorbell, lane.clock)
    submission.submit(
        TENANT, lane.agent.id, body, "correlation", None if conversation_id == lane.agent.id else conversation_id
    )
    lane.clock.advance(1)
    lane.runner().run(TENANT, conversation_id, FUNCTION_MS)


def test_archive_keeps_passages_and_finds_them_by_words_and_tags(lane: Lane) -> None:
    use_memory(lane)
    assert (
        call(lane, "archival_memory_insert", content="Ada was born in 1815", tags=["birth", "ada"]).status == "success"
    )
    call(lane, "archival_memory_insert", content="Charles was born in 1791", tags=["birth"])

    found = call(lane, "archival_memory_search", query="born 1815").text.splitlines()
    assert [line.split("] ")[1] for line in found] == [
        "(tags: birth, ada) Ada was born in 1815",
        "(tags: birth) Charles was born in 1791",
    ]
    one = call(lane, "archival_memory_search", query="born", tags=["birth", "ada"], tag_match_mode="all", top_k=5).text
    assert one.endswith("Ada was born in 1815")
    assert "Charles" not in one
    assert call(lane, "archival_memory_search", query="zeppelin").text == "No results."
    other = lane.create_agent(tools=ALL)
    assert list(lane.database.passages.newest(TENANT, other.id)) == []


def test_archive_goes_with_its_agent(lane: Lane) -> None:
    use_memory(lane)
    call(lane, "archival_memory_insert", content="Ada was born in 1815")
    lane.delete_agent()

    lane.run_slice()

    assert list(lane.database.passages.newest(TENANT, lane.agent.id)) == []


def test_legacy_agent_answers_by_send_message(lane: Lane) -> None:
    use_memory(lane, agent_type="memgpt_v2_agent")
    lane.provider.play([calls("send_message", arguments='{"message": "hello Ada"}', reasoning="greet")] * 2)
    runs = [lane.accept(), lane.accept(use_assistant_message=False)]

    lane.run_slice()

    assert [lane.run(run).stop_reason for run in runs] == [StopReason.TOOL_RULE] * 2
    assert shown_types(lane, runs[0]) == ["user_message", "reasoning_message", "assistant_message"]
    assert shown_types(lane, runs[1]) == [
        "user_message",
        "reasoning_message",
        "tool_call_message",
        "tool_return_message",
    ]


def test_other_tool_may_be_named_as_the_one_that_answers(lane: Lane) -> None:
    lane.use_agent(LOOK_UP, include_base_tools=False)
    said = calls("look_up", arguments='{"thing": "I look it up"}')
    lane.provider.play([said, Reply("done")])
    names = {"assistant_message_tool_name": "look_up", "assistant_message_tool_kwarg": "thing"}
    run = lane.accept(**names)

    lane.run_slice()

    assert shown_types(lane, run) == ["user_message", "assistant_message", "assistant_message"]
    shown = Queries(lane.database).all_run_messages(lane.run(run))
    assert [message["content"] for message in shown] == ["hello", "I look it up", "done"]


def test_buffer_is_cleared_before_each_request(lane: Lane) -> None:
    lane.agent = lane.create_agent(message_buffer_autoclear=True)
    lane.provider.play([Reply("one"), calls("fly"), Reply("two")])
    lane.accept("first")
    lane.accept("second")

    lane.run_slice()

    assert [seen.texts_of("user") for seen in lane.provider.requests] == [["first"], ["second"], ["second"]]
    assert len(lane.log) == 6


def test_skills_are_listed_for_their_run_alone_and_not_beside_another_system_prompt(lane: Lane) -> None:
    skills = [{"name": "pdf", "description": "Read PDFs", "location": "/skills/pdf/SKILL.md"}]
    lane.provider.play([Reply("ok")] * 3)
    lane.accept(client_skills=skills)
    lane.accept(client_skills=skills, override_system="Speak Latin.")
    lane.accept()

    lane.run_slice()

    systems = [seen.texts_of("system")[0] for seen in lane.provider.requests]
    assert ["SKILL.md (Read PDFs)" in system for system in systems] == [True, False, False]
    stored = lane.database.messages.system_message(TENANT, lane.agent.id)
    assert stored is not None
    assert "available_skills" not in stored.draft.text


def test_skills_and_another_system_prompt_hold_for_every_step_of_their_run_in_whichever_slice(lane: Lane) -> None:
    skills = [{"name": "pdf", "description": "Read PDFs", "location": "/skills/pdf/SKILL.md"}]
    for fields in ({"client_skills": skills}, {"override_system": "Speak Latin."}):
        lane.provider.play([calls("fly"), calls("fly"), Reply("done")])
        run = lane.accept(**fields)
        while not lane.run(run).status.is_terminal:
            lane.run_slice(slice_seconds=0)
            lane.clock.advance(1)

    systems = [seen.texts_of("system")[0] for seen in lane.provider.requests]
    assert ["SKILL.md (Read PDFs)" in system for system in systems] == [True] * 3 + [False] * 3
    assert systems[3:] == ["Speak Latin."] * 3


def test_cleared_buffer_keeps_the_turn_that_waited_for_its_client(lane: Lane) -> None:
    rules = [rule("requires_approval", "look_up")]
    lane.use_agent(LOOK_UP, include_base_tools=False, tool_rules=rules, message_buffer_autoclear=True)
    lane.provider.play([Reply("one"), calls("look_up")])
    lane.accept("first")
    lane.accept("second")
    lane.run_slice()
    (call,) = lane.log[-1].draft.tool_calls
    lane.provider.play([Reply("done")])
    approved = {"type": "approval", "tool_call_id": call.id, "approve": True}
    lane.accept(messages=[{"type": "approval", "approvals": [approved]}])
    lane.run_slice()

    seen = lane.provider.requests[-1]
    assert (seen.texts_of("user"), seen.texts_of("tool")) == (["second"], ["found nothing"])
