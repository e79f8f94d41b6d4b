"""Run one agent in the background with the official letta-client, and show everything that happens.

Run by ``make demo`` after ``make up``; exits 0 only when the run completed and its signed callback arrived.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from letta_client import APIError, Letta
from standardwebhooks import Webhook, WebhookVerificationError

from callback_receiver import Callback, Receiver, receiving

DEFAULT_MODEL = "bedrock/amazon.nova-lite-v1:0"
PROMPT = "Hello! In one sentence: what can you do while I am away?"
RUN_LIMIT_SECONDS = 180
"""A small model on a laptop answers within this."""
CALLBACK_LIMIT_SECONDS = 60
POLL_SECONDS = 0.01
"""Short, because a run with a canned reply is `running` for some hundredths of a second only."""
WHERE_TO_LOOK = "see functions.log in the home of the stack"
ENDED = {"completed", "failed", "cancelled"}


class DemoError(Exception):
    """Something did not happen; the message says what and where to look."""


class Clock:
    """Prints lines with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def say(self, line: str) -> None:
        print(f"{time.monotonic() - self._started:7.2f} s  {line}", flush=True)


def main() -> int:
    """Show one run; return the exit code."""
    arguments = _parse_arguments()
    try:
        stack = _read_stack(arguments.home)
        _announce(arguments.model)
        with receiving() as receiver:
            show(stack, arguments.model, receiver)
    except (DemoError, APIError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


def show(stack: dict[str, Any], model: str, receiver: Receiver) -> None:
    """Create an agent, send it one message, follow the run, and check the callback."""
    clock = Clock()
    client = Letta(base_url=stack["base_url"], api_key=stack["api_key"])
    clock.say(f"letta-client speaks to {stack['base_url']}")
    agent = client.agents.create(name="demo", model=model, system="You are a helpful assistant. Be brief.")
    clock.say(f"agent created          {agent.id}")
    clock.say(f"posted in background   {PROMPT!r}")
    run = client.agents.messages.create_async(agent.id, input=PROMPT, callback_url=receiver.url)
    clock.say(f"run {run.status or '?':<18} {run.id}")
    run = follow(client, run, clock)
    if run.status != "completed":
        raise DemoError(
            f"the run ended {run.status} ({run.stop_reason}): {(run.metadata or {}).get('error', 'no reason')}"
        )
    show_messages(client, run.id, clock)
    check_callback(stack, run, receiver.next(CALLBACK_LIMIT_SECONDS), clock)
    clock.say("all done: the run completed and its callback is genuine")


def follow(client: Letta, run: Any, clock: Clock) -> Any:
    """Show every change of the run's status until it has ended."""
    deadline = time.monotonic() + RUN_LIMIT_SECONDS
    shown = run.status
    while shown not in ENDED:
        if time.monotonic() > deadline:
            raise DemoError(
                f"run {run.id} is still {shown} after {RUN_LIMIT_SECONDS} s: see functions.log in the stack's home"
            )
        time.sleep(POLL_SECONDS)
        run = client.runs.retrieve(run.id)
        if run.status != shown:
            shown = run.status
            clock.say(f"run {shown:<18} {f'stop_reason {run.stop_reason}' if run.stop_reason else ''}".rstrip())
    return run


def show_messages(client: Letta, run_id: str, clock: Clock) -> None:
    """Show the run's messages, the answer among them."""
    messages = list(client.runs.messages.list(run_id))
    clock.say(f"messages of the run    {len(messages)}")
    for message in messages:
        content = getattr(message, "content", None) or getattr(message, "reasoning", "")
        print(f"             {message.message_type}: {content}", flush=True)
    if not any(message.message_type == "assistant_message" for message in messages):
        raise DemoError(f"run {run_id} has no answer among its messages")


def check_callback(stack: dict[str, Any], run: Any, callback: Callback | None, clock: Clock) -> None:
    """Check the signature and that the callback says what the run says."""
    if callback is None:
        raise DemoError(f"no callback within {CALLBACK_LIMIT_SECONDS} s: {WHERE_TO_LOOK}")
    clock.say(f"callback arrived       webhook-id {callback.headers.get('webhook-id')}")
    try:
        Webhook(stack["callback_secret"]).verify(callback.body, callback.headers)
    except WebhookVerificationError as error:
        raise DemoError(f"the callback's signature is wrong: {error}") from error
    body = json.loads(callback.body)
    clock.say(f"signature is right     status {body['status']}, run {body['run_id']}")
    if (body["run_id"], body["status"]) != (run.id, run.status):
        raise DemoError(f"the callback says {body['status']} of {body['run_id']}, the run is {run.status}")


def _announce(model: str) -> None:
    print(f"model        {model}")
    if model.startswith("bedrock/"):
        print(
            "             The embedded AWS answers for Bedrock with a canned reply; no model thinks here. A real one:\n"
            "             MODEL=openai/gpt-4o-mini OPENAI_API_KEY=... make demo\n"
            "             MODEL=openai/llama3.2 OPENAI_BASE_URL=http://127.0.0.1:11434/v1 OPENAI_API_KEY=none make demo"
            "   (Ollama)"
        )
    print(flush=True)


def _read_stack(home: Path) -> dict[str, Any]:
    try:
        stack: dict[str, Any] = json.loads((home / "stack.json").read_text())
    except FileNotFoundError as error:
        raise DemoError(f"there is no stack in {home}: `make up` first") from error
    return stack


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".local"), help="home of the stack (default: .local)")
    parser.add_argument("--model", default=DEFAULT_MODEL, help=f"model handle (default: {DEFAULT_MODEL})")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
