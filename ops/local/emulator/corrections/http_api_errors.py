"""A function that fails behind an HTTP API answers 500 and tells the client nothing.

AWS: the client gets 500 ``{"message":"Internal Server Error"}``; what went wrong is in the function's log.

Stock MiniStack: the client gets 502 with the function's ``errorMessage``, which may hold anything.
"""

import functools
from typing import Any

from ministack.services import apigateway, lambda_svc

from emulator.expectations import expect_source

INTERNAL_SERVER_ERROR = {
    "statusCode": 500,
    "headers": {"Content-Type": "application/json"},
    "body": '{"message":"Internal Server Error"}',
}


def apply() -> None:
    """Replace the response made of a failed invocation; a throttled one keeps MiniStack's."""
    stock = lambda_svc.lambda_execute_result_to_api_proxy_response
    expect_source(stock, '"statusCode": 502', 'exec_result.get("throttle")')
    expect_source(apigateway._invoke_lambda_proxy, "lambda_svc.lambda_execute_result_to_api_proxy_response(result)")

    @functools.wraps(stock)
    def to_proxy_response(result: dict[str, Any]) -> Any:
        if result.get("error") and not result.get("throttle"):
            return dict(INTERNAL_SERVER_ERROR), None
        return stock(result)

    lambda_svc.lambda_execute_result_to_api_proxy_response = to_proxy_response
