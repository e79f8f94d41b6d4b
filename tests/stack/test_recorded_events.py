"""The recorded events are what the embedded AWS delivers: recorded once more, they look the same."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.events import shape_of
from support.local_stack import ROOT


@pytest.mark.timeout(400)
def test_events_recorded_anew_have_the_shape_of_the_files(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "ops" / "local" / "record_events.py"), "--to", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- our own program
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"

    recorded = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("recorded.json"))
    assert recorded == sorted(path.relative_to(ROOT / "events") for path in (ROOT / "events").rglob("recorded.json"))
    for name in recorded:
        anew, kept = (json.loads((folder / name).read_text()) for folder in (tmp_path, ROOT / "events"))
        assert shape_of(anew) == shape_of(kept), name
