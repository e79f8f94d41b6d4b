"""Calls are authorized by the IAM actions that exist.

AWS: Converse and ConverseStream need ``bedrock:InvokeModel`` and ``bedrock:InvokeModelWithResponseStream``; the batch
operations of SQS need the action of the single one. There is no ``bedrock:Converse`` and no ``sqs:SendMessageBatch``.

Stock MiniStack: with AUTH=true derives the action from the operation's name, so a policy that is right on AWS is
refused here.
"""

import functools

from ministack.core import iam_actions

from emulator.expectations import expect_parameters

ACTIONS = {
    "bedrock:Converse": "bedrock:InvokeModel",
    "bedrock:ConverseStream": "bedrock:InvokeModelWithResponseStream",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}


def apply() -> None:
    """Translate the action that MiniStack derives from the operation's name."""
    stock = iam_actions.extract_iam_action
    expect_parameters(stock, "service", "method", "path", "headers", "body", "query_params")

    @functools.wraps(stock)
    def extract_iam_action(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
    ) -> str | None:
        action = stock(service, method, path, headers, body, query_params)
        return ACTIONS.get(action, action) if action else None

    iam_actions.extract_iam_action = extract_iam_action
