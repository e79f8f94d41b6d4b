"""Probes event_log: the events that functions received, one a line."""

import json
from pathlib import Path

from embedded_aws import EmbeddedAws, function, wait_until

CORRECTION = "event_log"


def test_events_are_appended_to_the_file(aws_to_restart: EmbeddedAws, stack_name: str) -> None:
    name = aws_to_restart.deploy(stack_name, {"Hears": function("def handler(event, context): return event")})["Hears"]
    aws_to_restart.invoke(name, {"said": "good evening"})
    log: Path = aws_to_restart.home / "events.log"
    wait_until(log.exists, "the file is written")
    (line,) = log.read_text().splitlines()
    assert json.loads(line) == {"function": name, "event": {"said": "good evening"}}
