"""What is asked of the stack: twenty agents with a tool, ten messages each, and the model and tool behind them."""

import json
import random
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from letta_client import APIConnectionError, InternalServerError, Letta

from support.scripted_model.answers import Call, Reply
from support.scripted_model.rules import Rule, after_delay
from support.scripted_model.seen import SeenRequest

AGENTS: Final = 20
RUNS_PER_AGENT: Final = 10
CALLS_PER_RUN: Final = 1
MODEL: Final = "chaos"
THINKING_SECONDS: Final = 0.4

AT_ONCE: Final = 6
"""Requests that are under way at a time: each costs two functions, and a killed one a cold start."""
POST_PATIENCE_SECONDS: Final = 240
"""How long a client sends the same request again before it gives up."""
POST_TIMEOUT_SECONDS: Final = 35
"""A little more than the API's function may take."""
PAUSE_SECONDS: Final = 0.5

TOOL: Final = "take_note"
EFFECTS_PATH: Final = "/effects"

type Post = tuple[str, int]
"""An agent's id and the place of a message among those it is sent, from 0."""


def tool_source(port: int) -> str:
    """Return a tool whose effect is a request to the receiver that names the call, as a keyed API wants it."""
    return f'''
import http.client, os

def {TOOL}(text: str) -> str:
    """Keep a note.

    Args:
        text: what to keep.
    """
    receiver = http.client.HTTPConnection("127.0.0.1", {port}, timeout=10)
    receiver.request("POST", "{EFFECTS_PATH}", text, {{"Idempotency-Key": os.environ["TOOL_CALL_ID"]}})
    receiver.getresponse().read()
    return f"noted {{text}}"
'''


def text_of(place: int) -> str:
    return f"message {place}"


def note_of(place: int, call: int) -> str:
    """Return what the model notes with its call, counted from 1."""
    return f"{text_of(place)}, note {call}"


def answer_of(place: int) -> str:
    return f"answer to {text_of(place)}"


def model_rule() -> Rule:
    """Return a model that takes notes one after another and then answers; every word follows from the message."""

    def rule(seen: SeenRequest) -> Reply:
        place = int(seen.texts_of("user")[-1].rpartition(" ")[2])
        call = seen.tool_returns_since_user + 1
        if call <= CALLS_PER_RUN:
            return Reply(tool_calls=(Call(TOOL, json.dumps({"text": note_of(place, call)})),))
        return Reply(answer_of(place))

    return after_delay(rule, THINKING_SECONDS)


@dataclass(slots=True)
class Load:
    """Agents and the posts to them; each agent's are sent in order, the next when the one before was accepted.

    Attributes:
        accepted: the run that each post became.
        repeated: how often a post was sent again by its client, beside the SDK's own retries.
    """

    letta: Letta
    callback_url: str
    agent_ids: Sequence[str]
    accepted: dict[Post, str] = field(default_factory=dict)
    repeated: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))

    @classmethod
    def create(cls, letta: Letta, callback_url: str, receiver_port: int) -> "Load":
        """Make the tool and the agents."""
        tool = letta.tools.create(source_code=tool_source(receiver_port))
        made = [letta.agents.create(model=f"openai/{MODEL}", tool_ids=[tool.id]) for _ in range(AGENTS)]
        return cls(letta, callback_url, [agent.id for agent in made])

    def post_all(self, within_seconds: float, chance: random.Random) -> None:
        """Send every message, spread over the time given; return when all are accepted or given up."""
        pauses = {agent_id: self._pauses(within_seconds, chance) for agent_id in self.agent_ids}
        with ThreadPoolExecutor(len(self.agent_ids)) as clients:
            for client in [clients.submit(self._post_to, agent_id, pauses[agent_id]) for agent_id in self.agent_ids]:
                client.result()

    def _pauses(self, within_seconds: float, chance: random.Random) -> list[float]:
        mean = within_seconds / RUNS_PER_AGENT
        return [chance.uniform(0, 2 * mean) for _ in range(RUNS_PER_AGENT)]

    def _post_to(self, agent_id: str, pauses: Sequence[float]) -> None:
        for place, pause in enumerate(pauses):
            time.sleep(pause)
            self._post((agent_id, place))

    def _post(self, post: Post) -> None:
        """Send one message until it is accepted, always with the same key."""
        key, ends_at = str(uuid.uuid4()), time.monotonic() + POST_PATIENCE_SECONDS
        while time.monotonic() < ends_at:
            try:
                self.accepted[post] = self._send(post, key)
            except (APIConnectionError, InternalServerError):
                with self._lock:
                    self.repeated += 1
                time.sleep(PAUSE_SECONDS)
            else:
                return

    def _send(self, post: Post, key: str) -> str:
        with self._places:
            run = self.letta.agents.messages.create_async(
                post[0],
                input=text_of(post[1]),
                callback_url=self.callback_url,
                extra_headers={"Idempotency-Key": key},
                timeout=POST_TIMEOUT_SECONDS,
            )
        return run.id
