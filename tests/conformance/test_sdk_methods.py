"""Every method of the official SDK: strictly validated, or refused with a word on what to use instead."""

import os

import pytest

from conformance.compatibility_page import DIFFERS, NOT_OFFERED, PAGE, SUPPORTED, Verdict, render
from conformance.population import Population
from conformance.sdk_calls import CALLS, DIFFERENCES
from intake.deployment import Deployment
from intake.refusals import assert_refused
from support.sdk_methods import SdkMethod, same_shape, sdk_methods
from unoffered_routes import UNOFFERED

UNOFFERED_ROUTES = {
    (route.partition(" ")[0], same_shape(route.partition(" ")[2])) for group in UNOFFERED for route in group.routes
}
OFFERED = [method for method in sdk_methods() if method.route not in UNOFFERED_ROUTES]
NOT_OFFERED_METHODS = [method for method in sdk_methods() if method.route in UNOFFERED_ROUTES]

type Verdicts = dict[SdkMethod, Verdict]


@pytest.fixture(scope="module")
def verdicts() -> Verdicts:
    """What the tests of this module found."""
    return {}


@pytest.mark.parametrize("method", OFFERED, ids=lambda method: method.name)
def test_answer_passes_strict_validation(method: SdkMethod, population: Population, verdicts: Verdicts) -> None:
    CALLS[method.name](population)

    remark = DIFFERENCES.get(method.name, "")
    verdicts[method] = (DIFFERS, remark) if remark else (SUPPORTED, "")


@pytest.mark.parametrize("method", NOT_OFFERED_METHODS, ids=lambda method: method.name)
def test_refusal_says_what_to_use_instead(method: SdkMethod, standing: Deployment, verdicts: Verdicts) -> None:
    response = standing.http().request(method.http_method, method.path.replace("<", "").replace(">", ""), json={})

    assert_refused(response, 501)
    assert response.headers["x-should-retry"] == "false"
    verdicts[method] = (NOT_OFFERED, response.json()["detail"])


def test_every_call_is_of_an_offered_method() -> None:
    assert CALLS.keys() == {method.name for method in OFFERED}
    assert DIFFERENCES.keys() <= CALLS.keys()


def test_compatibility_page_says_what_this_run_found(verdicts: Verdicts) -> None:
    if verdicts.keys() != set(sdk_methods()):
        pytest.skip("only a run over all methods, all of them as expected, tells what the page has to say")
    page = render(verdicts)
    if os.environ.get("COMPATIBILITY") == "write":
        PAGE.write_text(page, "utf-8")
    assert PAGE.read_text("utf-8") == page, "run make compatibility"
