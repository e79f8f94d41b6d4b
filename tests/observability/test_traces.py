"""A model call is in the trace of its invocation, and the trace goes on from hop to hop."""

import json
import socket
from collections.abc import Iterator

import pytest

from nightshift.domain.ids import new_run_id, step_id
from nightshift.domain.message import Usage
from nightshift.domain.step import Step, StepStatus
from nightshift.execution.model_trace import trace_model_call
from nightshift.settings import TableSettings
from nightshift.storage import clients
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell, Ring
from nightshift.storage.keys import DELIVERY
from stream_callbacks import _to_ring
from support.aws_tables import Stack, stack
from support.clock import START
from support.stored_runs import store_ended_run

__all__ = ["stack"]

TRACE = "1-67a0b1c2-0123456789abcdef01234567"
HEADER = f"Root={TRACE};Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Listen where Lambda's X-Ray daemon would."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.5)
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", f"127.0.0.1:{listening.getsockname()[1]}")
        yield listening


def a_step(error: str | None = None) -> Step:
    run_id = new_run_id()
    usage = Usage(prompt_tokens=12, completion_tokens=7, total_tokens=19)
    status = StepStatus.FAILED if error else StepStatus.SUCCESS
    error_type = "LLMServerError" if error else None
    return Step(
        id=step_id(run_id, 1),
        run_id=run_id,
        agent_id="agent-1",
        number=1,
        status=status,
        created_at=START,
        model_handle="anthropic/claude-haiku-4-5",
        model_endpoint="https://api.anthropic.com",
        context_window_tokens=1_000,
        usage=usage,
        model_ns=1_500_000_000,
        request_id="req-1",
        error_type=error_type,
        error=error,
    )


def test_model_call_is_a_subsegment_with_the_names_of_genai(
    daemon: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
    step = a_step()

    trace_model_call(step)

    header, _, document = daemon.recv(65_536).partition(b"\n")
    sent = json.loads(document)
    assert json.loads(header) == {"format": "json", "version": 1}
    assert (sent["trace_id"], sent["parent_id"], sent["type"]) == (TRACE, "53995c3f42cd8ad8", "subsegment")
    assert len(sent["id"]) == 16
    assert sent["end_time"] - sent["start_time"] == pytest.approx(1.5)
    assert sent["annotations"]["gen_ai_request_model"] == "claude-haiku-4-5"
    assert (sent["annotations"]["run_id"], sent["fault"]) == (step.run_id, False)
    assert sent["metadata"]["gen_ai"] == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-haiku-4-5",
        "gen_ai.response.id": "req-1",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 7,
        "server.address": "https://api.anthropic.com",
    }


def test_failed_call_is_a_fault_of_its_type(daemon: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
    trace_model_call(a_step("the provider is down"))
    sent = json.loads(daemon.recv(65_536).partition(b"\n")[2])
    assert (sent["fault"], sent["annotations"]["error_type"]) == (True, "LLMServerError")
    assert "the provider is down" not in json.dumps(sent)


@pytest.mark.parametrize("header", ["", HEADER.replace("Sampled=1", "Sampled=0"), "nonsense"])
def test_call_of_an_untraced_invocation_is_not_sent(
    daemon: socket.socket, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
    trace_model_call(a_step())
    with pytest.raises(TimeoutError):
        daemon.recv(65_536)


def test_daemon_that_is_not_there_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:1")
    trace_model_call(a_step())


def test_callbacks_message_carries_the_trace_of_the_run_that_ended(stack: Stack) -> None:
    """The stream loses it: no header comes with a record."""
    doorbell = Doorbell(clients.sqs(), stack.values["CallbackQueue"])
    assert doorbell.ring_all([Ring("default", "run-1", "c", HEADER), Ring("default", "run-2", "c")]) == []
    (sent,) = [call.parameters["Entries"] for call in stack.calls if call.operation == "SendMessageBatch"]
    assert sent[0]["MessageSystemAttributes"] == {"AWSTraceHeader": {"StringValue": HEADER, "DataType": "String"}}
    assert "MessageSystemAttributes" not in sent[1]
    assert len(stack.messages("CallbackQueue")) == 2


def test_delivery_remembers_the_trace_of_the_invocation_that_ended_its_run(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
    database = Database.connect(TableSettings.from_environment(stack.environment("QueueRunnerFunction")))
    store_ended_run(database, "https://example.com/hook", START)
    (record,) = [one for one in stack.stream_records("RunsTable") if one["dynamodb"]["Keys"]["sk"]["S"] == DELIVERY]
    assert _to_ring(record).trace_header == HEADER
