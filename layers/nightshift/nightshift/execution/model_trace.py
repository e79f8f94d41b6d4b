"""Model calls in X-Ray: one subsegment each, with the attributes that OpenTelemetry's conventions for GenAI name.

Lambda traces invocations by itself, and botocore hands the trace on to queues and state machines. What is missing is
the call of the model, most of a run's time. A subsegment is one datagram to Lambda's own daemon, sent after the fact:
nothing is patched or waited for, and a trace that is not sampled costs nothing (docs/adr/0022). Needs the standard
library alone; X-Ray's SDK would load 94 modules for it.
"""

import json
import os
import socket
import uuid
from collections.abc import Mapping
from typing import Any, Final

from nightshift.domain.step import Step

_DAEMON: Final = "AWS_XRAY_DAEMON_ADDRESS"
_TRACE: Final = "_X_AMZN_TRACE_ID"
_HEADER: Final = b'{"format": "json", "version": 1}\n'


def trace_model_call(step: Step) -> None:
    """Send the step's model call to X-Ray if the invocation is traced; never fails."""
    trace = _sampled_trace(os.environ)
    host, _, port = os.environ.get(_DAEMON, "").rpartition(":")
    if trace is None or not host:
        return
    document = json.dumps(to_subsegment(step, *trace)).encode()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
            daemon.sendto(_HEADER + document, (host, int(port)))
    except OSError:
        return  # A trace is worth less than the run that it tells of.


def _sampled_trace(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Return (trace id, parent id) of the invocation, None when it is not traced."""
    parts = dict(part.partition("=")[::2] for part in environment.get(_TRACE, "").split(";"))
    if parts.get("Sampled") != "1" or "Root" not in parts or "Parent" not in parts:
        return None
    return parts["Root"], parts["Parent"]


def to_subsegment(step: Step, trace_id: str, parent_id: str) -> dict[str, Any]:
    """Return X-Ray's document of a model call. Annotations can be searched for and have no dots in their names."""
    provider, _, model = step.model_handle.partition("/")
    began_epoch_s = step.created_at.timestamp()
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.response.id": step.request_id,
        "gen_ai.usage.input_tokens": step.usage.prompt_tokens,
        "gen_ai.usage.output_tokens": step.usage.completion_tokens,
        "server.address": step.model_endpoint,
        "error.type": step.error_type,
    }
    known = {name: value for name, value in attributes.items() if value is not None}
    searched = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "error.type")
    annotations = {name.replace(".", "_"): known[name] for name in searched if name in known}
    return {
        "id": uuid.uuid4().hex[:16],
        "trace_id": trace_id,
        "parent_id": parent_id,
        "type": "subsegment",
        "namespace": "remote",
        "name": f"chat {provider}",
        "start_time": began_epoch_s,
        "end_time": began_epoch_s + step.model_ns / 1e9,
        "fault": step.error is not None,
        "annotations": annotations | {"run_id": step.run_id, "step_id": step.id, "agent_id": step.agent_id},
        "metadata": {"gen_ai": known},
    }
