"""Records one event of every function, as the embedded AWS delivers it, into ``events/<function>/recorded.json``.

Run by ``make record-events``: a stack of its own is started, used once with the official SDK, and deleted. What belongs
to that stack alone (its token, ids, addresses) is replaced, so that the files say the same names as the tests.
"""

import argparse
import json
import re
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from letta_client import Letta

import stack
from callback_receiver import receiving
from local_stack.console import StackError, step
from local_stack.settings import ROOT, Settings

FUNCTIONS = sorted(path.name for path in (ROOT / "functions").iterdir() if path.is_dir())
MODEL = "bedrock/amazon.nova-lite-v1:0"
PARAMETERS = ("SliceSeconds=0",)
"""A slice is used up with its first run, so the second one of a conversation goes to the state machine."""

LIMIT_SECONDS = 100
"""The schedules' events come within a minute."""

TOOL = '''def get_weather(city: str) -> dict:
    """Say what the weather is.

    Args:
        city: where.
    """
    return {"city": city, "weather": "sunny"}
'''

type Events = dict[str, list[dict[str, Any]]]


def main() -> int:
    """Record; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=ROOT / "events", help="folder of the event files (default: events)")
    folder = parser.parse_args().to
    try:
        with tempfile.TemporaryDirectory() as temporary:
            record(Settings(Path(temporary) / "stack", _free_port(), PARAMETERS, records_events=True), folder)
    except StackError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


def record(settings: Settings, folder: Path) -> None:
    """Start a stack, have every function invoked, and write what each received."""
    try:
        stack.up(settings)
        _hasten_schedules(settings)
        description = json.loads(settings.description_file.read_text())
        with step("record", "one event of every function"):
            names = _use(Letta(base_url=description["base_url"], api_key=description["api_key"]))
            events = _await(lambda: _all_received(settings.event_log_file))
        names |= {description["api_key"]: "token-of-default", f":{settings.port}": ":4566"}
        for function in FUNCTIONS:
            _write(folder / function / "recorded.json", _choose(events[function]), names)
    finally:
        stack.reset(settings)


def _hasten_schedules(settings: Settings) -> None:
    """Let what comes every day come every minute."""
    client = settings.client("events")
    for rule in client.list_rules()["Rules"]:
        client.put_rule(Name=rule["Name"], ScheduleExpression="rate(1 minute)")


def _use(client: Letta) -> dict[str, str]:
    """Do what reaches every function; return the names that the files have for what came of it."""
    tool = client.tools.create(source_code=TOOL)
    agent = client.agents.create(name="Parcel clerk", model=MODEL, secrets={"WEATHER_KEY": "…"})
    client.agents.tools.attach(tool.id, agent_id=agent.id)
    client.agents.tools.run("get_weather", agent_id=agent.id, args={"city": "Köln"})
    with receiving() as receiver:
        first = client.agents.messages.create_async(agent.id, input="Where is A-17?", callback_url=receiver.url)
        second = client.agents.messages.create_async(agent.id, input="And A-18?")
        for run in (first, second):
            _await(lambda run_id=run.id: client.runs.retrieve(run_id).completed_at)  # type: ignore[misc]  # a default has no type to infer
        receiver.next(LIMIT_SECONDS)
        return {
            agent.id: "agent-719c8785-e8bd-45b2-8d79-4e67790b2ca8",
            first.id: "run-0b8f7d52-6c1e-4a39-9d24-000000c4e7a1",
            receiver.url: "https://hooks.example.org/nightshift",
        }


def _all_received(log: Path) -> Events | None:
    """Return the events by function, once there is one of each."""
    events: Events = {}
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        events.setdefault(_function_of(entry["function"]), []).append(entry["event"])
    return events if events.keys() >= set(FUNCTIONS) else None


def _function_of(deployed_name: str) -> str:
    """Return `queue_runner` for `nightshift-QueueRunnerFunction-…`."""
    logical_id = deployed_name.split("-")[1].removesuffix("Function")
    return re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id).lower()


def _choose(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Of HTTP requests take the one that creates the agent, which succeeds on every stack; of all others the first."""
    return next((event for event in events if event.get("rawPath", "").rstrip("/") == "/v1/agents"), events[0])


def _write(file: Path, event: dict[str, Any], names: dict[str, str]) -> None:
    text = json.dumps(event, indent=2, ensure_ascii=False)
    for own, shown in names.items():
        text = text.replace(own, shown)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n")


def _await[Found](look: Callable[[], Found | None]) -> Found:
    ends_at = time.monotonic() + LIMIT_SECONDS
    while (found := look()) is None:
        if time.monotonic() > ends_at:
            raise StackError(f"not every function was invoked within {LIMIT_SECONDS} s: see functions.log in the home")
        time.sleep(0.2)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
