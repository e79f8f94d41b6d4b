"""An emulator process of the probes' own, and short ways to put resources on it and to see what happened."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-emulator" / "bin" / "python"
START_SECONDS = 30
PATIENCE_SECONDS = 15.0
"""How long `wait_until` waits by default. A probe that must fail waits less; see conftest.py."""
ROLE = "arn:aws:iam::000000000000:role/probe"

type Resource = dict[str, Any]


class EmbeddedAws:
    """One emulator on a free port, with its state in a folder; it can be stopped, killed and started again."""

    def __init__(self, home: Path, without: str = "", **settings: str) -> None:
        self.home = home
        self.port = _free_port()
        self._settings = {"EMULATOR_WITHOUT": without, **settings}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it answers."""
        (self.home / "tmp").mkdir(parents=True, exist_ok=True)
        with (self.home / "emulator.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [PYTHON, "-m", "emulator"], env=self._environment(), stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._answers, "the emulator answers", START_SECONDS)

    def stop(self) -> None:
        """End it as `make down` does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def client(self, service: str, **options: Any) -> Any:
        """A client of the emulator's root user; ``options`` override."""
        defaults = {
            "endpoint_url": self.url,
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "config": Config(retries={"max_attempts": 0}, max_pool_connections=50),
        }
        # Typed per service by boto3-stubs, which can't say "any service".
        make_client: Any = boto3.client
        return make_client(service, **{**defaults, **options})

    def deploy(
        self,
        name: str,
        resources: dict[str, Resource],
        parameters: Mapping[str, str] = MappingProxyType({}),
        **sections: Any,
    ) -> dict[str, str]:
        """Create a stack and return its outputs, with one output ``Ref`` for each resource beside the declared ones."""
        outputs = {logical_id: {"Value": {"Ref": logical_id}} for logical_id in resources}
        template = {"Resources": resources, **sections, "Outputs": outputs | sections.get("Outputs", {})}
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )

        def ended() -> dict[str, Any] | None:
            stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

        stack = wait_until(ended, f"stack {name} is deployed", 20)
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def invoke(self, function_name: str, payload: Any = None) -> Any:
        """Invoke a function and return what it answered, or its error as Lambda shapes it."""
        answer = self.client("lambda").invoke(FunctionName=function_name, Payload=json.dumps(payload))
        return json.loads(answer["Payload"].read())

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT / "ops" / "local"),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "AUTH": "true",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.home / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.home / "s3"),
            "TMPDIR": str(self.home / "tmp"),
            "FUNCTION_LOG": str(self.home / "functions.log"),
            "EVENT_LOG": str(self.home / "events.log"),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent",
            **self._settings,
        }

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        """Send an unsigned request, as a client of an HTTP API does; ``_`` in a header's name stands for ``-``."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.read().decode()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.home / "emulator.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        os.kill(self._process.pid, how)
        self._process.wait(timeout=20)
        self._process = None


def function(code: str, *layers: Any, **variables: Any) -> Resource:
    """A Lambda function whose module holds ``code``, which defines ``handler``."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": ROLE,
            "Timeout": 20,
            "Code": {"ZipFile": code},
            "Layers": list(layers),
            "Environment": {"Variables": variables},
        },
    }


def http_api(code: str, path: str, **properties: Any) -> dict[str, Resource]:
    """An HTTP API as SAM expands it, with one function behind one path and an authorizer that wants ``Bearer good``."""
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "payloadFormatVersion": "2.0",
        "uri": _invocation_uri("Behind"),
    }
    authorizer = {
        "type": "request",
        "authorizerUri": _invocation_uri("Authorizer"),
        "authorizerPayloadFormatVersion": "2.0",
        "enableSimpleResponses": True,
        "authorizerResultTtlInSeconds": 0,
    }
    scheme = {"type": "apiKey", "name": "Unused", "in": "header", "x-amazon-apigateway-authorizer": authorizer}
    operations = {
        path: {"security": [{"Bearer": []}], "x-amazon-apigateway-integration": integration},
        "/v1/open": {"x-amazon-apigateway-integration": integration},
    }
    body = {
        "openapi": "3.0.1",
        "paths": {route: {"x-amazon-apigateway-any-method": operation} for route, operation in operations.items()},
        "components": {"securitySchemes": {"Bearer": scheme}},
    }
    judge = (
        "def handler(event, context): return {'isAuthorized': event['headers'].get('authorization') == 'Bearer good'}"
    )
    return {
        "Authorizer": function(judge),
        "Behind": function(code),
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": body, **properties}},
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
        },
    }


def wait_until[T](condition: Callable[[], T | None], what: str, limit_seconds: float | None = None) -> T:
    """Ask again until the condition holds, and return what it gave; fail at the limit."""
    limit_seconds = PATIENCE_SECONDS if limit_seconds is None else limit_seconds
    deadline = time.monotonic() + limit_seconds
    while True:
        if result := condition():
            return result
        assert time.monotonic() < deadline, f"not within {limit_seconds} s: {what}"
        time.sleep(0.05)


def recorded(file: Path) -> list[Any]:
    """What functions recorded with ``RECORD``, in order."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


AUTHORIZER = """
def handler(event, context):
    return {"isAuthorized": event["headers"].get("authorization") == "Bearer good"}
"""

RECORD = """
import json, os

def record(what):
    with open(os.environ["RECORDS"], "a") as file:
        file.write(json.dumps(what) + "\\n")
"""
"""Start of a function's code that wants to tell the probe something: ``record(...)`` adds a line to a file."""


def _invocation_uri(logical_id: str) -> Resource:
    uri = f"arn:aws:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/${{{logical_id}.Arn}}/invocations"
    return {"Fn::Sub": uri}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
