"""What was sent, parsed: properties that the stores behind it rely on."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.domain import ids
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.intake import submit
from nightshift.intake.wire.create_run import CreateRun
from nightshift.storage.dynamo import Dynamo
from nightshift.storage.payloads import Payloads
from nightshift.storage.runs import Runs
from support.clock import START

AGENT_ID = "agent-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"
CORRELATION_ID = "d5e1c7a0-4b32-4f0e-9c55-7a1b2c3d4e5f"

texts = st.text(min_size=1, max_size=30)
parts = st.fixed_dictionaries({"text": texts}, optional={"type": st.just("text"), "signature": texts})
contents = texts | st.lists(parts, min_size=1, max_size=4)
names = st.none() | texts
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "system", "assistant"]), "content": contents},
    optional=dict.fromkeys(("name", "otid", "sender_id", "group_id", "batch_item_id"), names),
)
options: dict[str, Any] = {"override_system": names, "override_model": names}
bodies = st.fixed_dictionaries({"input": contents}, optional=options) | st.fixed_dictionaries(
    {"messages": st.lists(messages, min_size=1, max_size=5)}, optional=options
)


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
