"""Moments that a client names: at the ends of the calendar too, where a zone leads out of it."""

import pytest

from intake.deployment import Deployment
from intake.refusals import assert_refused, read_json

BEYOND_THE_CALENDAR = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]


@pytest.mark.parametrize("moment", BEYOND_THE_CALENDAR)
def test_moment_outside_the_calendar_is_refused(deployment: Deployment, moment: str) -> None:
    conversation = deployment.sdk().conversations.create(agent_id=deployment.create_agent().id)

    response = deployment.http().patch(f"/v1/conversations/{conversation.id}", json={"last_message_at": moment})

    assert_refused(response, 422)
    assert read_json(response)["detail"][0]["loc"] == ["body", "last_message_at"]


@pytest.mark.parametrize("moment", BEYOND_THE_CALENDAR)
@pytest.mark.parametrize("name", ["start_date", "end_date"])
def test_list_from_or_to_outside_the_calendar_is_refused(standing: Deployment, name: str, moment: str) -> None:
    assert_refused(standing.http().get("/v1/steps", params={name: moment}), 422)


def test_moment_of_an_early_year_is_shown_with_four_digits(deployment: Deployment) -> None:
    conversation = deployment.sdk().conversations.create(agent_id=deployment.create_agent().id)
    body = {"last_message_at": "0158-08-05T23:47:14.52Z"}

    response = deployment.http().patch(f"/v1/conversations/{conversation.id}", json=body)

    assert response.json()["last_message_at"] == "0158-08-05T23:47:14.520000Z"
