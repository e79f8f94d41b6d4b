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
    # The API's description of itself.
    Route("GET", "/v1/openapi.json", "documentation_operations:retrieve_openapi", is_open=True),
    Route("GET", "/docs", "documentation_operations:show_page", is_open=True),
    Route("POST", "/v1/agents", "agent_operations:create_agent"),
    Route("GET", "/v1/agents", "agent_operations:list_agents"),
    Route("GET", "/v1/agents/count", "agent_operations:count_agents"),
    Route("GET", "/v1/agents/<agent_id>", "agent_operations:retrieve_agent"),
    Route("PATCH", "/v1/agents/<agent_id>", "agent_operations:update_agent"),
    Route("DELETE", "/v1/agents/<agent_id>", "agent_operations:delete_agent"),
    Route("POST", "/v1/agents/<agent_id>/recompile", "agent_operations:recompile_agent"),
    # Blocks, tools and what there is to choose from.
    Route("GET", "/v1/agents/<agent_id>/core-memory/blocks", "block_operations:list_attached_blocks"),
    Route("PATCH", "/v1/agents/<agent_id>/core-memory/blocks/attach/<block_id>", "block_operations:attach_block"),
    Route("PATCH", "/v1/agents/<agent_id>/core-memory/blocks/detach/<block_id>", "block_operations:detach_block"),
    Route("GET", "/v1/agents/<agent_id>/core-memory/blocks/<block_label>", "block_operations:retrieve_attached_block"),
    Route("PATCH", "/v1/agents/<agent_id>/core-memory/blocks/<block_label>", "block_operations:update_attached_block"),
    # A label may hold a slash, as those of skills do, which a path has as two segments.
    Route("GET", "/v1/agents/<agent_id>/core-memory/blocks/<folder>/<name>", "block_operations:retrieve_in_folder"),
    Route("PATCH", "/v1/agents/<agent_id>/core-memory/blocks/<folder>/<name>", "block_operations:update_in_folder"),
    Route("POST", "/v1/blocks", "block_operations:create_block"),
    Route("GET", "/v1/blocks", "block_operations:list_blocks"),
    Route("GET", "/v1/blocks/count", "block_operations:count_blocks"),
    Route("GET", "/v1/blocks/<block_id>", "block_operations:retrieve_block"),
    Route("PATCH", "/v1/blocks/<block_id>", "block_operations:update_block"),
    Route("DELETE", "/v1/blocks/<block_id>", "block_operations:delete_block"),
    Route("GET", "/v1/blocks/<block_id>/agents", "block_operations:list_agents_of_block"),
    Route("GET", "/v1/agents/<agent_id>/tools", "attached_tool_operations:list_attached_tools"),
    Route("PATCH", "/v1/agents/<agent_id>/tools/attach/<tool_id>", "attached_tool_operations:attach_tool"),
    Route("PATCH", "/v1/agents/<agent_id>/tools/detach/<tool_id>", "attached_tool_operations:detach_tool"),
    Route("PATCH", "/v1/agents/<agent_id>/tools/approval/<tool_name>", "attached_tool_operations:update_approval"),
    Route("POST", "/v1/agents/<agent_id>/tools/<tool_name>/run", "tool_run_operations:run_tool"),
    Route("POST", "/v1/tools", "tool_operations:create_tool"),
    Route("PUT", "/v1/tools", "tool_operations:upsert_tool"),
    Route("GET", "/v1/tools", "tool_operations:list_tools"),
    Route("GET", "/v1/tools/count", "tool_operations:count_tools"),
    Route("GET", "/v1/tools/<tool_id>", "tool_operations:retrieve_tool"),
    Route("PATCH", "/v1/tools/<tool_id>", "tool_operations:update_tool"),
    Route("DELETE", "/v1/tools/<tool_id>", "tool_operations:delete_tool"),
    Route("POST", "/v1/mcp-servers", "mcp_server_operations:create_mcp_server"),
    Route("GET", "/v1/mcp-servers", "mcp_server_operations:list_mcp_servers"),
    Route("GET", "/v1/mcp-servers/<mcp_server_id>", "mcp_server_operations:retrieve_mcp_server"),
    Route("PATCH", "/v1/mcp-servers/<mcp_server_id>", "mcp_server_operations:update_mcp_server"),
    Route("DELETE", "/v1/mcp-servers/<mcp_server_id>", "mcp_server_operations:delete_mcp_server"),
    Route("PATCH", "/v1/mcp-servers/<mcp_server_id>/refresh", "mcp_server_operations:refresh_mcp_server"),
    Route("GET", "/v1/mcp-servers/<mcp_server_id>/tools", "mcp_server_operations:list_mcp_tools"),
    Route("GET", "/v1/mcp-servers/<mcp_server_id>/tools/<tool_id>", "mcp_server_operations:retrieve_mcp_tool"),
    Route("POST", "/v1/mcp-servers/<mcp_server_id>/tools/<tool_id>/run", "mcp_server_operations:run_mcp_tool"),
    Route("POST", "/v1/agents/<agent_id>/archival-memory", "passage_operations:create_passage"),
    Route("GET", "/v1/agents/<agent_id>/archival-memory", "passage_operations:list_passages"),
    Route("GET", "/v1/agents/<agent_id>/archival-memory/search", "passage_operations:search_passages"),
    Route("DELETE", "/v1/agents/<agent_id>/archival-memory/<memory_id>", "passage_operations:delete_passage"),
    Route("GET", "/v1/tags", "catalogue_operations:list_tags"),
    Route("GET", "/v1/models", "catalogue_operations:list_models"),
    Route("GET", "/v1/models/embedding", "catalogue_operations:list_embedding_models"),
    # End of blocks, tools and what there is to choose from.
    Route("POST", "/v1/agents/<agent_id>/messages/async", "message_operations:create_run"),
    Route("GET", "/v1/agents/<agent_id>/messages", "message_operations:list_agent_messages"),
    Route("GET", "/v1/runs", "run_operations:list_runs"),
    Route("GET", "/v1/runs/<run_id>", "run_operations:retrieve_run"),
    Route("GET", "/v1/runs/<run_id>/messages", "run_operations:list_run_messages"),
    Route("GET", "/v1/runs/<run_id>/steps", "run_operations:list_run_steps"),
    Route("GET", "/v1/runs/<run_id>/usage", "run_operations:retrieve_usage"),
    # What runs cost.
    Route("GET", "/v1/runs/<run_id>/receipt", "receipt_operations:retrieve_receipt"),
    Route("GET", "/v1/receipts", "receipt_operations:add_up_receipts"),
    # Runs and steps, beyond the above.
    Route("GET", "/v1/runs/active", "run_operations:list_active_runs"),
    Route("DELETE", "/v1/runs/<run_id>", "run_operations:delete_run"),
    Route("GET", "/v1/runs/<run_id>/metrics", "run_operations:retrieve_run_metrics"),
    Route("GET", "/v1/runs/<run_id>/explain", "run_operations:explain_run"),
    Route("POST", "/v1/runs/<run_id>/stream", "run_operations:stream_run"),
    Route("GET", "/v1/steps", "step_operations:list_steps"),
    Route("GET", "/v1/steps/<step_id>", "step_operations:retrieve_step"),
    Route("GET", "/v1/steps/<step_id>/metrics", "step_operations:retrieve_step_metrics"),
    Route("GET", "/v1/steps/<step_id>/messages", "step_operations:list_step_messages"),
    Route("PATCH", "/v1/steps/<step_id>/feedback", "step_operations:give_feedback"),
    # Messages of an agent, beyond the above.
    Route("POST", "/v1/agents/<agent_id>/messages", "sending_operations:send_messages"),
    Route("POST", "/v1/agents/<agent_id>/messages/stream", "sending_operations:stream_messages"),
    Route("POST", "/v1/agents/<agent_id>/messages/cancel", "sending_operations:cancel_runs"),
    Route("PATCH", "/v1/agents/<agent_id>/reset-messages", "sending_operations:reset_messages"),
    Route("POST", "/v1/agents/<agent_id>/summarize", "compaction_operations:compact_agent"),
    # Conversations.
    Route("POST", "/v1/conversations", "conversation_operations:create_conversation"),
    Route("GET", "/v1/conversations", "conversation_operations:list_conversations"),
    Route("GET", "/v1/conversations/<conversation_id>", "conversation_operations:retrieve_conversation"),
    Route("PATCH", "/v1/conversations/<conversation_id>", "conversation_operations:update_conversation"),
    Route("DELETE", "/v1/conversations/<conversation_id>", "conversation_operations:delete_conversation"),
    Route("POST", "/v1/conversations/<conversation_id>/cancel", "conversation_operations:cancel_conversation"),
    Route("POST", "/v1/conversations/<conversation_id>/fork", "conversation_operations:fork_conversation"),
    Route("POST", "/v1/conversations/<conversation_id>/recompile", "conversation_operations:recompile_conversation"),
    Route("GET", "/v1/conversations/<conversation_id>/messages", "conversation_operations:list_conversation_messages"),
    Route("POST", "/v1/conversations/<conversation_id>/messages", "conversation_operations:send_to_conversation"),
    Route("POST", "/v1/conversations/<conversation_id>/stream", "conversation_operations:stream_conversation"),
    Route("POST", "/v1/conversations/<conversation_id>/compact", "compaction_operations:compact_conversation"),
    # End of runs, steps, messages and conversations.
)
