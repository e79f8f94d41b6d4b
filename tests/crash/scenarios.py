"""All scenarios by name: what dies at every write, and what somebody meddles with at every write."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from crash.meddlers import cancel_all, cancel_named, delete_agent
from crash.scenario import Scenario
from crash.tools import TOOLS
from crash.turns import TURNS
from crash.world import World
from nightshift.domain.stop_reason import StopReason

_QUIET = TURNS | TOOLS


def _meddled(meddling: Callable[[World], None], *names: str) -> Mapping[str, Scenario]:
    """Return these scenarios with somebody who meddles at every write: any run may end cancelled."""
    return {name: _at_every_write(_QUIET[name], meddling) for name in names}


def _at_every_write(scenario: Scenario, meddling: Callable[[World], None]) -> Scenario:
    stop_reasons = scenario.stop_reasons | {StopReason.CANCELLED}
    return replace(scenario, meddling=meddling, stop_reasons=stop_reasons, log_length=None, check=lambda world: None)


SCENARIOS: Final[Mapping[str, Scenario]] = {
    **_QUIET,
    **{
        f"all cancelled at each write: {name}": scenario
        for name, scenario in _meddled(
            cancel_all,
            "two queued runs",
            "tools of one answer, at the same time",
            "two of one answer that must never be repeated",
            "approval and resume",
            "client's tool",
            "compacted after steps",
            "long run",
            "provider asks for time",
        ).items()
    },
    **{
        f"cancelled by ids at each write: {name}": scenario
        for name, scenario in _meddled(cancel_named, "two queued runs", "approval and resume", "long run").items()
    },
    **{
        f"agent deleted at each write: {name}": scenario
        for name, scenario in _meddled(
            delete_agent, "two queued runs", "tools in sequence", "long run", "compacted after steps"
        ).items()
    },
}
