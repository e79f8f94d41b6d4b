"""Which answer comes next: those scripted, in order; when they are used up, the rule."""

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from support.scripted_model.answers import Answer, ErrorReply, answer_from_json
from support.scripted_model.rules import Rule, rule_from_json
from support.scripted_model.seen import SeenRequest

EXHAUSTED = ErrorReply(400, "the script has no answer left")
"""A status that nobody retries, so that a test which asks too often fails at once."""


@dataclass(slots=True)
class _Lane:
    """The answers of one model id."""

    answers: deque[Answer] = field(default_factory=deque)
    rule: Rule | None = None


class Script:
    """Answers for any model id, and for single ids, so that tests on one server do not take each other's."""

    def __init__(self, answers: Iterable[Answer] = (), rule: Rule | None = None) -> None:
        self._lock = threading.Lock()
        self._lanes = {"": _Lane(deque(answers), rule)}

    def replace(self, answers: Iterable[Answer], rule: Rule | None = None, model: str = "") -> None:
        """Put these answers in the place of the model's; an empty `model` means every model without its own."""
        with self._lock:
            self._lanes[model] = _Lane(deque(answers), rule)

    def replace_from_json(self, body: Mapping[str, Any]) -> None:
        """Do `replace` with `{"model", "answers": [...], "rule", "options", "delay_seconds"}`, all of them optional.

        Raises:
            KeyError, TypeError: the script names something that does not exist.
        """
        answers = [answer_from_json(fields) for fields in body.get("answers", ())]
        name = body.get("rule")
        rule = rule_from_json(name, body.get("options", {}), body.get("delay_seconds", 0)) if name else None
        self.replace(answers, rule, body.get("model", ""))

    def next_answer(self, seen: SeenRequest) -> Answer:
        """Take the next scripted answer, or ask the rule."""
        with self._lock:
            lane = self._lanes.get(seen.model, self._lanes[""])
            if lane.answers:
                return lane.answers.popleft()
            rule = lane.rule
        # Outside the lock: a rule may wait until other requests are here too.
        return rule(seen) if rule else EXHAUSTED
