"""What every refusal has in common, whatever was wrong."""

import json
from typing import Any, NoReturn

import httpx

INTERNALS = ("traceback", ".py", "boto", "dynamodb", "pydantic", "nightshift.", "arn:aws", "secretsmanager")
"""Words that an answer to a client must not hold, in lower case."""

MAX_REFUSAL_CHARS = 20_000
"""A refusal explains; it doesn't send back what it got."""


def assert_refused(response: httpx.Response, status: int, detail: Any = None) -> None:
    """Check status, form and restraint of a refusal, and its `detail` if that is given."""
    assert response.status_code == status, response.text[:500]
    assert response.headers["content-type"] == "application/json"
    assert len(response.text) <= MAX_REFUSAL_CHARS
    body = read_json(response)
    assert body["detail"]
    if detail is not None:
        assert body == {"detail": detail}
    found = [word for word in INTERNALS if word in response.text.lower()]
    assert not found, response.text


def read_json(response: httpx.Response) -> Any:
    """Parse the body as JSON in the strict sense, which knows neither NaN nor Infinity."""
    return json.loads(response.content, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is not JSON")
