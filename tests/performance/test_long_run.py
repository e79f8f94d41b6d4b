"""A step of a long run costs as much at its end as at its beginning, through slices, executions and compactions.

`make long-run` does it with 10,000 steps.
"""

import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from conftest import Tell
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.long_run import MAX_SLICES_PER_EXECUTION, continue_as_long_run
from nightshift.tools.sandbox import Sandbox
from support.aws_tables import Stack
from support.capacity_meter import CapacityMeter
from support.lane import Lane
from support.logs import captured_logs
from support.long_run_machine import LongRunMachine
from support.scripted_model.answers import Call, Reply, TokenCounts
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

STEPS = int(os.environ.get("LONG_RUN_STEPS", "300"))
PART = max(80, STEPS // 10)
WARM_UP = 50
"""Steps after which the context was compacted at least once; before, there is less of it to read."""

PROGRESS_STEPS = 500
"""Between two lines on standard error, which pytest lets through with --capture=no only."""

SLICE_SECONDS = 10
SECONDS_A_STEP = 2
WINDOW_TOKENS = 2_000

PING = '''
def ping() -> str:
    """Answer."""
    return "pong"
'''


@dataclass(frozen=True, slots=True)
class Moment:
    """When a step's model call began: calls of DynamoDB so far, and what the processor did."""

    calls: int
    processor_ns: int


@pytest.mark.timeout(600 + STEPS)
@pytest.mark.usefixtures("long_tables")
def test_step_of_a_long_run_costs_the_same_at_its_end(
    stack: Stack, provider: ScriptedModel, meter: CapacityMeter, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    lane, moments = Lane(stack, provider), list[Moment]()
    lane.use_agent(PING, context_window_limit=WINDOW_TOKENS, include_base_tools=False)
    lane.sandbox = Sandbox(lambda _payload: {"status": "success", "text": "pong", "stdout": [], "stderr": []})

    def rule(seen: SeenRequest) -> Reply:
        if "tools" not in seen.body:
            return Reply("What was done so far: ping was called, and answered.")
        moments.append(Moment(len(meter.calls), time.process_time_ns()))
        lane.clock.advance(SECONDS_A_STEP)
        if len(moments) % PROGRESS_STEPS == 0:
            sys.stderr.write(f"long run: {len(moments)} of {STEPS} steps after {time.monotonic() - began:.0f} s\n")
        prompt_tokens = sum(20 + len(turn.text) // 4 for turn in seen.turns)
        return Reply(tool_calls=(Call("ping"),), tokens=TokenCounts(prompt=prompt_tokens))

    provider.play(rule=rule)
    machine = LongRunMachine(lane.clock, lane.runner(SLICE_SECONDS), monkeypatch)
    with captured_logs():
        run, began = lane.accept(max_steps=STEPS), time.monotonic()
        continue_as_long_run(machine.long_runs, lane.run_slice(SLICE_SECONDS), "correlation")
        executions = machine.run_all()

    ended = lane.run(run)
    assert (ended.stop_reason, ended.step_count) == (StopReason.MAX_STEPS, STEPS)
    lane.assert_settled([run])
    slices = 1 + sum(execution.visited.count("Slice") for execution in executions)
    most_events = max(execution.events for execution in executions)
    tell(f"long run: {STEPS} steps, {slices} slices, {len(executions)} executions of at most {most_events} events")
    assert len(executions) == math.ceil((slices - 1) / MAX_SLICES_PER_EXECUTION)
    begins = {"first": WARM_UP, "middle": (STEPS - PART) // 2, "last": STEPS - PART - 1}
    written, read = [], []
    for name, begin in begins.items():
        writes, reads, processor_ms = _mean(moments[begin : begin + PART + 1], meter)
        tell(f"long run: {name} {PART} steps: {writes:.2f} write units, {reads:.2f} read units, {processor_ms:.1f} ms")
        written.append(writes)
        read.append(reads)
    assert max(written) <= 1.05 * min(written), written
    assert max(read) <= 1.05 * min(read), read


def _mean(moments: Sequence[Moment], meter: CapacityMeter) -> tuple[float, float, float]:
    """Return write units, read units and milliseconds of the processor a step; most of those are the emulation's."""
    steps, calls = len(moments) - 1, meter.calls[moments[0].calls : moments[-1].calls]
    processor_ms = (moments[-1].processor_ns - moments[0].processor_ns) / 1e6
    writes, reads = sum(call.write_units for call in calls), sum(call.read_units for call in calls)
    return writes / steps, reads / steps, processor_ms / steps
