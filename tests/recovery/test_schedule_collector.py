"""The collector: what nobody refers to goes, what anybody refers to or may yet refer to stays, whoever dies when."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

import schedule_collector
from nightshift.clock import SystemClock
from nightshift.domain import ids
from nightshift.domain.agent import Agent
from nightshift.domain.block import Block
from nightshift.domain.description import Description
from nightshift.domain.errors import ConditionFailedError, TransientError
from nightshift.domain.mcp_server import McpServer
from nightshift.domain.passage import new_passage
from nightshift.domain.run_request import RunRequest
from nightshift.domain.step_outputs import StepOutputs
from nightshift.domain.tool import Tool
from nightshift.recovery.collect import AT_REST, Collector
from nightshift.storage.database import Database
from nightshift.storage.dynamo import Put, Write
from support.aws_tables import Stack, client_of, running_stack
from support.clock import ManualClock
from support.events import load_event
from support.lambda_context import FakeLambdaContext
from support.lane import ProcessDiedError
from support.logs import captured_logs
from support.stored_runs import AGENT_ID, TENANT, ended_run, one_turn

DAY_SECONDS = 24 * 60 * 60
LARGE = "x" * 70_000
LARGER = "y" * 80_000
NOW = SystemClock().now()
CHANGING = {"PutObjectTagging", "DeleteObject", "PutItem"}
"""What a collector changes."""

CONVERSATION_ID = "conv-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"


@dataclass
class Days:
    """The bucket, and a collector that is woken when a test says so."""

    stack: Stack
    clock: ManualClock

    @property
    def collector(self) -> Collector:
        return replace(schedule_collector._collector.__wrapped__(), clock=self.clock)

    def collect(self) -> None:
        """Let a day go by and a pass be made."""
        self.clock.advance(DAY_SECONDS)
        self.collector.collect(seconds=800)

    def objects(self) -> list[str]:
        return self.stack.objects()


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as monkeypatch, running_stack(monkeypatch) as stack:
        yield stack


@pytest.fixture
def stack(running: Stack) -> Stack:
    running.empty()
    return running


@pytest.fixture
def days(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Days]:
    for name, value in stack.environment("ScheduleCollectorFunction").items():
        monkeypatch.setenv(name, value)
    schedule_collector._collector.cache_clear()
    yield Days(stack, ManualClock(SystemClock().now()))
    schedule_collector._collector.cache_clear()


AGENT = Agent(AGENT_ID, TENANT, "Clerk", "openai/scripted", LARGE, NOW, NOW, secrets={"KEY": "secret"})
BLOCK = Block(ids.new_id("block"), TENANT, "human", LARGE, NOW, NOW)
TOOL = Tool(ids.new_id("tool"), TENANT, "pay", NOW, NOW, source_code=LARGE)
SERVER = McpServer(ids.new_id("mcp_server"), TENANT, "shop", "https://a.b/c", NOW, NOW, custom_headers={"a": LARGE})
DESCRIPTION = Description(CONVERSATION_ID, TENANT, AGENT_ID, NOW, NOW, summary=LARGE)
PASSAGE = new_passage("名" * 30_000, (), NOW)
RUN = ended_run(has_outputs=True)
MESSAGE = one_turn(RUN, question=LARGE)[0]
SYSTEM, OTHER_SYSTEM = (replace(one_turn(RUN, question=text)[0], sequence=0) for text in (LARGE, LARGER))


def store_one_of_each(database: Database) -> None:
    database.transact(
        [
            database.agents.create(AGENT),
            database.blocks.create(BLOCK),
            database.tools.create(TOOL),
            database.mcp_servers.create(SERVER),
            database.descriptions.create(DESCRIPTION),
            *database.passages.keep(TENANT, AGENT_ID, [PASSAGE]),
            database.messages.append(TENANT, AGENT_ID, SYSTEM),
            database.messages.append(TENANT, CONVERSATION_ID, MESSAGE),
            database.runs.create(RUN),
            database.runs.create_request(RUN, RunRequest((MESSAGE.draft,))),
            database.outputs.put(RUN, 1, StepOutputs({"content": LARGE})),
        ]
    )


def read_one_of_each(database: Database) -> list[Any]:
    return [
        database.agents.get(TENANT, AGENT.id),
        database.blocks.get(TENANT, BLOCK.id),
        database.tools.get(TENANT, TOOL.id),
        database.mcp_servers.get(TENANT, SERVER.id),
        database.descriptions.get(TENANT, DESCRIPTION.id),
        list(database.passages.newest(TENANT, AGENT_ID)),
        database.messages.system_message(TENANT, AGENT_ID),
        list(database.messages.read(TENANT, CONVERSATION_ID, first=1, last=9)),
        database.runs.get_request(RUN),
        database.outputs.read(RUN),
    ]


def replace_each(database: Database) -> None:
    """Write another content, large or small, in the place of each that can be replaced."""
    database.transact(
        [
            database.agents.replace(replace(AGENT, system=LARGER)),
            database.blocks.replace(replace(BLOCK, value="small")),
            database.tools.replace(replace(TOOL, source_code=LARGER)),
            database.mcp_servers.replace(replace(SERVER, custom_headers={})),
            database.messages.replace_system(TENANT, AGENT_ID, OTHER_SYSTEM),
        ]
    )
    database.descriptions.replace(replace(DESCRIPTION, summary=LARGER))


def delete_each(database: Database) -> None:
    server, tool = database.mcp_servers.get(TENANT, SERVER.id), database.tools.get(TENANT, TOOL.id)
    assert server
    assert tool
    database.transact(
        [
            database.agents.delete(TENANT, AGENT.id),
            database.blocks.delete(TENANT, BLOCK.id),
            database.tools.delete_unchanged(tool),
            database.mcp_servers.delete_unchanged(server),
            database.descriptions.delete(TENANT, DESCRIPTION.id),
        ]
    )
    database.passages.delete(TENANT, AGENT_ID, PASSAGE.id)
    database.messages.delete_some(TENANT, AGENT_ID)
    database.messages.delete_some(TENANT, CONVERSATION_ID)
    database.runs.delete(RUN)


def test_what_is_referred_to_stays_for_ever(days: Days, database: Database) -> None:
    store_one_of_each(database)
    before, objects = read_one_of_each(database), days.objects()
    assert len(objects) == 10
    for _ in range(4):
        days.collect()
    assert (read_one_of_each(database), days.objects()) == (before, objects)


@pytest.mark.parametrize(("change", "replaced"), [(replace_each, 6), (delete_each, 10)])
def test_what_was_replaced_or_deleted_is_gone_after_two_days(
    days: Days, database: Database, change: Callable[[Database], None], replaced: int
) -> None:
    store_one_of_each(database)
    days.collect()
    before = set(days.objects())
    change(database)
    kept = set(days.objects()) - before if change is replace_each else set()

    days.collect()
    assert before <= set(days.objects()), "somebody may hold what the item was a moment ago"
    days.collect()

    gone = before - set(days.objects())
    assert len(gone) == replaced
    assert kept <= set(days.objects())
    if change is replace_each:
        agent = database.agents.get(TENANT, AGENT_ID)
        assert agent
        assert agent.system == LARGER


def test_reader_that_read_the_item_before_it_was_replaced_reads_its_content(days: Days, database: Database) -> None:
    database.transact([database.agents.create(AGENT)])
    days.collect()
    item = database.dynamo.get("AgentsTable", {"pk": f"{TENANT}#{AGENT_ID}"})
    assert item
    database.transact([database.agents.replace(replace(AGENT, system="small"))])
    days.collect()
    days.clock.advance(AT_REST.total_seconds() - 1)
    days.collector.collect(seconds=800)
    assert database.agents.payloads.unpack(item)["system"] == LARGE


def test_of_two_writers_the_ones_content_stays_and_the_others_goes(days: Days, database: Database) -> None:
    database.transact([database.agents.create(AGENT)])
    first, second = (database.agents.replace(replace(AGENT, system=text * 70_000)) for text in "ab")
    database.transact([second])
    with pytest.raises(ConditionFailedError):
        database.transact([first])
    for _ in range(3):
        days.collect()
    assert days.objects() == [second.item["payload_key"]]


@pytest.mark.parametrize("looks", ["before the write", "between the writes", "between the writes, twice"])
def test_writer_that_is_slow_or_repeats_an_old_content_keeps_its_object(
    days: Days, database: Database, looks: str
) -> None:
    database.transact([database.agents.create(AGENT)])
    database.transact([database.agents.replace(replace(AGENT, system="small"))])
    days.collect()
    if looks == "before the write":
        days.collect()
    written_at = datetime.now(NOW.tzinfo)
    days.clock = ManualClock(written_at)
    same_again = database.agents.replace(replace(AGENT, version=1))
    for _ in range(looks.count("twice") + looks.startswith("between")):
        days.clock.advance(AT_REST.total_seconds() / 3)
        days.collector.collect(seconds=800)
    database.transact([same_again])
    days.clock = ManualClock(written_at)
    for _ in range(3):
        days.collect()
    assert days.objects() == [same_again.item["payload_key"]]
    assert database.agents.get(TENANT, AGENT_ID) == replace(AGENT, version=2)


def test_reader_has_its_hour_also_if_a_collector_came_between_the_two_writes(days: Days, database: Database) -> None:
    created = database.agents.create(AGENT)
    days.collector.collect(seconds=800)
    database.transact([created])
    days.collect()
    database.transact([database.agents.replace(replace(AGENT, system="small"))])
    days.collect()
    assert days.objects() == [created.item["payload_key"]]
    days.collect()
    assert days.objects() == []


def test_content_of_a_writer_that_died_before_its_item_goes(days: Days, database: Database) -> None:
    lost: Write = database.agents.create(AGENT)
    assert isinstance(lost, Put)
    assert days.objects() == [lost.item["payload_key"]]
    for _ in range(2):
        days.collect()
    assert days.objects() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_collectors_that_die_at_each_change_lose_nothing_and_end_their_work(
    days: Days, database: Database, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    store_one_of_each(database)
    replace_each(database)
    expected = read_one_of_each(database)
    deaths = 0
    while _collect_and_die(days, monkeypatch, before=when == "before"):
        deaths += 1
    assert deaths >= 10, "six objects are noted and removed, one in a pass"
    days.collect()
    assert read_one_of_each(database) == expected
    assert len(days.objects()) == 8


def _collect_and_die(days: Days, monkeypatch: pytest.MonkeyPatch, *, before: bool) -> bool:
    """Make a pass that dies after its first change, or before its second one; return whether it did."""
    make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out
    changes = count(1)

    def make_deadly_call(client: BaseClient, operation: str, parameters: Any) -> Any:
        number = next(changes) if operation in CHANGING else 0
        if number > 1:
            raise ProcessDiedError(operation)
        answer = make_api_call(client, operation, parameters)
        if number and not before:
            raise ProcessDiedError(operation)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", make_deadly_call)
        try:
            days.collect()
        except ProcessDiedError:
            return True
    return False


def test_pass_that_has_no_time_left_is_continued_by_the_next(
    days: Days, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_one_of_each(database)
    delete_each(database)
    _list_two_at_a_time(monkeypatch)
    for _ in range(10):
        days.clock.advance(DAY_SECONDS)
        days.collector.collect(seconds=0)
    assert days.objects()
    for _ in range(5):
        days.clock.advance(DAY_SECONDS)
        days.collector.collect(seconds=0)
    assert days.objects() == []


def _list_two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out

    def list_two(client: BaseClient, operation: str, parameters: Any) -> Any:
        few = {"MaxKeys": 2} if operation == "ListObjectsV2" else {}
        return make_api_call(client, operation, parameters | few)

    monkeypatch.setattr(BaseClient, "_make_api_call", list_two)


def test_objects_of_other_names_are_left_alone(days: Days) -> None:
    others = [f"{TENANT}/0f3a", f"{TENANT}/{AGENT_ID}/0f3a", f"{TENANT}/agents/{AGENT_ID}/0f3a"]
    for key in others:
        client_of("s3").put_object(Bucket=days.stack.values["PayloadBucket"], Key=key, Body=b"1")
    for _ in range(3):
        days.collect()
    assert days.objects() == sorted(others)


def test_object_that_fails_is_told_and_the_others_are_removed(
    days: Days, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_one_of_each(database)
    delete_each(database)
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObjectTagging")
    make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out
    refusals: list[str] = []

    def refuse_once(client: BaseClient, operation: str, parameters: Any) -> Any:
        if operation == "PutObjectTagging" and "/agents/" in parameters["Key"]:
            refusals.append(parameters["Key"])
            raise denied
        return make_api_call(client, operation, parameters)

    with monkeypatch.context() as patch, captured_logs() as lines:
        _list_two_at_a_time(patch)
        patch.setattr(BaseClient, "_make_api_call", refuse_once)
        days.collect()
        days.collect()
    assert refusals
    assert [line["level"] for line in lines if line["message"] == "payloads not collected"]
    assert {key.split("/")[1] for key in days.objects()} == {"agents"}


def test_bucket_that_cannot_be_listed_fails_the_invocation(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYLOAD_BUCKET", "nobody-made-this-one")
    with pytest.raises(TransientError):
        days.collect()


def test_function_makes_a_pass_within_its_time(days: Days, database: Database) -> None:
    store_one_of_each(database)
    event = load_event("schedule_collector/recorded.json")
    assert schedule_collector.lambda_handler(event, FakeLambdaContext(remaining_ms=900_000)) is None
    assert len(days.objects()) == 10
