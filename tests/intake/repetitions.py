"""Sending the same request again, in every way that a client may do it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from intake.deployment import Deployment
from intake.refusals import read_json
from nightshift.clock import SystemClock

type Json = dict[str, Any]
type Send = Callable[..., httpx.Response]


@pytest.fixture
def send(deployment: Deployment) -> Send:
    """Post to one agent with these headers; unless told otherwise the same words each time."""
    path = f"/v1/agents/{deployment.create_agent().id}/messages/async"
    http = deployment.http()

    def post(body: Json | None = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return http.post(path, json=body or {"input": "hello"}, headers=named)

    return post


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """Return a list whose one duration is added to the time that http_api sees."""
    ahead = [timedelta()]
    monkeypatch.setattr(SystemClock, "now", lambda self: datetime.now(UTC) + ahead[0])
    return ahead


def ids_of(*responses: httpx.Response) -> list[str]:
    """Return the runs that requests became, all of which must have been accepted."""
    assert {response.status_code for response in responses} == {200}, [response.text for response in responses]
    return [read_json(response)["id"] for response in responses]


def count_runs(deployment: Deployment) -> int:
    """Return how many runs the tenant has."""
    return sum(item["sk"]["S"] == "run" for item in deployment.items("RunsTable"))
