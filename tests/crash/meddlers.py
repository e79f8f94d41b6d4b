"""What somebody else does in the middle of a scenario."""

from typing import TYPE_CHECKING

from nightshift.intake.cancel import Cancellation
from support.lane import TENANT

if TYPE_CHECKING:
    from crash.world import World


def cancel_all(world: "World") -> None:
    """Cancel every active run of the agent."""
    _cancellation(world).cancel_agent(TENANT, world.lane.agent.id)


def cancel_named(world: "World") -> None:
    """Cancel every run that is stored, by its id."""
    _cancellation(world).cancel_named(TENANT, world.lane.agent.id, [run.id for run in world.runs()])


def delete_agent(world: "World") -> None:
    world.lane.delete_agent()


def _cancellation(world: "World") -> Cancellation:
    return Cancellation(world.lane.database, world.lane.doorbell, world.lane.clock)
