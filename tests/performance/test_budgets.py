"""The budgets of docs/architecture.md, measured through the real handlers on the stack in moto."""

import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from performance.conftest import Budget
from performance.data_path import DataPath
from performance.long_history import lengthen_history
from support.aws_tables import Stack
from support.capacity_meter import CapacityMeter
from support.receiver import Receiver
from support.scripted_model.answers import Call, Reply
from support.scripted_model.rules import Rule, after_delay
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

TOOL_CALL = Reply(tool_calls=(Call("look_up", '{"question": "What is my name?"}'),))
ANSWER = Reply("Your name is Bob.")


def run_of(path: DataPath, provider: ScriptedModel, answers: Sequence[Reply], agent_id: str = "") -> None:
    """Accept a run and execute it to its end."""
    provider.play(answers)
    run = path.accept(agent_id or path.create_agent())
    path.answer_doorbells()
    shown = path.show(run["id"])
    assert shown["status"] == "completed", shown


def test_accepting_a_run_takes_one_transaction_and_one_send(path: DataPath, stack: Stack, budget: Budget) -> None:
    agent_id = path.create_agent()
    stack.calls.clear()
    path.accept(agent_id, callback_url="https://example.com/hook")
    calls = [(call.service, call.operation) for call in stack.calls]
    budget.check("accepting a run, token cached", len(calls), 2, "AWS calls", lambda: str(calls))
    assert calls == [("dynamodb", "TransactWriteItems"), ("sqs", "SendMessage")]


def test_one_step_run_with_callback_stays_within_its_units(
    path: DataPath, stack: Stack, meter: CapacityMeter, provider: ScriptedModel, receiver: Receiver, budget: Budget
) -> None:
    agent_id = path.create_agent()
    provider.play([ANSWER])
    stack.calls.clear()
    meter.clear()
    run = path.accept(agent_id, callback_url=receiver.url)
    path.answer_doorbells()
    path.deliver()
    written, read, report = meter.write_units, meter.read_units, meter.report()
    assert path.show(run["id"])["callback_status_code"] == 200
    (received,) = receiver.requests
    assert json.loads(received.body)["status"] == "completed"
    budget.check("one-step run with callback", written, 30, "write units", lambda: report)
    budget.check("one-step run with callback", read, 12, "read units", lambda: report)
    transitions = [call.operation for call in stack.calls if call.service == "stepfunctions"]
    budget.check("one-step run with callback", len(transitions), 0, "state transitions", lambda: str(transitions))


def test_each_further_step_with_a_tool_call_stays_within_its_units(
    path: DataPath, meter: CapacityMeter, provider: ScriptedModel, budget: Budget
) -> None:
    steps = 5
    costs, reports = [], []
    for further_steps in (0, steps):
        agent_id = path.create_agent()
        meter.clear()
        run_of(path, provider, [*[TOOL_CALL] * further_steps, ANSWER], agent_id)
        costs.append((meter.write_units, meter.read_units))
        reports.append(meter.report())
    written, read = ((more - less) / steps for less, more in zip(*costs, strict=True))
    budget.check("each further step with one tool call", written, 10, "write units", lambda: reports[1])
    budget.check("each further step with one tool call", read, 6, "read units", lambda: reports[1])


@pytest.mark.usefixtures("long_tables")
def test_step_costs_the_same_whatever_the_length_of_the_history(
    path: DataPath, stack: Stack, meter: CapacityMeter, provider: ScriptedModel, budget: Budget
) -> None:
    calls, units, turns, reports = [], [], [], []
    for length in (100, 100_000):
        agent_id = path.create_agent(context_window_limit=1_000)
        run_of(path, provider, [Reply("I will remember it. " * 20)], agent_id)
        lengthen_history(agent_id, length)
        provider.play([TOOL_CALL, ANSWER])
        path.accept(agent_id)
        stack.calls.clear()
        meter.clear()
        path.answer_doorbells()
        calls.append([call.operation for call in stack.calls if call.service == "dynamodb"])
        units.append((meter.write_units, meter.read_units))
        reports.append(meter.report())
        turns.append(len(provider.requests[-1].turns))
    assert calls[1] == calls[0]
    assert turns[1] == turns[0]
    for unit, short, long in zip(("write units", "read units"), *units, strict=True):
        budget.check("run on 100,000 messages, against one on 100", long, short, unit, lambda: "\n".join(reports))
    assert units[1] == units[0]


@pytest.mark.usefixtures("long_tables")
def test_ten_conversations_wait_for_the_model_together(path: DataPath, provider: ScriptedModel, budget: Budget) -> None:
    run_of(path, provider, [ANSWER])  # the SDK is imported and connected before the clock runs
    seconds = [seconds_of_ten(path, provider)]
    # The fastest of at most six counts: whatever else runs on the machine can only make it slower.
    while min(seconds) > 2.6 and len(seconds) < 6:
        seconds.append(seconds_of_ten(path, provider))
    budget.check("ten conversations whose model takes 2 s", round(min(seconds), 2), 2.6, "s", lambda: str(seconds))


def seconds_of_ten(path: DataPath, provider: ScriptedModel) -> float:
    """Measure one invocation: the clock's time, or the model's and the processor's together where that is less.

    Less it is where other work on the machine keeps the processor from this test. All ten conversations are with the
    model at once, else it would not answer; so its time passes once, and what the processor did is all there is beside.
    Most of that is moto's work.
    """
    runs = [path.accept(path.create_agent())["id"] for _ in range(10)]
    provider.play(rule=after_delay(once_all_are_here(10), 2))
    event = path.take_doorbells()
    began, processor_began = time.perf_counter(), time.process_time()
    path.run(event)
    seconds, processor_seconds = time.perf_counter() - began, time.process_time() - processor_began
    assert [path.show(run_id)["status"] for run_id in runs] == ["completed"] * 10
    return min(seconds, 2 + processor_seconds)


def once_all_are_here(count: int) -> Rule:
    """Make a model that begins to think when it has been asked by this many at once; alone, it breaks."""
    everybody = threading.Barrier(count, timeout=20)

    def rule(_seen: SeenRequest) -> Reply:
        everybody.wait()
        return ANSWER

    return rule


def test_sweep_is_two_queries_and_nothing_else_while_nothing_is_due(
    path: DataPath, stack: Stack, budget: Budget
) -> None:
    stack.calls.clear()
    path.sweep()
    calls = Counter(call.operation for call in stack.calls)
    budget.check("sweep while idle", calls.total(), 2, "AWS calls", lambda: str(calls))
    assert calls == {"Query": 2}


def test_sweep_is_two_queries_however_much_is_due(
    path: DataPath, stack: Stack, provider: ScriptedModel, receiver: Receiver, budget: Budget
) -> None:
    provider.play([ANSWER] * 12)
    for _ in range(12):
        path.accept(path.create_agent(), callback_url=receiver.url)
    path.answer_doorbells()  # takes the doorbells of ten: two conversations and ten deliveries are left
    path.ahead += timedelta(minutes=3)
    stack.calls.clear()
    path.sweep()
    queries = [call for call in stack.calls if call.service == "dynamodb"]
    budget.check("sweep with overdue runs and callbacks", len(queries), 2, "queries", lambda: str(queries))
    assert [len(path.stack.messages(queue)) for queue in ("RunQueue", "CallbackQueue")] == [2, 10]
