"""Lists the client's skills in the system prompt of a run's model calls; nothing of it is stored (§3.1)."""

from nightshift.execution.run_state import RunState
from nightshift.storage.database import Database


def show_skills(database: Database, state: RunState) -> None:
    """Add the list to the system prompt that the run has, unless the request brought a prompt of its own."""
    request, agent = state.request, state.require_agent()
    if not request.client_skills or request.override_system is not None:
        return
    from nightshift.domain.client_skills import with_skills  # noqa: PLC0415 -- few runs have any

    blocks = database.blocks.get_many(agent.tenant, agent.block_ids)
    state.system = with_skills(state.system, blocks, request.client_skills)
