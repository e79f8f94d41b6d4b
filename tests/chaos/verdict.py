"""Judges an outcome: every line says what was wanted and what was found, and all of them have to agree."""

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from chaos.load import CALLS_PER_RUN, answer_of, note_of, text_of
from chaos.outcome import AgentOutcome, Outcome, ShownMessage

FAILED_CALL: Final = "Error executing function"
"""Begins the return of a call that was executed twice in vain: what a model is told, not a loss."""
ENDED: Final = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; `wanted` None for a figure that is only told."""

    name: str
    found: int
    wanted: int | None = None

    @property
    def is_off(self) -> bool:
        return self.wanted is not None and self.found != self.wanted

    def __str__(self) -> str:
        wanted = "" if self.wanted is None else f"of {self.wanted}" if self.wanted else "wanted 0"
        return f"{self.name:<34}{self.found:>6}  {wanted:<10}{'OFF' if self.is_off else ''}".rstrip()


def judge(outcome: Outcome, posts: int) -> list[Line]:
    """Return the lines of the table."""
    agents = outcome.agents
    accepted = [run_id for agent in agents for run_id in agent.accepted]
    listed = [status for agent in agents for status in agent.statuses.values()]
    calls = sum(len(set(_calls(agent))) for agent in agents)
    succeeded = {call for agent in agents for call in _succeeded(agent)}
    completed = [run for agent in agents for run, status in agent.statuses.items() if status == "completed"]
    return [
        Line("accepted", len(set(accepted)), posts),
        Line("terminal", sum(status in ENDED for status in listed), posts),
        Line("  of these completed", len(completed)),
        Line("agents whose order was kept", sum(is_order_kept(agent) for agent in agents), len(agents)),
        Line("duplicates", sum(count_duplicates(agent) for agent in agents) + _extra_runs(agents), 0),
        Line("calls without a return", sum(count_unanswered(agent) for agent in agents), 0),
        Line("calls that succeeded", len(succeeded)),
        Line("  of these with an effect", len(succeeded & set(outcome.effects)), len(succeeded)),
        Line("calls whose sandbox died twice", calls - len(succeeded)),
        Line("effects asked for again, same key", sum(count - 1 for count in outcome.effects.values())),
        Line("runs with a callback", len(set(outcome.callbacks) & set(accepted)), posts),
        Line("webhook-ids beyond one a run", sum(len(ids) - 1 for ids in outcome.callbacks.values()), 0),
        Line("callbacks forged or disagreeing", outcome.forged, 0),
    ]


def is_order_kept(agent: AgentOutcome) -> bool:
    """Tell whether the history is that of the runs one after another, in the order accepted, each as it should be."""
    return _first_difference(agent) is None


def explain(outcome: Outcome) -> Iterator[str]:
    """Yield where each history that is not as it should be first differs."""
    for agent in outcome.agents:
        if difference := _first_difference(agent):
            yield difference


def _first_difference(agent: AgentOutcome) -> str | None:
    """Compare message by message. A run that failed may have stopped anywhere: what it left has to be a beginning."""
    found = [(message.run_id, *_content(message)) for message in agent.history]
    wanted: list[tuple[str, str, str]] = []
    for place, run_id in enumerate(agent.accepted):
        whole = [(run_id, *content) for content in _expected(place)]
        left = sum(message[0] == run_id for message in found)
        wanted += whole if agent.statuses.get(run_id) == "completed" else whole[:left]
    for one, other in zip_longest(found, wanted):
        if one != other and not _is_failed_call_of(one, other):
            return f"found {one}, wanted {other}"
    return None


def _is_failed_call_of(found: tuple[str, str, str] | None, wanted: tuple[str, str, str] | None) -> bool:
    """Tell whether a tool's return differs only in that the model was told of the sandbox's death."""
    if found is None or wanted is None:
        return False
    return found[:2] == wanted[:2] and _is_failure(found[1], found[2])


def _is_failure(type_: str, text: str) -> bool:
    return type_ == "tool_return_message" and text.startswith(FAILED_CALL)


def count_duplicates(agent: AgentOutcome) -> int:
    """Return how many messages, steps and tool calls are there more than once."""
    messages = [message.id for message in agent.history]
    words = [(message.run_id, *_content(message)) for message in agent.history]
    steps = [step for of_run in agent.steps.values() for step in of_run]
    return sum(_repeated(each) for each in (messages, words, _calls(agent), _returns(agent), steps))


def count_unanswered(agent: AgentOutcome) -> int:
    """Return how many tool calls have no return, or returns no call."""
    return len(set(_calls(agent)) ^ set(_returns(agent)))


def _extra_runs(agents: Iterable[AgentOutcome]) -> int:
    return sum(len(set(agent.statuses) - set(agent.accepted)) for agent in agents)


def _calls(agent: AgentOutcome) -> list[str]:
    return [call for message in agent.history if message.type == "tool_call_message" for call in message.call_ids]


def _returns(agent: AgentOutcome) -> list[str]:
    return [call for message in agent.history if message.type == "tool_return_message" for call in message.call_ids]


def _succeeded(agent: AgentOutcome) -> list[str]:
    returned = [message for message in agent.history if message.type == "tool_return_message"]
    return [call for message in returned if not _is_failure(message.type, message.text) for call in message.call_ids]


def _repeated(names: Iterable[Hashable]) -> int:
    return sum(count - 1 for count in Counter(names).values())


def _expected(place: int) -> Iterator[tuple[str, str]]:
    yield "user_message", text_of(place)
    for call in range(1, CALLS_PER_RUN + 1):
        yield "tool_call_message", note_of(place, call)
        yield "tool_return_message", f"noted {note_of(place, call)}"
    yield "assistant_message", answer_of(place)


def _content(message: ShownMessage) -> tuple[str, str]:
    text = json.loads(message.text)["text"] if message.type == "tool_call_message" else message.text
    return message.type, text
