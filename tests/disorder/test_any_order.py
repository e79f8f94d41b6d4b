"""Every write of runners, clients and sweeper in random order (promises 1 to 5, 7 and 8).

`LANE_STORIES=1000` tells that many instead, other ones each time, to look for what these few don't find.
"""

import os

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from disorder.lane_machine import LaneMachine
from support.aws_tables import Stack
from support.logs import captured_logs
from support.scripted_model.server import ScriptedModel

STORIES = int(os.environ.get("LANE_STORIES", "24"))
EVENTS = 30
"""Of one story, at the most; an event is up to eight writes."""


@pytest.mark.timeout(400 + 5 * STORIES)  # most of it for a failure, which is told over and over until it is short
def test_promises_hold_after_every_write_in_any_order(stack: Stack, provider: ScriptedModel) -> None:
    machine = type("Story", (LaneMachine,), {"stack": stack, "provider": provider})
    is_steady = "LANE_STORIES" not in os.environ
    with captured_logs():
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=STORIES,
                stateful_step_count=EVENTS,
                deadline=None,
                derandomize=is_steady,
                database=None,
                print_blob=False,
            ),
        )
