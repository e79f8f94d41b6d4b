"""What was sent, parsed: properties that the stores behind it rely on."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.domain import ids
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.intake import submit
from nightshift.intake.repetition import hash_body
from nightshift.intake.wire.create_run import CreateRun
from nightshift.storage.dynamo import Dynamo
from nightshift.storage.payloads import Payloads
from nightshift.storage.request_json import json_to_request, request_to_json
from nightshift.storage.runs import Runs
from support.clock import START

AGENT_ID = "agent-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"
CORRELATION_ID = "d5e1c7a0-4b32-4f0e-9c55-7a1b2c3d4e5f"

texts = st.text(min_size=1, max_size=30)
names = st.none() | texts
objects = st.dictionaries(texts, st.integers() | texts, max_size=3)


def _fields(required: dict[str, Any], **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


images = _fields({"source": _fields({"url": texts}) | _fields({"data": st.just("AAAA"), "media_type": texts})})
shown_parts = _fields({"text": texts}, type=st.just("text"), signature=texts) | images
spoken_parts = (
    shown_parts
    | _fields({"type": st.just("tool_call"), "id": texts, "name": texts, "input": objects}, signature=texts)
    | _fields({"type": st.just("tool_return"), "tool_call_id": texts, "content": texts, "is_error": st.booleans()})
    | _fields({"reasoning": texts, "is_native": st.booleans()}, signature=texts)
    | _fields({"type": st.just("redacted_reasoning"), "data": texts})
    | _fields({"type": st.just("omitted_reasoning")}, signature=texts)
)
summaries = st.lists(_fields({"index": st.integers(0, 9), "text": texts}), max_size=3)
summarized = _fields({"type": st.just("summarized_reasoning"), "id": texts, "summary": summaries})
contents = texts | st.lists(spoken_parts, min_size=1, max_size=4)
inputs = texts | st.lists(spoken_parts | summarized, min_size=1, max_size=4)

decisions = _fields({"tool_call_id": texts, "approve": st.booleans()}, reason=names)
returns = _fields(
    {
        "tool_call_id": texts,
        "status": st.sampled_from(["success", "error"]),
        "tool_return": st.text(max_size=30) | st.lists(shown_parts, min_size=1, max_size=3),
    },
    **dict.fromkeys(("stdout", "stderr"), st.none() | st.lists(texts, max_size=2)),
)
messages = _fields(
    {"role": st.sampled_from(["user", "system", "assistant"]), "content": contents},
    **dict.fromkeys(("name", "otid", "sender_id", "group_id", "batch_item_id"), names),
)
answers = (
    _fields({"approvals": st.lists(decisions | returns, min_size=1, max_size=3)}, otid=names, group_id=names)
    | _fields({"approve": st.booleans(), "approval_request_id": texts}, reason=names)
    | _fields({"tool_returns": st.lists(returns, min_size=1, max_size=3)}, otid=names)
)
tools = _fields({"name": texts}, description=names, parameters=st.none() | objects)
skills = _fields(dict.fromkeys(("name", "description", "location"), texts))
options: dict[str, Any] = {
    "override_system": names,
    "override_model": names,
    "client_tools": st.none() | st.lists(tools, max_size=2),
    "client_skills": st.none() | st.lists(skills, max_size=2),
    "enable_thinking": st.booleans() | texts,
    "include_compaction_messages": st.booleans(),
    "return_logprobs": st.booleans(),
    "top_logprobs": st.none() | st.integers(0, 20),
}
sequences = st.lists(messages, min_size=1, max_size=5) | st.tuples(answers, messages).map(list)
bodies = _fields({"input": inputs}, **options) | _fields({"messages": sequences}, **options)


class _NoDynamo(Dynamo):
    def __init__(self) -> None:
        pass


@settings(deadline=None, derandomize=True, database=None)
@given(bodies)
def test_stored_request_is_never_larger_than_the_body_with_its_defaults(body: dict[str, Any]) -> None:
    parsed = CreateRun.model_validate(body)
    run = Run(ids.new_run_id(), "default", AGENT_ID, AGENT_ID, RunStatus.CREATED, START)
    runs = Runs(_NoDynamo(), "RunsTable", Payloads(None, ""))  # type: ignore[arg-type]  # nothing is sent
    stored = runs.create_request(run, parsed.to_request(CORRELATION_ID)).item["payload"]
    assert len(stored.encode()) <= len(parsed.model_dump_json().encode())
    assert not submit._may_need_object(parsed)


@settings(deadline=None, derandomize=True, database=None)
@given(bodies)
def test_stored_request_is_read_back_as_it_was(body: dict[str, Any]) -> None:
    request = CreateRun.model_validate(body).to_request(CORRELATION_ID)
    assert json_to_request(json.loads(json.dumps(request_to_json(request)))) == request


@settings(deadline=None, derandomize=True, database=None)
@given(bodies)
def test_digest_of_a_body_is_that_of_what_it_means(body: dict[str, Any]) -> None:
    parsed = CreateRun.model_validate(body)
    spelled_out = json.loads(parsed.model_dump_json())
    turned = dict(reversed(spelled_out.items()))
    assert hash_body(CreateRun.model_validate(turned)) == hash_body(parsed)
    assert hash_body(CreateRun.model_validate(body | {"max_steps": 17})) != hash_body(parsed)
