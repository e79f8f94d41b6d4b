"""A program for a Letta server: address and key come from the environment, as the SDK reads them by itself.

Prints what it found as JSON; tests/stack/sdk/use_node_sdk.js does the same with the SDK for Node.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from letta_client import Letta, NotFoundError
from letta_client.types.agents import Run

RUNS = 250
POSTS_AT_ONCE = 8
PAGE_SIZE = 40
ENDED = {"completed", "failed", "cancelled"}
LIMIT_SECONDS = 90


def main() -> None:
    """Use the API from the first agent to the last deletion."""
    client = Letta()
    agent_id = client.agents.create(model="openai/sdk-script", name="Python script").id
    found = {
        "run": follow_one_run(client, agent_id),
        "cancelled": cancel_one_run(client),
        "conversation": talk(client, agent_id),
        "paged": count_pages(client),
        "deleted": delete(client, agent_id),
    }
    json.dump(found, sys.stdout)


def follow_one_run(client: Letta, agent_id: str) -> dict[str, Any]:
    """Send a message in the background and read everything that came of it."""
    accepted = client.agents.messages.create_async(agent_id, input="good evening")
    run = wait(client, accepted.id)
    return {
        "accepted": accepted.status,
        "status": run.status,
        "stop_reason": run.stop_reason,
        "messages": [message.message_type for message in client.runs.messages.list(run.id)],
        "steps": [step.status for step in client.runs.steps.list(run.id)],
        "total_tokens": client.runs.usage.retrieve(run.id).total_tokens,
    }


def cancel_one_run(client: Letta) -> str | None:
    """Cancel a run whose model takes its time."""
    agent_id = client.agents.create(model="openai/sdk-slow").id
    run = client.agents.messages.create_async(agent_id, input="take your time")
    client.agents.messages.cancel(agent_id, run_ids=[run.id])
    return wait(client, run.id).status


def talk(client: Letta, agent_id: str) -> dict[str, Any]:
    """Talk to the agent in a conversation beside its own history."""
    conversation = client.conversations.create(agent_id=agent_id, summary="A talk")
    with client.conversations.messages.create(conversation.id, input="hello") as events:
        streamed = [event.message_type for event in events]
    stored = [message.message_type for message in client.conversations.messages.list(conversation.id, order="asc")]
    is_listed = conversation.id in [each.id for each in client.conversations.list(agent_id=agent_id)]
    client.conversations.delete(conversation.id)
    return {"streamed": streamed, "stored": stored, "listed": is_listed}


def count_pages(client: Letta) -> dict[str, int]:
    """Post many runs and walk over all of them, page by page."""
    agent_id = client.agents.create(model="openai/sdk-script").id
    with ThreadPoolExecutor(POSTS_AT_ONCE) as pool:
        posts = pool.map(lambda text: client.agents.messages.create_async(agent_id, input=text), map(str, range(RUNS)))
        posted = {run.id for run in posts}
    listed = [run.id for run in client.runs.list(agent_id=agent_id, limit=PAGE_SIZE)]
    client.agents.delete(agent_id)
    return {"posted": len(posted), "listed": len(listed), "both": len(posted & set(listed))}


def delete(client: Letta, agent_id: str) -> bool:
    """Delete the agent; tell whether it is gone."""
    client.agents.delete(agent_id)
    try:
        client.agents.retrieve(agent_id)
    except NotFoundError:
        return True
    return False


def wait(client: Letta, run_id: str) -> Run:
    """Return the run once it has ended."""
    ends_at = time.monotonic() + LIMIT_SECONDS
    while (run := client.runs.retrieve(run_id)).status not in ENDED:
        if time.monotonic() > ends_at:
            raise TimeoutError(f"{run_id} is {run.status} after {LIMIT_SECONDS} s")
        time.sleep(0.2)
    return run


if __name__ == "__main__":
    main()
