"""The SDK's routes: each is offered, or refused with 501."""

import pytest

from conformance.test_sdk_methods import UNOFFERED_ROUTES
from intake.deployment import Deployment
from intake.refusals import assert_refused
from routes import ROUTES
from support.sdk_methods import same_shape, sdk_methods
from unoffered_routes import UNOFFERED

OFFERED_ROUTES = {(route.method, same_shape(route.path)) for route in ROUTES}


def test_every_route_of_the_sdk_is_offered_or_refused_with_reason() -> None:
    assert {method.route for method in sdk_methods()} - OFFERED_ROUTES == UNOFFERED_ROUTES


def test_no_route_is_said_to_be_missing_twice() -> None:
    listed = [route for group in UNOFFERED for route in group.routes]
    assert len(listed) == len(set(listed)) == len(UNOFFERED_ROUTES)


@pytest.mark.parametrize("slash", ["", "/"])
def test_unoffered_route_is_refused_for_both_slash_forms(standing: Deployment, slash: str) -> None:
    with standing.tries_no_write():
        assert_refused(standing.http().post(f"/v1/archives{slash}", json={}), 501)


def test_stranger_learns_nothing_of_what_is_missing(standing: Deployment) -> None:
    standing_without_token = standing.http()
    del standing_without_token.headers["authorization"]
    assert_refused(standing_without_token.get("/v1/archives"), 401, "Unauthorized")
