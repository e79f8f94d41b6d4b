"""Probes http_api_errors: what a client sees of a function that fails."""

from embedded_aws import EmbeddedAws, http_api

CORRECTION = "http_api_errors"
FAILS = "def handler(event, context): raise ValueError('internal')"


def test_failing_function_answers_500_without_its_message(aws: EmbeddedAws, stack_name: str) -> None:
    api_id = aws.deploy(stack_name, http_api(FAILS, "/fails"))["Api"]
    answer = aws.get(f"/_aws/execute-api/{api_id}/$default/fails", authorization="Bearer good")
    assert answer == (500, '{"message":"Internal Server Error"}')
