"""Where is my run? Draws `GET /v1/runs/{id}/explain` in the terminal: `make run-status RUN=run-…`.

Asks the local stack, or any other that `NIGHTSHIFT_URL` and `NIGHTSHIFT_KEY` name. Needs the standard library alone.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 30


class StatusError(Exception):
    """The run's place can't be told; the message says why and what to do."""


def main() -> int:
    """Show one run; an expected failure is one line on standard error and exit code 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_id", metavar="RUN", help="id of the run")
    parser.add_argument("--home", type=Path, default=Path(".local"), help="home of the local stack (default: .local)")
    arguments = parser.parse_args()
    try:
        url, key = find_stack(arguments.home)
        print("\n".join(draw(ask(url, key, arguments.run_id))))
    except StatusError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


def find_stack(home: Path) -> tuple[str, str]:
    """Return the URL and key of the stack to ask."""
    if url := os.environ.get("NIGHTSHIFT_URL"):
        if key := os.environ.get("NIGHTSHIFT_KEY"):
            return url.rstrip("/"), key
        raise StatusError("NIGHTSHIFT_URL is set and NIGHTSHIFT_KEY, the tenant's bearer token, is not")
    try:
        stack = json.loads((home / "stack.json").read_text())
    except FileNotFoundError as error:
        raise StatusError(f"no stack in {home}: `make up`, or set NIGHTSHIFT_URL and NIGHTSHIFT_KEY") from error
    return stack["base_url"], stack["api_key"]


def ask(url: str, key: str, run_id: str) -> dict[str, Any]:
    """Return what the API tells of the run."""
    if not url.startswith(("http://", "https://")):
        raise StatusError(f"NIGHTSHIFT_URL must begin with http:// or https://, found {url}")
    address = f"{url}/v1/runs/{urllib.parse.quote(run_id, safe='')}/explain"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 -- see above
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 -- see above
            told: dict[str, Any] = json.load(answer)
            return told
    except urllib.error.HTTPError as error:
        raise StatusError(f"{url} answered {error.code}: {error.read().decode(errors='replace')}") from error
    except OSError as error:
        raise StatusError(f"{url} does not answer: {error}") from error


def draw(told: dict[str, Any]) -> list[str]:
    """Return the lines to show."""
    queue, lease, callback, progress = told["queue"], told["lease"], told["callback"], told["progress"]
    ended = f" ({told['stop_reason']})" if told["stop_reason"] else ""
    lines = [
        f"run          {told['run_id']}",
        f"agent        {told['agent_id']}",
        f"conversation {told['conversation_id'] or 'default'}",
        f"status       {told['status']}{ended}, {progress['step_count']} of {progress['max_steps']} steps",
        f"waits for    {told['waits_for'].replace('_', ' ')}: {told['explanation']}",
    ]
    if told["next_wake_up_at"]:
        lines.append(f"next wake-up {told['next_wake_up_at']}")
    if queue:
        lines.append(f"queue        {queue['position']} of {queue['length']}, first is {queue['executing_or_next']}")
    if lease:
        state = "EXPIRED" if lease["is_expired"] else "until"
        lines.append(f"lease        {lease['holder']}, token {lease['fencing_token']}, {state} {lease['expires_at']}")
    if callback:
        lines.append(f"callback     {callback['status']} after {callback['attempts']} attempts")
    if told["last_error"]:
        lines.append(f"last error   {told['last_error']}")
    return [*lines, "", *_draw_timeline(told["timeline"])]


def _draw_timeline(events: list[dict[str, str]]) -> list[str]:
    marks = ["├─"] * (len(events) - 1) + ["└─"]
    return [
        f"{event['at'][:23]}Z {mark} {event['event']:<20} {event['detail']}".rstrip()
        for mark, event in zip(marks, events, strict=True)
    ]


if __name__ == "__main__":
    sys.exit(main())
