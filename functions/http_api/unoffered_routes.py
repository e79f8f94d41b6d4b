"""The routes that the official SDK has and Nightshift doesn't offer, and what to use instead.

Only a request that no route serves looks here. tests/conformance/test_routes.py checks that this table and the one of
routes together hold every route of the SDK, and none twice.
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Unoffered:
    """Routes that are missing for one reason.

    Attributes:
        detail: the answer to a client: what is not offered, and what to use instead.
        routes: method and path, which is written as in the table of routes.
    """

    detail: str
    routes: tuple[str, ...]


UNOFFERED: Final = (
    Unoffered(
        "Client-side access tokens are not offered; give each client a tenant of its own in the secret of API keys",
        (
            "POST /v1/client-side-access-tokens",
            "GET /v1/client-side-access-tokens",
            "DELETE /v1/client-side-access-tokens/<token>",
        ),
    ),
    Unoffered(
        "Archives apart from an agent are not offered; keep and find an agent's own passages with "
        "POST and GET /v1/agents/{agent_id}/archival-memory, and share memory blocks between agents",
        (
            "POST /v1/archives",
            "GET /v1/archives",
            "GET /v1/archives/<archive_id>",
            "PATCH /v1/archives/<archive_id>",
            "DELETE /v1/archives/<archive_id>",
            "POST /v1/archives/<archive_id>/passages",
            "POST /v1/archives/<archive_id>/passages/batch",
            "DELETE /v1/archives/<archive_id>/passages/<passage_id>",
            "PATCH /v1/agents/<agent_id>/archives/attach/<archive_id>",
            "PATCH /v1/agents/<agent_id>/archives/detach/<archive_id>",
            "POST /v1/passages/search",
        ),
    ),
    Unoffered(
        "Folders and files are not offered; send files as content of a message, or keep their text in memory blocks",
        (
            "POST /v1/folders",
            "GET /v1/folders",
            "GET /v1/folders/<folder_id>",
            "PATCH /v1/folders/<folder_id>",
            "DELETE /v1/folders/<folder_id>",
            "GET /v1/folders/<folder_id>/agents",
            "GET /v1/folders/<folder_id>/files",
            "GET /v1/folders/<folder_id>/files/<file_id>",
            "POST /v1/folders/<folder_id>/upload",
            "DELETE /v1/folders/<folder_id>/<file_id>",
            "GET /v1/agents/<agent_id>/folders",
            "PATCH /v1/agents/<agent_id>/folders/attach/<folder_id>",
            "PATCH /v1/agents/<agent_id>/folders/detach/<folder_id>",
            "GET /v1/agents/<agent_id>/files",
            "PATCH /v1/agents/<agent_id>/files/close-all",
            "PATCH /v1/agents/<agent_id>/files/<file_id>/open",
            "PATCH /v1/agents/<agent_id>/files/<file_id>/close",
        ),
    ),
    Unoffered(
        "Identities are not offered; mark agents with tags and list them by tag with GET /v1/agents",
        (
            "PATCH /v1/agents/<agent_id>/identities/attach/<identity_id>",
            "PATCH /v1/agents/<agent_id>/identities/detach/<identity_id>",
        ),
    ),
    Unoffered(
        "Agent files are not offered over HTTP; `make import` takes one in, "
        "and an agent is copied from its fields with POST /v1/agents",
        ("GET /v1/agents/<agent_id>/export", "POST /v1/agents/import"),
    ),
    Unoffered(
        "Schedules are not offered; let EventBridge Scheduler, cron or the like call "
        "POST /v1/agents/{agent_id}/messages/async",
        (
            "POST /v1/agents/<agent_id>/schedule",
            "GET /v1/agents/<agent_id>/schedule",
            "GET /v1/agents/<agent_id>/schedule/<scheduled_message_id>",
            "DELETE /v1/agents/<agent_id>/schedule/<scheduled_message_id>",
        ),
    ),
    Unoffered(
        "Environments are not offered; send client_tools with a message and run them where your program runs",
        (
            "GET /v1/environments",
            "GET /v1/environments/<device_id>",
            "POST /v1/environments/<connection_id>/messages",
        ),
    ),
    Unoffered(
        "Messages across agents are not offered; list them by agent with GET /v1/agents/{agent_id}/messages, "
        "or by run with GET /v1/runs/{run_id}/messages",
        ("GET /v1/messages", "GET /v1/messages/<message_id>", "POST /v1/messages/search"),
    ),
    Unoffered(
        "Traces are not offered; GET /v1/runs/{run_id}/steps shows what a run did, the functions' logs how",
        ("GET /v1/runs/<run_id>/trace", "GET /v1/steps/<step_id>/trace"),
    ),
    Unoffered(
        "Templates are not offered; create agents from fields that your program keeps with POST /v1/agents",
        (
            "POST /v1/templates",
            "PATCH /v1/templates/<template_name>",
            "DELETE /v1/templates/<template_name>",
            "POST /v1/templates/<template_name>/save",
            "POST /v1/templates/<template_name>/rollback",
            "POST /v1/templates/<template_version>/agents",
        ),
    ),
    Unoffered(
        "Search over tools is not offered; list them, by name too, with GET /v1/tools",
        ("POST /v1/tools/search",),
    ),
)


def explain_unoffered(method: str, path: str) -> str | None:
    """Return what to tell a client whose request is one of the unoffered routes, None for any other."""
    asked = f"{method} {path}"
    for group in UNOFFERED:
        if any(re.fullmatch(re.sub(r"<\w+>", "[^/]+", route), asked) for route in group.routes):
            return group.detail
    return None
