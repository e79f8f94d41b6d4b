"""Stands in for Lambda before tool_sandbox: the real handler, in this process, behind the client that invokes it."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import tool_sandbox
from support.lambda_context import FakeLambdaContext

LIMIT_BYTES = 6 * 1024 * 1024
"""Lambda's limit of a request and of an answer."""


@dataclass
class InProcessLambda:
    """As much of boto3's client as `SandboxFunction` uses."""

    tenant_ids: list[str] = field(default_factory=list)

    def invoke(self, *, FunctionName: str, TenantId: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 -- boto3's names
        assert len(Payload) <= LIMIT_BYTES
        self.tenant_ids.append(TenantId)
        answer = json.dumps(run_in_process(json.loads(Payload)), ensure_ascii=False).encode()
        assert len(answer) <= LIMIT_BYTES
        return {"StatusCode": 200, "Payload": io.BytesIO(answer)}


def run_in_process(payload: dict[str, Any]) -> dict[str, Any]:
    """Invoke the handler; what `Sandbox` takes as `invoke`."""
    return tool_sandbox.lambda_handler(payload, FakeLambdaContext(remaining_ms=120_000))
