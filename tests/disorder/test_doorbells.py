"""Every doorbell twice, twice at once, backwards, late, or never: the same runs, messages and callbacks (promise 1)."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from performance.data_path import DataPath
from support.receiver import Receiver
from support.scripted_model.rules import echo_history
from support.scripted_model.server import ScriptedModel

RUNS = 3
GRACE = timedelta(minutes=3)

type Json = dict[str, Any]
type Disorder = Callable[[list[Json]], list[list[Json]]]

DISORDERS: dict[str, Disorder] = {
    "each twice, one after another": lambda records: [[record] for record in records for _ in range(2)],
    "each twice in one batch": lambda records: [_renamed([*records, *records])],
    "backwards, one by one": lambda records: [[record] for record in reversed(records)],
    "the last one alone": lambda records: [records[-1:]],
    "none": lambda _records: [],
}


def _renamed(records: list[Json]) -> list[Json]:
    return [record | {"messageId": f"message-{place}"} for place, record in enumerate(records)]


@pytest.mark.parametrize("name", DISORDERS)
def test_doorbells_change_when_things_happen_and_never_what(
    name: str, path: DataPath, provider: ScriptedModel, receiver: Receiver
) -> None:
    provider.play(rule=echo_history)
    agent_id = path.create_agent()
    runs = [path.accept(agent_id, f"message {number}", callback_url=receiver.url) for number in range(RUNS)]

    for batch in DISORDERS[name](path.take_doorbells()["Records"]):
        path.run({"Records": batch})
    path.ahead += GRACE
    path.sweep()
    path.answer_doorbells()
    for _ in range(2):
        path.deliver()
        path.ahead += GRACE
        path.sweep()

    assert [path.show(run["id"])["status"] for run in runs] == ["completed"] * RUNS
    seen = [request.texts_of("user") for request in provider.requests]
    assert seen == [[f"message {number}" for number in range(count)] for count in range(1, RUNS + 1)]
    told = [json.loads(request.body)["run_id"] for request in receiver.requests]
    assert sorted(told) == sorted(run["id"] for run in runs)
