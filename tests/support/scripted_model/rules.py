"""Rules: models that answer by what they are sent, for tests that can't know the number or the order of calls."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from support.scripted_model.answers import Answer, Call, Reply
from support.scripted_model.seen import SeenRequest

type Rule = Callable[[SeenRequest], Answer]


def echo_history(seen: SeenRequest) -> Reply:
    """Answer with the user messages seen, oldest first, as JSON: `{"user_messages": [...]}`."""
    return Reply(text=json.dumps({"user_messages": seen.texts_of("user")}, ensure_ascii=False))


def answer_after_tool_calls(count: int, tool: str = "ping", arguments: str = "{}") -> Rule:
    """Make a model that calls `tool` this many times per user message, one call a step, and then answers."""

    def rule(seen: SeenRequest) -> Reply:
        if seen.tool_returns_since_user < count:
            return Reply(tool_calls=(Call(tool, arguments),))
        return Reply(text=f"done after {count} tool calls")

    return rule


def after_delay(rule: Rule, delay_seconds: float) -> Rule:
    """Make a model that thinks for a while first."""

    def delayed(seen: SeenRequest) -> Answer:
        return replace(rule(seen), delay_seconds=delay_seconds)

    return delayed


_BY_NAME: Final[Mapping[str, Callable[..., Rule]]] = {
    "echo-history": lambda: echo_history,
    "answer-after-tool-calls": answer_after_tool_calls,
}


def rule_from_json(name: str, options: Mapping[str, Any], delay_seconds: float = 0) -> Rule:
    """Return the rule with this name.

    Raises:
        KeyError: an unknown name.
        TypeError: an option that the rule does not have.
    """
    rule = _BY_NAME[name](**options)
    return after_delay(rule, delay_seconds) if delay_seconds else rule
