"""The system message: instructions, memory blocks, what is known about the memory (letta_api_spec §3.1)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.domain.agent import Agent
from nightshift.domain.block import Block
from nightshift.domain.system_prompt import (
    LINE_NUMBERS_WARNING,
    MEMORY_PLACEHOLDER,
    MemorySize,
    compile_system_prompt,
)
from support.clock import START

AGENT_ID = "agent-5c1f7a52-9d0e-4b6f-8a37-2e4d90c1b7aa"

NOTHING = MemorySize()

METADATA = f"""\
<memory_metadata>
- AGENT_ID: {AGENT_ID}
- CONVERSATION_ID: default
- System prompt last recompiled: 2026-11-25 09:00:00 AM UTC+0000
- 0 previous messages between you and the user are stored in recall memory
</memory_metadata>"""


def _agent(system: str = "You track parcels.", **fields: Any) -> Agent:
    return Agent(AGENT_ID, "default", "Clerk", "openai/x", system, START, START, **fields)


def _block(label: str, value: str, **fields: Any) -> Block:
    return Block(f"block-{label}", "default", label, value, START, START, **fields)


def test_prompt_without_blocks_is_instructions_and_metadata() -> None:
    assert compile_system_prompt(_agent(), [], None, START, NOTHING) == f"You track parcels.\n\n{METADATA}"


def test_blocks_stand_between_instructions_and_metadata() -> None:
    human = _block("human", "Bob — 名前", limit_chars=50, description="Who asks", is_read_only=True)
    assert (
        compile_system_prompt(_agent(), [human, _block("persona", "")], None, START, NOTHING)
        == f"""\
You track parcels.

<memory_blocks>
These blocks of your memory are in view:

<human>
<description>
Who asks
</description>
<metadata>
- read_only=true
- chars_current=8
- chars_limit=50
</metadata>
<value>
Bob — 名前
</value>
</human>

<persona>
<description>

</description>
<metadata>
- chars_current=0
- chars_limit=100000
</metadata>
<value>

</value>
</persona>

</memory_blocks>

{METADATA}"""
    )


@pytest.mark.parametrize("model", ["anthropic/claude-sonnet-4-5", "bedrock/eu.anthropic.claude-sonnet-4-5-v1:0"])
def test_lines_are_numbered_for_models_of_anthropic(model: str) -> None:
    block = _block("human", "name: Ada\n\nlikes: tea")
    prompt = compile_system_prompt(replace(_agent(), model=model), [block], None, START, NOTHING)
    assert (
        f"<warning>\n{LINE_NUMBERS_WARNING}\n</warning>\n<value>\n1→ name: Ada\n2→ \n3→ likes: tea\n</value>" in prompt
    )
    other = compile_system_prompt(_agent(), [block], None, START, NOTHING)
    assert "<warning>" not in other
    assert "→" not in other


def test_memory_goes_where_the_instructions_want_it() -> None:
    agent = _agent(f"Before. {MEMORY_PLACEHOLDER} After.")
    assert compile_system_prompt(agent, [], None, START, NOTHING) == f"Before. {METADATA} After."


def test_conversation_and_what_is_out_of_view_are_told() -> None:
    agent = _agent(timezone="America/New_York")
    prompt = compile_system_prompt(agent, [], "conv-1", START.replace(hour=21), MemorySize(messages=12, passages=3))
    assert "- CONVERSATION_ID: conv-1\n" in prompt
    assert "- System prompt last recompiled: 2026-11-25 04:00:00 PM EST-0500\n" in prompt
    assert "- 12 previous messages" in prompt
    assert "- 3 memories that you kept are stored in archival memory" in prompt


@given(st.text(), st.text())
def test_every_word_of_instructions_and_values_is_kept(system: str, value: str) -> None:
    prompt = compile_system_prompt(_agent(system), [_block("human", value)], None, START, NOTHING)
    assert all(piece in prompt for piece in system.split(MEMORY_PLACEHOLDER))
    assert f"<value>\n{value}\n</value>" in prompt
    assert f"- chars_current={len(value)}\n" in prompt
