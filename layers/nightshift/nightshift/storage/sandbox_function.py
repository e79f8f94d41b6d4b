"""Invokes tool_sandbox. Each tenant has execution environments of its own: one of them is never used for another.

An invocation is repeated only when Lambda says that it never began. Any other failure leaves open whether the code ran,
so it is the caller's to repeat: see promise 6.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from nightshift.domain.errors import TransientError

THROTTLE_PATIENCE_SECONDS: Final = 10
"""How long an invocation that was refused for want of concurrency is repeated."""

_NOT_BEGUN: Final = frozenset({"TooManyRequestsException", "EC2ThrottledException", "ResourceConflictException"})


class _NotBegunError(TransientError):
    """Lambda did not begin the invocation; it may be repeated."""


@dataclass(frozen=True, slots=True)
class SandboxFunction:
    """The function tool_sandbox.

    Attributes:
        client: a client for Lambda that makes one attempt, see `clients.functions`.
    """

    client: Any
    arn: str

    def invoke(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return the function's answer; `errorType` and `errorMessage` when it ended without one.

        Raises:
            TransientError: it could not be invoked, or its answer was lost.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(_NotBegunError),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            stop=stop_after_delay(THROTTLE_PATIENCE_SECONDS),
            reraise=True,
        )
        answer: dict[str, Any] = retrying(self._invoke_once, payload)
        return answer

    def _invoke_once(self, payload: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        try:
            answer = self.client.invoke(FunctionName=self.arn, TenantId=_tenant_id(payload["tenant"]), Payload=body)
            found = json.loads(answer["Payload"].read())
        except ClientError as error:
            kind = _NotBegunError if error.response["Error"]["Code"] in _NOT_BEGUN else TransientError
            raise kind(f"tool_sandbox was not invoked: {error}") from error
        except (BotoCoreError, OSError, ValueError) as error:
            raise TransientError(f"tool_sandbox's answer was lost: {error}") from error
        if not isinstance(found, dict):
            raise TransientError(f"tool_sandbox answered a {type(found).__name__}, not an object")
        return ({"errorType": "Runtime.Unknown"} | found) if "FunctionError" in answer else found


def _tenant_id(tenant: str) -> str:
    """Return the tenant's name as Lambda takes it, whatever characters it has."""
    return hashlib.sha256(tenant.encode()).hexdigest()[:32]
