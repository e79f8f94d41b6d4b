"""The table of endpoints. A path has no trailing slash here and is served with and without; `<name>` is one segment."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path.

    Attributes:
        operation: `module:function`, loaded at the first request.
        is_open: whether it needs no token.
    """

    method: str
    path: str
    operation: str
    is_open: bool = False

    def matches_path(self, path: str) -> bool:
        """Tell whether the path is this route's, whatever the method."""
        return re.fullmatch(re.sub(r"<\w+>", "[^/]+", self.path), path) is not None


ROUTES = (
    Route("GET", "/v1/health", "service_operations:health", is_open=True),
    Route("POST", "/v1/agents", "agent_operations:create_agent"),
    Route("GET", "/v1/agents", "agent_operations:list_agents"),
    Route("GET", "/v1/agents/<agent_id>", "agent_operations:retrieve_agent"),
    Route("DELETE", "/v1/agents/<agent_id>", "agent_operations:delete_agent"),
    Route("POST", "/v1/agents/<agent_id>/messages/async", "message_operations:create_run"),
    Route("GET", "/v1/agents/<agent_id>/messages", "message_operations:list_agent_messages"),
    Route("GET", "/v1/runs", "run_operations:list_runs"),
    Route("GET", "/v1/runs/<run_id>", "run_operations:retrieve_run"),
    Route("GET", "/v1/runs/<run_id>/messages", "run_operations:list_run_messages"),
    Route("GET", "/v1/runs/<run_id>/steps", "run_operations:list_run_steps"),
    Route("GET", "/v1/runs/<run_id>/usage", "run_operations:retrieve_usage"),
)
