"""Runs that the real runner has executed, against a scripted model over real HTTP."""

from typing import Any

from letta_client.types.agents import Run

from intake.deployment import Deployment
from support.scripted_model.answers import Answer, Call, Reply, TokenCounts
from support.scripted_model.server import ScriptedModel

THINKING_STEP = Reply(
    "Let me check.",
    reasoning="The order id is known, look it up.",
    tool_calls=(Call("lookup_order", '{"order_id": "A-17"}', "call_1"), Call("lookup_order", "{}", "call_2")),
    tokens=TokenCounts(prompt=100, completion=20, cached=40, reasoning=8),
)


def execute(deployment: Deployment, provider: ScriptedModel, *answers: Answer, **fields: Any) -> Run:
    """Post to a new agent and let the runner execute the run with these answers of its model."""
    provider.play(answers)
    run = deployment.post(deployment.create_agent(parallel_tool_calls=True).id, **fields)
    deployment.answer_doorbells()
    return deployment.sdk().runs.retrieve(run.id)
