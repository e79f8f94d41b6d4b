"""Generated requests against the committed OpenAPI document: no answer that the document does not allow.

Half of the cases fit the document, half break it in one place. Three of four that fit speak of things that exist, so
that they get past 404. The seed is fixed: the same code gets the same cases.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import strategies
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from conformance.population import Population
from intake.deployment import Deployment
from support.letta_sdk import BASE_URL, InProcessApi

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "api" / "openapi.json"

MIN_CASES: Final = 5_000
CASES_PER_OPERATION: Final = {"GET": 34, "DELETE": 20, "PATCH": 45, "PUT": 45, "POST": 52}
"""Cases of each kind, fitting and breaking, by method: a body has more to get wrong than a query."""

CASES_OF_WAITING_OPERATION: Final = 30
"""Fewer where each case executes a run, over a history that grows with every one."""

MAX_BODY_BYTES: Final = 1_000_000
"""Larger ones are a matter of tests/intake/test_hostile_bodies.py, and of API Gateway."""

SERVER_ERRORS_ON_PURPOSE: Final = (501, 504)

CHECKS: Final = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

load_all_checks()
SCHEMA: Final = schemathesis.openapi.from_dict(json.loads(DOCUMENT.read_text("utf-8")))
OPERATIONS: Final = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}

type Case = schemathesis.Case[Any]


@dataclass(slots=True)
class Tally:
    """What the tests of this module did, by operation."""

    cases: dict[str, int] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def tally() -> Tally:
    return Tally()


@pytest.mark.parametrize("label", OPERATIONS)
def test_answer_is_one_that_the_document_allows(
    label: str, deployment: Deployment, population: Population, tally: Tally
) -> None:
    operation = OPERATIONS[label]
    client = httpx.Client(transport=InProcessApi())
    tally.cases[label] = 0

    def try_case(case: Case, exists: bool) -> None:
        if exists:
            case.path_parameters = {**(case.path_parameters or {}), **population.ids_for(case.path_parameters or {})}
        request = to_request(case, deployment.token)
        hypothesis.assume(len(request.content) <= MAX_BODY_BYTES)
        tally.cases[label] += 1
        response = client.send(request)
        response.elapsed = timedelta()  # which httpx only measures where something was read from a network
        allowed = SERVER_ERRORS_ON_PURPOSE if str(response.status_code) in documented(case) else ()
        assert response.status_code < 500 or response.status_code in allowed, response.text
        case.validate_response(response, checks=CHECKS)

    for mode in GenerationMode:
        if mode.is_negative and not takes_anything(operation):
            continue
        cases = operation.as_strategy(generation_mode=mode)
        exists = strategies.sampled_from([True, True, True, False])
        settings = hypothesis.settings(
            max_examples=cases_of_each_kind(operation),
            database=None,
            deadline=None,
            derandomize=True,
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        settings(hypothesis.given(case=cases, exists=exists)(try_case))()
    tally.passed.add(label)


def test_there_were_enough_cases(tally: Tally, tell: Callable[[str], None]) -> None:
    if tally.cases.keys() != OPERATIONS.keys():
        pytest.skip("only a run over all operations has to have them")
    total, failures = sum(tally.cases.values()), len(tally.cases.keys() - tally.passed)
    tell(f"schemathesis: {total} cases, {failures} failures")
    assert total >= MIN_CASES


def to_request(case: Case, token: str) -> httpx.Request:
    """Return what schemathesis would send."""
    plain = requests.Request(**case.as_transport_kwargs(base_url=BASE_URL)).prepare()
    headers = {name: str(value) for name, value in plain.headers.items() if name.lower() != "authorization"}
    headers["authorization"] = f"Bearer {token}"
    body: Any = plain.body or b""
    return httpx.Request(str(plain.method), str(plain.url), headers=headers, content=body)


def documented(case: Case) -> Mapping[str, Any]:
    """Return the documented answers by status."""
    answers: Mapping[str, Any] = case.operation.definition.raw["responses"]
    return answers


def cases_of_each_kind(operation: Any) -> int:
    """Return how many fitting, and how many breaking, cases to try."""
    answers = operation.definition.raw["responses"]
    executes = "504" in answers or "text/event-stream" in answers["200"]["content"]
    return CASES_OF_WAITING_OPERATION if executes else CASES_PER_OPERATION[operation.method.upper()]


def takes_anything(operation: Any) -> bool:
    """Tell whether there is something to get wrong."""
    raw = operation.definition.raw
    return bool(raw["parameters"]) or "requestBody" in raw
