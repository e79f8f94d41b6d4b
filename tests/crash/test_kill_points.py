"""Each scenario is played once per write and kind of strike; then queues and sweeper do their work (promises 1 to 8).

`KILL_POINTS=all` plays every one, in several tests a scenario so that processes share them evenly; otherwise every
STRIDE-th, each scenario from another one on, so that kinds of strike and of writes take turns.
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product

import pytest

from crash.aftermath import Finding, Harm, look_over
from crash.kill_switch import WRITES, KillSwitch, Strike
from crash.scenario import Scenario
from crash.scenarios import SCENARIOS
from crash.world import World
from support.aws_tables import Stack, load_template
from support.receiver import Receiver
from support.scripted_model.server import ScriptedModel

STRIDE = 29
SHARDS = 2
IS_COMPLETE = os.environ.get("KILL_POINTS") == "all"

type Slice = tuple[int, int]
"""First point, and every how manieth from there on."""

CASES: Sequence[tuple[str, Slice]] = (
    [(name, (shard, SHARDS)) for name in SCENARIOS for shard in range(SHARDS)]
    if IS_COMPLETE
    else [(name, (place % STRIDE, STRIDE)) for place, name in enumerate(SCENARIOS)]
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "points"), CASES, ids=str)
def test_strike_at_any_write_loses_repeats_and_blocks_nothing(
    name: str,
    points: Slice,
    deployed: Stack,
    provider: ScriptedModel,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    scenario = SCENARIOS[name]

    def play(switch: KillSwitch) -> list[Finding]:
        world = World(scenario, deployed, provider, receiver, switch)
        switch.meddle = world.meddle
        world.play(monkeypatch)
        return look_over(world)

    undisturbed = KillSwitch()
    assert play(undisturbed) == [], "undisturbed"
    struck, found = 0, []
    for at, strike in _some_points(scenario, undisturbed.written, points):
        switch = KillSwitch(at, strike)
        findings = play(switch)
        struck += switch.has_struck
        found += [(f"write {at} of {undisturbed.written}, {strike}", one) for one in findings]
    figures = Counter(one.harm for _, one in found)
    record_property("kill points", struck)
    for harm in Harm:
        record_property(harm.value, figures[harm])
    assert struck
    assert not found, "\n".join(f"{point}: {one.harm}: {one.what}" for point, one in found)


def _some_points(scenario: Scenario, writes: int, points: Slice) -> Sequence[tuple[int, Strike]]:
    every = list(product(range(1, writes + 1), scenario.strikes))
    first, stride = points
    # A scenario may have fewer points than the place of its first one.
    return every[first % len(every) :: stride]


def test_every_write_that_a_function_may_make_is_one_that_is_struck_at() -> None:
    resources = load_template()["Resources"].values()
    policies = [policy for resource in resources for policy in resource.get("Properties", {}).get("Policies", ())]
    allowed = [statement["Action"] for policy in policies for statement in policy.get("Statement", ())]
    actions = {action for one in allowed for action in ([one] if isinstance(one, str) else one)}
    names = {action.split(":")[1] for action in actions}
    reading = ("Get", "Query", "BatchGet", "List", "ConditionCheck", "Invoke")
    assert {name for name in names if not name.startswith(reading)} <= WRITES
