"""What a step keeps of its model's tokens, where its run asked for it (letta_api_spec §3.10)."""

from collections.abc import Iterator
from typing import Any

from nightshift.domain.message import Role, TextPart
from nightshift.domain.step_outputs import StepOutputs
from nightshift.execution.run_state import RunState
from nightshift.models.port import ModelAnswer

type Json = dict[str, Any]


def outputs_of(state: RunState, answer: ModelAnswer) -> StepOutputs | None:
    """Return what is to be stored with the step, None when its run did not ask or its provider had nothing to tell."""
    logprobs = dict(answer.logprobs) if answer.logprobs and state.request.return_logprobs else None
    turns = tuple(_turns(state, answer)) if answer.tokens and state.request.return_token_ids else ()
    return StepOutputs(logprobs, turns) if logprobs or turns else None


def _turns(state: RunState, answer: ModelAnswer) -> Iterator[Json]:
    """Yield what tools returned since the last answer, as far as it is of this run, and then this answer."""
    since = next((place for place, one in enumerate(reversed(state.context)) if one.role is Role.ASSISTANT), 0)
    for message in state.context[len(state.context) - since :]:
        if message.run_id == state.run.id:
            for given in message.draft.tool_returns:
                yield {"role": "tool", "content": given.text, "tool_name": given.name}
    if tokens := answer.tokens:
        yield {
            "role": "assistant",
            "output_ids": list(tokens.output_ids),
            "output_token_logprobs": [list(one) for one in tokens.logprobs],
            "content": "\n".join(part.text for part in answer.content if isinstance(part, TextPart)),
            "tool_name": answer.tool_calls[0].name if answer.tool_calls else None,
        }
